"""Alarms in the dialect: the same requests and answers, another way behind them."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from goiptwist.alarm.routes import Names, Routes, RouteSettings
from goiptwist.errors import Busy, OverQuota, StoreUnavailable
from goiptwist.messaging.report_urls import context_of
from goiptwist.model.messages import State
from goiptwist.model.subscriptions import Subscription
from goiptwist.web.ozeki import submitter
from tests.contact_id.test_notation import BAD, VALID, refusal
from tests.web.ozeki.client import LOGIN, TEXT, Asking
from tests.web.ozeki.test_classic import SEED

EVENT = "1113,18,1,123,03,003"
MESSAGE = {"text": EVENT, "to_address": "06201234567"}


def routes(**keys: Any) -> Routes:
    """One route that marks alarms."""
    named = {name: Names((value,)) for name, value in keys.items()}
    return Routes([RouteSettings(alarm=True, to=Names(("station",)), **named)])


@pytest.fixture
def asking() -> Asking:
    """A gateway where the texts of the user of the seed are alarms."""
    made = Asking()
    made.gateway.alarms.routes = routes(user="httptest")
    return made


def events(asking: Asking) -> list[str]:
    return [report.event.machine for report in asking.gateway.alarms.reports]


class TestClassic:
    """XML, HTML and urlencoded."""

    def test_the_seed(self, asking: Asking) -> None:
        """The URL of Ozeki's page gets the answer of Ozeki's log, and raises an alarm."""
        reply = asking.send()
        assert (reply.status, reply.body) == (200, SEED)
        [report] = asking.gateway.alarms.reports
        assert (report.event.machine, report.origin) == (EVENT, "user:httptest")
        assert (report.recipient, report.client_id) == ("06201234567", "")
        assert asking.gateway.messages.submissions == []

    @pytest.mark.parametrize(
        "typed", ["1113181123030032", "1113 18 1123 03 003 2", "1113,18,1,123,3,3"]
    )
    def test_as_typed(self, asking: Asking, typed: str) -> None:
        """Other forms are taken; the answer repeats what was typed."""
        reply = asking.send(messagedata=typed)
        assert reply.xml.findtext("data/acceptreport/messagedata") == typed
        assert events(asking) == [EVENT]

    def test_nobody_to_dial(self, asking: Asking) -> None:
        """Routes say where it goes: a recipient need not be there, nor be a number."""
        asking.get({"action": "sendmessage", **LOGIN, "messagedata": EVENT})
        reply = asking.send(recipient="the station")
        assert reply.xml.findtext("data/acceptreport/recipient") == "the station"
        assert [report.recipient for report in asking.gateway.alarms.reports] == ["", "the station"]

    def test_several_recipients(self, asking: Asking) -> None:
        """They are one alarm, with a report for each; a station must not hear it twice."""
        reply = asking.send(recipient="1111,2222;3333")
        assert reply.codes == ["0", "0", "0"]
        reports = reply.xml.findall("data/acceptreport")
        assert [report.findtext("messageid") for report in reports] == ["m0", "m0", "m0"]
        assert [report.findtext("recipient") for report in reports] == ["1111", "2222", "3333"]
        assert events(asking) == [EVENT]

    def test_the_same_again(self, asking: Asking) -> None:
        """With a messageid of the client's own, a repeat is the same alarm."""
        first, second = asking.send(messageid="a-1"), asking.send(messageid="a-1")
        assert first.body == second.body == SEED
        assert len(asking.gateway.archive.kept) == 1
        other = asking.send(messageid="a-1", messagedata="1113,18,1,130,03,003")
        assert other.codes == ["302"]

    @pytest.mark.parametrize("row", VALID, ids=lambda row: row["frame"])
    def test_every_frame(self, asking: Asking, row: dict[str, Any]) -> None:
        """What receivers take is taken."""
        assert asking.send(messagedata=row["frame"]).codes == ["0"]

    @pytest.mark.parametrize(
        "text", [*BAD, "1113,18,7,123,03,003", "1113,18,1,123", "Low balance", "x" * 10_000]
    )
    def test_every_broken_frame(self, asking: Asking, text: str) -> None:
        """302, and the sentence that names the field."""
        reply = asking.send(messagedata=text)
        assert reply.codes == ["302"]
        sentence = reply.xml.findtext("data/acceptreport/statusmessage") or ""
        if len(text) < 100:
            assert sentence == refusal(text)[1]
        assert asking.gateway.archive.kept == []

    def test_a_batch(self, asking: Asking) -> None:
        """Each is kept or refused by itself; nobody needs a recipient."""
        texts = (EVENT, "1113,18,1,12,03,003", "1113,18,3,123,03,003")
        given = {f"messagedata{n}": text for n, text in enumerate(texts)}
        reply = asking.post({"action": "sendmessage", **LOGIN, "messageid": "b", **given})
        assert reply.codes == ["0", "302", "0"]
        sentences = [e.text or "" for e in reply.xml.iterfind("data/acceptreport/statusmessage")]
        assert "The code of an alarm" in sentences[1]
        assert [report.client_id for report in asking.gateway.alarms.reports] == ["b/0", "b/2"]

    def test_more_than_wait_at_a_time(
        self, asking: Asking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A large batch goes to the disk in parts, in its order."""
        monkeypatch.setattr(submitter, "ALARMS_AT_ONCE", 2)
        given = {f"messagedata{n}": f"1113,18,1,123,03,{n:03}" for n in range(5)}
        reply = asking.post({"action": "sendmessage", **LOGIN, **given})
        ids = [found.text for found in reply.xml.iterfind("data/acceptreport/messageid")]
        assert ids == ["m0", "m1", "m2", "m3", "m4"]

    def test_reports(self, asking: Asking) -> None:
        """C{reporturl} works as for an SMS."""
        asking = Asking(reports_by="hooks")
        asking.gateway.alarms.routes = routes(user="httptest")
        url = "http://x.example/$messageid?$status"
        asking.send(reporturl=url)
        [report] = asking.gateway.alarms.reports
        assert (report.context, report.subscriptions) == (
            context_of(url),
            (Subscription("bridge:hooks"),),
        )

    @pytest.mark.parametrize(
        ("error", "code", "whole"),
        [
            (Busy("too much waits", after=2), "429", True),
            (OverQuota("enough for today", after=60), "429", False),
            (StoreUnavailable("the disk is full"), "503", False),
        ],
    )
    def test_not_now(self, asking: Asking, error: Exception, code: str, whole: bool) -> None:
        """As for an SMS: its number, and the gateway's own sentence."""
        asking.gateway.archive.fault = error
        reply = asking.send()
        if whole:
            assert reply.error == (code, str(error))
        else:
            assert reply.codes == [code]
            assert reply.xml.findtext("data/acceptreport/statusmessage") == str(error)

    def test_no_way(self, asking: Asking) -> None:
        """What nobody would get is refused."""
        asking.gateway.alarms.routes = Routes(
            [evolve(routes(user="httptest").settings[0], to=Names())]
        )
        reply = asking.send()
        assert reply.codes == ["302"]
        sentence = reply.xml.findtext("data/acceptreport/statusmessage") or ""
        assert sentence.startswith("no route takes an alarm of account 1113")

    def test_folders(self, asking: Asking) -> None:
        """Under way, delivered, failed: each in its folder, as it was typed."""
        asking.send()
        for state, folder in (
            (State.RECEIVED, "outbox"),
            (State.DELIVERED, "sent"),
            (State.FAILED, "notsent"),
        ):
            asking.gateway.archive.kept = [evolve(asking.gateway.archive.kept[0], state=state)]
            for name in ("outbox", "sent", "notsent", "inbox"):
                found = asking.receive(folder=name).xml.findall("data/message")
                assert len(found) == (name == folder)
                for message in found:
                    assert message.findtext("messagedata") == EVENT
                    assert message.findtext("recipient") == "06201234567"


class TestMarked:
    """Whose texts are alarms."""

    def test_others(self, asking: Asking) -> None:
        """The same text of another user is an SMS, and needs a recipient."""
        asking.send(username="sender", password="only sends")
        assert asking.texts == [("06201234567", EVENT)]
        login = {"username": "sender", "password": "only sends"}
        reply = asking.get({"action": "sendmessage", **login, "messagedata": EVENT})
        assert reply.error == ("302", "recipient is missing")
        assert asking.gateway.alarms.reports == []

    @pytest.mark.parametrize(
        ("text", "is_alarm"),
        [(EVENT, True), ("2224,18,1,123,03,003", False), ("Door open", False), ("1,2", False)],
    )
    def test_either(self, asking: Asking, text: str, is_alarm: bool) -> None:
        """A route for an account alone takes what is Contact ID of it; all else is an SMS."""
        asking.gateway.alarms.routes = routes(account="1113")
        assert asking.send(messagedata=text).codes == ["0"]
        assert events(asking) == [EVENT] * is_alarm
        assert asking.texts == [(TEXT["recipient"], text)] * (not is_alarm)

    def test_both_in_one_batch(self, asking: Asking) -> None:
        """Each finds its way, and the answers stand in the order of the questions."""
        asking.gateway.alarms.routes = routes(account="1113")
        texts = ("Door open", EVENT, "Door closed")
        given = {f"recipient{n}": f"0620{n}" for n in range(3)}
        given |= {f"messagedata{n}": text for n, text in enumerate(texts)}
        reply = asking.post({"action": "sendmessage", **LOGIN, **given})
        assert reply.codes == ["0", "0", "0"]
        reports = reply.xml.findall("data/acceptreport")
        kept = {m.id: m.alarm or m.text for m in asking.gateway.archive.kept}
        assert [kept[r.findtext("messageid") or ""] for r in reports] == list(texts)


class TestJson:
    """Ozeki's own client libraries."""

    def test_it_is_raised(self, asking: Asking) -> None:
        """The answer is that for an SMS."""
        reply = asking.json("sendmsg", {"messages": [{**MESSAGE, "message_id": "a-1"}]})
        data = reply.json["data"]
        assert (data["success_count"], data["messages"][0]["status"]) == (1, "SUCCESS")
        assert (data["messages"][0]["id"], data["messages"][0]["text"]) == ("m0", EVENT)
        [report] = asking.gateway.alarms.reports
        assert (report.client_id, report.recipient) == ("a-1", "06201234567")

    def test_what_is_wrong(self, asking: Asking) -> None:
        """It fails with its sentence, and the good one beside it goes out."""
        bad = {"text": "1113,18,7,123,03,003"}
        data = asking.json("sendmsg", {"messages": [bad, {"text": EVENT}]}).json["data"]
        assert (data["success_count"], data["failed_count"]) == (1, 1)
        assert data["messages"][0]["status"].startswith("The qualifier of an alarm is '7'")

    def test_a_folder(self, asking: Asking) -> None:
        """Where it stands can be read there."""
        asking.json("sendmsg", {"messages": [MESSAGE]})
        reply = asking.json("receivemsg", method="GET", more="&folder=outbox")
        [found] = reply.json["data"]["data"]
        assert (found["text"], found["state"], found["id"]) == (EVENT, "received", "m0")
