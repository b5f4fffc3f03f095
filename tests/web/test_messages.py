"""What else can be done with messages: keys, times, fitting, looking, deciding."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.errors import OverQuota
from goiptwist.model.messages import Direction, Message, OnUnknown, State
from goiptwist.model.queries import Search
from goiptwist.model.quota import Quota
from goiptwist.model.status import LineStatus
from goiptwist.model.subscriptions import Subscription
from tests.web.fakes import Client
from tests.web.powers import NOON

GOOD = {"to": "+36301234567", "text": "Door open"}
HUNGARIAN = "Árvíztűrő tükörfúrógép"


def kept(name: str, state: State, origin: str = "user:ops") -> Message:
    return Message(
        id=name, direction=Direction.OUT, at=NOON, state=state, text="hello", origin=origin
    )


class TestSubmitting:
    """POST /api/v1/messages beyond the text."""

    def test_everything(self) -> None:
        """Each key reaches the gateway as what it means."""
        client = Client()
        more = {
            "send_at": "2027-01-31T08:00:00+01:00",
            "expires": "2027-01-31T08:00:00.5Z",
            "priority": 9,
            "notify": ["crm", "crm"],
            "on_unknown": "resend",
        }
        assert client.post({**GOOD, **more}).status == 202
        [wanted] = client.gateway.messages.submissions
        assert (wanted.send_at, wanted.expires) == (1801378800.0, 1801382400.5)
        assert (wanted.priority, wanted.on_unknown) == (9, OnUnknown.RESEND)
        assert wanted.subscriptions == (Subscription("bridge:crm"),)

    @pytest.mark.parametrize(
        ("more", "field", "said"),
        [
            ({"send_at": "tomorrow"}, "send_at", "must be a time with its offset"),
            ({"send_at": "2027-01-31T08:00:00"}, "send_at", "must be a time with its offset"),
            ({"send_at": "2027-02-30T08:00:00Z"}, "send_at", "must be a time with its offset"),
            ({"send_at": "٢٠٢٧-01-31T08:00:00Z"}, "send_at", "must be a time with its offset"),
            ({"expires": 1801378800}, "expires", "must be a text such as"),
            ({"priority": 10}, "priority", "must be at most 9"),
            ({"priority": -1}, "priority", "must be at least 0"),
            ({"priority": True}, "priority", "must be a whole number, not true or false"),
            ({"priority": 1.5}, "priority", "must be a whole number"),
            ({"priority": "1"}, "priority", "must be a whole number, not a text"),
            ({"on_unknown": "guess"}, "on_unknown", "must be hold, resend or fail"),
            ({"fit": "ascii"}, "fit", "must be gsm7"),
            ({"report": "ops"}, "report", "is called 'notify' now"),
            ({"notify": "ops"}, "notify", "there is no bridge 'ops' that can notify; there are"),
            ({"notify": []}, "notify", "must not be empty"),
            ({"notify": [1]}, "notify[0]", "must be a text, not a number"),
        ],
    )
    def test_a_wrong_value_is_named(self, more: Any, field: str, said: str) -> None:
        """In words of ours, not those of a library."""
        client = Client()
        reply = client.post({**GOOD, **more})
        assert (reply.status, reply.json["field"]) == (400, field)
        assert said in reply.json["detail"]
        assert client.gateway.messages.submissions == []

    def test_one_message_has_a_place(self) -> None:
        """201-like: where to ask what became of it."""
        reply = Client().post(GOOD)
        assert reply.header("Location") == "/api/v1/messages/m0"
        assert Client().post({**GOOD, "to": ["+361", "+362"]}).header("Location") is None

    @pytest.mark.parametrize("key", ['"a b-1"', "a b-1"])
    def test_idempotency_key(self, key: str) -> None:
        """The header is as good as an id; clients write it with marks and without."""
        client = Client()
        assert client.post(GOOD, **{"Idempotency-Key": key}).status == 202
        assert client.post({**GOOD, "id": "a b-1"}, **{"Idempotency-Key": key}).status == 202
        assert {one.client_id for one in client.gateway.messages.submissions} == {"a b-1"}

    @pytest.mark.parametrize("key", ["", '""', "x" * 191, "\xff", "a\tb"])
    def test_a_key_that_is_none(self, key: str) -> None:
        """It must not quietly be no key at all."""
        client = Client()
        reply = client.post(GOOD, **{"Idempotency-Key": key})
        assert (reply.status, reply.json["field"]) == (400, "Idempotency-Key")

    def test_two_keys(self) -> None:
        """Which of them counts, nobody knows."""
        reply = Client().post({**GOOD, "id": "a"}, **{"Idempotency-Key": "b"})
        assert (reply.status, reply.json["field"]) == (400, "id")

    def test_an_offer_that_fits(self) -> None:
        """?fit=gsm7 offers, and sends what was given."""
        client = Client()
        reply = client.post({**GOOD, "text": HUNGARIAN * 5}, "/api/v1/messages?fit=gsm7")
        assert (reply.json["encoding"], reply.json["segments"]) == ("ucs2", 2)
        fitted = reply.json["fitted"]
        assert (fitted["encoding"], fitted["segments"]) == ("gsm7", 1)
        assert fitted["text"].startswith("Arvíztürö".replace("í", "i"))
        assert client.gateway.messages.submissions[0].text == HUNGARIAN * 5

    def test_made_to_fit(self) -> None:
        """fit in the body sends the text that fits, and says what it was before."""
        client = Client()
        reply = client.post({**GOOD, "text": HUNGARIAN * 5, "fit": "gsm7"})
        assert (reply.json["encoding"], reply.json["segments"]) == ("gsm7", 1)
        assert reply.json["given"] == {"encoding": "ucs2", "segments": 2}
        assert client.gateway.messages.submissions[0].text == reply.json["text"]

    def test_preview(self) -> None:
        """The same without sending."""
        client = Client()
        reply = client.post({"text": "x" * 161 + "€"}, "/api/v1/messages/preview")
        assert reply.status == 200
        shown = {name: reply.json[name] for name in ("encoding", "segments", "units", "room_left")}
        assert shown == {"encoding": "gsm7", "segments": 2, "units": 163, "room_left": 143}
        assert client.gateway.messages.submissions == []

    def test_what_is_left_today(self) -> None:
        """A client can slow down by itself, and one that did not is told when."""
        client = Client(token="few-token")
        client.gateway.operator.limits, client.gateway.operator.spent = (
            Quota(messages=100),
            (99, 0),
        )
        reply = client.post(GOOD)
        assert reply.header("RateLimit") == '"messages";r=1;t=86400'
        client.gateway.archive.fault = OverQuota("that would be 101", after=60)
        client.gateway.operator.spent = (100, 0)
        reply = client.post(GOOD)
        assert (reply.status, reply.header("Retry-After")) == (429, "60")
        assert reply.header("RateLimit") == '"messages";r=0;t=86400'


class TestLooking:
    """GET /api/v1/messages with a search, and its pages."""

    @pytest.fixture
    def client(self) -> Client:
        client = Client()
        client.gateway.archive.kept = [kept(f"m{n}", State.SENT) for n in range(5)]
        return client

    def test_everything(self, client: Client) -> None:
        """Each key reaches the store as what it means."""
        client.get(
            "/api/v1/messages?direction=out&state=sent&line=goip1&origin=user:ops&number=%2B36+30"
            "&text=%C5%91&since=2024-02-29T12:00:00Z&until=2024-02-29T14:00:00+01:00"
            "&before=m3&limit=7"
        )
        assert client.gateway.history.searches == [
            Search(
                direction=Direction.OUT,
                state=State.SENT,
                line="goip1",
                origin="user:ops",
                number="3630",
                text="ő",
                since=1709208000.0,
                until=1709211600.0,
                before="m3",
                limit=7,
            )
        ]

    def test_pages_of_a_search(self, client: Client) -> None:
        """Newest first; whoever follows next sees everything once."""
        seen, path = [], "/api/v1/messages?order=newest&limit=2&text="
        while path:
            reply = client.get(path)
            seen += [message["id"] for message in reply.json["messages"]]
            path = reply.json.get("next", "")
            assert (reply.header("Link") == f'<{path}>; rel="next"') is bool(path)
            last = client.gateway.history.searches[-1].before
            if last:  # the fake does not go on; what counts is that it was asked to
                assert last == "m3"
                break
        assert seen[:2] == ["m4", "m3"]

    def test_pages_in_order(self, client: Client) -> None:
        """Oldest first; the last page has no next."""
        seen, path = [], "/api/v1/messages?direction=out&limit=2"
        while path:
            reply = client.get(path)
            seen += [message["id"] for message in reply.json["messages"]]
            path = reply.json.get("next", "")
        assert seen == ["m0", "m1", "m2", "m3", "m4"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("after=m1&text=x", "after"),
            ("after=m1&order=newest", "after"),
            ("order=oldest&state=sent", "order"),
            ("order=random", "order"),
            ("state=gone", "state"),
            ("since=yesterday", "since"),
            ("number=" + "1" * 65, "number"),
            ("limit=%2B5", "limit"),
            ("limit=1_0", "limit"),
        ],
    )
    def test_a_wrong_query_is_named(self, client: Client, query: str, field: str) -> None:
        """A search that quietly looks for something else finds the wrong thing."""
        reply = client.get(f"/api/v1/messages?{query}")
        assert (reply.status, reply.json["field"]) == (400, field)
        assert client.gateway.history.searches == []


class TestDeciding:
    """DELETE, and settle."""

    def test_take_back(self) -> None:
        """What waits is cancelled, by the one who submitted it."""
        client = Client(token="send-token")
        client.gateway.archive.kept = [kept("m0", State.QUEUED, "user:sender")]
        reply = client.ask("DELETE", "/api/v1/messages/m0")
        assert (reply.status, reply.json["state"]) == (200, "cancelled")
        assert client.gateway.archive.decisions == [("m0", "user:sender")]

    @pytest.mark.parametrize(("token", "status"), [("send-token", 403), ("admin-token", 200)])
    def test_of_somebody_else(self, token: str, status: int) -> None:
        """A sensor must not be able to stop another's alarm."""
        client = Client(token=token)
        client.gateway.archive.kept = [kept("m0", State.QUEUED)]
        assert client.ask("DELETE", "/api/v1/messages/m0").status == status

    def test_too_late(self) -> None:
        """It is out, and the answer says so."""
        client = Client()
        client.gateway.archive.kept = [kept("m0", State.SENT)]
        reply = client.ask("DELETE", "/api/v1/messages/m0")
        assert (reply.status, reply.json["detail"]) == (409, "it is sent")

    @pytest.mark.parametrize(
        ("verdict", "state"), [("sent", "sent"), ("failed", "failed"), ("resend", "queued")]
    )
    def test_settle(self, verdict: str, state: str) -> None:
        """Only a person knows, and only an admin may say."""
        client = Client(token="admin-token")
        client.gateway.archive.kept = [kept("m0", State.UNKNOWN)]
        path = "/api/v1/messages/m0/settle"
        reply = client.post({"verdict": verdict}, path)
        assert (reply.status, reply.json["state"]) == (200, state)
        assert client.post({"verdict": verdict}, path).status == 409
        client.token = "ops-token"
        assert client.post({"verdict": verdict}, path).status == 403

    def test_once_more(self) -> None:
        """An admin may have a bridge handed again what it lost."""
        client = Client(token="admin-token")
        client.gateway.archive.kept = [kept("m0", State.SENT)]
        path = "/api/v1/messages/m0/redeliver"
        assert client.post({"bridge": "crm"}, path).json["id"] == "m0"
        assert client.gateway.archive.decisions == [("m0", "user:admin")]
        assert client.post({"bridge": "ops"}, path).status == 409
        assert client.post({}, path).json["field"] == "bridge"
        client.token = "ops-token"
        assert client.post({"bridge": "crm"}, path).status == 403

    @pytest.mark.parametrize("path", ["nothing", "x" * 200, "%00", "%F0%9F%98%80"])
    def test_what_there_is_not(self, path: str) -> None:
        """404, whatever the id looks like."""
        client = Client(token="admin-token")
        assert client.ask("DELETE", f"/api/v1/messages/{path}").status == 404
        verdict = {"verdict": "sent"}
        assert client.post(verdict, f"/api/v1/messages/{path}/settle").status == 404


def test_one_line() -> None:
    """By its id; what is not configured is not found."""

    client = Client()
    client.gateway.lines.states = [LineStatus(id="goip1", pool="p", presence="present")]
    assert client.get("/api/v1/lines/goip1").json["presence"] == "present"
    assert client.get("/api/v1/lines/goip2").status == 404
