"""
Alarms from a program that speaks HTTP to a bridge that takes them, through a
whole gateway.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from goiptwist.errors import Refused, TryLater
from goiptwist.messaging.report_urls import context_of
from goiptwist.store.queries import search
from tests.web.ozeki.client import Asking, Reply
from tests.web.ozeki.test_classic import SEED
from tests.world import Recorder, World

EVENT = "1113,18,1,123,03,003"
SENDING = "action=sendmessage&username=httptest&password=abc123"
QUERY = f"{SENDING}&recipient=06201234567&messagedata={EVENT}"
BASIC = {"Authorization": "Basic " + b64encode(b"httptest:abc123").decode()}


@define(eq=False)
class Desk:
    """A gateway, and whoever asks it."""

    world: World
    asking: Asking

    def bridge(self, name: str) -> Recorder:
        return self.world.recorders.made[name]

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """Over our own interface."""
        headers = {**BASIC, **({} if body is None else {"Content-Type": "application/json"})}
        raw = b"" if body is None else json.dumps(body).encode()
        return self.asking.ask(method, path, raw, headers)

    def alarm(self, alarm_id: str) -> Any:
        return self.ask("GET", f"/api/v1/alarms/{alarm_id}").json

    def ways(self, alarm_id: str) -> list[tuple[str, str]]:
        return [(way["bridge"], way["state"]) for way in self.alarm(alarm_id)["deliveries"]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The user of the seed reports to a chain of three."""
    bridges = {n: {"kind": "recorder", "sms": False} for n in ("station", "backup", "oncall")}
    tables = {
        "alarm": {"dedup_window": 0.0},
        "bridge": {"ops": {"kind": "recorder"}, **bridges},
        "user": [{"name": "httptest", "password": "abc123"}],
        "route": [
            {"user": "httptest", "alarm": True, "chain": list(bridges), "escalate_after": 60}
        ],
    }
    world = World(tmp_path, monkeypatch, tables=tables)
    yield Desk(world, Asking(gateway=world.gateway.powers, reports_by="ops"))
    world.close()


def test_the_seed(desk: Desk) -> None:
    """Accepted in Ozeki's words, delivered to the station, and to be read under its id."""
    reply = desk.asking.get(QUERY)
    own = reply.xml.findtext("data/acceptreport/messageid") or ""
    assert reply.body.replace(own.encode(), b"m0") == SEED
    [taken] = desk.bridge("station").taken
    assert (taken.id, taken.alarm, taken.recipient) == (own, EVENT, "06201234567")
    shown = desk.alarm(own)
    assert (shown["state"], shown["words"]) == (
        "delivered",
        "Account 1113: audible panic alarm, partition 3, zone 3",
    )
    assert desk.ways(own) == [("station", "done")]
    [sent] = desk.asking.receive(folder="sent").xml.findall("data/message")
    assert sent.findtext("messageid") == own
    assert desk.bridge("ops").taken == []


def delete(desk: Desk, folder: str, alarm_id: str) -> list[str]:
    """The ids that Ozeki's client library is told are deleted."""
    body = json.dumps({"folder": folder, "message_ids": [alarm_id]}).encode()
    headers = {**BASIC, "Content-Type": "application/json"}
    deleted: list[str] = desk.asking.ask("POST", "/api?action=deletemsg", body, headers).json[
        "data"
    ]["message_ids"]
    return deleted


def test_an_alarm_is_not_taken_back(desk: Desk) -> None:
    """Deleted from the outbox it goes on; once it has ended it can be put out of sight."""
    desk.bridge("station").troubles = [TryLater("busy")]
    own = desk.asking.get(QUERY).xml.findtext("data/acceptreport/messageid") or ""
    assert delete(desk, "outbox", own) == []
    desk.world.advance(120)
    assert desk.alarm(own)["state"] == "delivered"
    assert delete(desk, "sent", own) == [own]
    assert desk.asking.receive(folder="sent").xml.findall("data/message") == []
    assert desk.alarm(own)["state"] == "delivered"


def test_the_same_name_again(desk: Desk) -> None:
    """After a restart too: the same id, and the station hears it once."""
    first = desk.asking.get(f"{QUERY}&messageid=a-1")
    assert desk.asking.get(f"{QUERY}&messageid=a-1").body == first.body
    desk.world.crash()
    desk.world.start_gateway()
    again = Asking(gateway=desk.world.gateway.powers)
    assert again.get(f"{QUERY}&messageid=a-1").body == first.body
    assert len(desk.bridge("station").taken) == 1


def test_who_follows(desk: Desk) -> None:
    """Each way says how it stands, and who is next."""
    desk.bridge("station").troubles = [Refused("no kissoff")]
    desk.bridge("backup").troubles = [TryLater("busy")]
    own = desk.ask("POST", "/api/v1/alarms", {"event": EVENT}).json["id"]
    assert desk.ways(own) == [("station", "escalated"), ("backup", "waiting")]
    [station, backup] = desk.alarm(own)["deliveries"]
    assert (station["following"], backup["following"]) == (["backup", "oncall"], ["oncall"])
    assert (backup["detail"], backup["attempts"]) == ("busy", 1)
    assert "next_try" in backup
    steps = [step["what"] for step in desk.alarm(own)["journey"]]
    assert (steps[0], steps.count("goes on"), steps[-1]) == ("received", 1, "deferred")


def test_a_person_takes_it_over(desk: Desk) -> None:
    """Whoever would have followed is not woken."""
    desk.bridge("station").troubles = [TryLater("busy")] * 9
    own = desk.ask("POST", "/api/v1/alarms", {"event": EVENT}).json["id"]
    taken = desk.ask("POST", f"/api/v1/alarms/{own}/acknowledge")
    assert (taken.status, taken.json["reason"]) == (200, "acknowledged by httptest")
    desk.world.advance(120)
    assert desk.bridge("backup").taken == desk.bridge("station").taken == []
    assert "acknowledged" in [step["what"] for step in desk.alarm(own)["journey"]]
    assert desk.ask("POST", f"/api/v1/alarms/{own}/acknowledge").status == 200


@pytest.mark.parametrize("span", [2, 100])
def test_looking(desk: Desk, monkeypatch: pytest.MonkeyPatch, span: int) -> None:
    """Newest first, by what is asked for, page by page, whatever lies in between."""
    monkeypatch.setattr(search, "SPAN", span)
    for number in range(6):
        desk.world.submit("+36301234567", f"between {number}")
        event = f"{1113 + number % 2},{18 if number < 3 else 98},1,13{number},00,130"
        assert desk.ask("POST", "/api/v1/alarms", {"event": event}).status == 202

    def codes(query: str) -> list[str]:
        found, path = [], f"/api/v1/alarms?limit=2{query}"
        while path:
            page = desk.ask("GET", path).json
            found += [one["code"] for one in page["alarms"]]
            path = page.get("next", "")
        return found

    assert codes("") == ["135", "134", "133", "132", "131", "130"]
    assert codes("&account=1114") == ["135", "133", "131"]
    assert codes("&code=130") == ["130"]
    assert codes("&code=113") == codes("&state=failed") == codes("&account=111") == []
    assert len(codes("&state=delivered&since=2026-01-01T00:00:00Z")) == 6


def test_what_becomes_of_it(desk: Desk) -> None:
    """C{reporturl}, and C{report}: told when all of it has ended."""
    url = "http://x.example/$messageid"
    desk.asking.get(f"{QUERY}&reporturl={url}")
    desk.ask("POST", "/api/v1/alarms", {"event": EVENT, "notify": ["ops"]})
    [first, second] = desk.bridge("ops").told
    assert (first.status, first.message.context) == ("delivered", context_of(url))
    assert (second.status, second.message.alarm) == ("delivered", EVENT)


def test_a_text_of_our_own_interface(desk: Desk) -> None:
    """It is an SMS: who wants an alarm there says so by the path."""
    reply = desk.ask("POST", "/api/v1/messages", {"to": "06201234567", "text": EVENT})
    message_id = reply.json["messages"][0]["id"]
    assert desk.ask("GET", f"/api/v1/messages/{message_id}").json["direction"] == "out"
    assert desk.ask("GET", f"/api/v1/alarms/{message_id}").status == 404


def test_a_large_batch(desk: Desk) -> None:
    """A thousand events in one request: each kept, in their order, each delivered."""
    given = {f"messagedata{n}": f"1113,18,1,130,00,{n:03}" for n in range(1000)}
    login = dict(pair.split("=") for pair in SENDING.split("&"))
    reply = desk.asking.post({**login, **given})
    assert reply.codes == ["0"] * 1000
    zones = [message.alarm[-3:] for message in desk.bridge("station").taken]
    assert sorted(zones) == [f"{n:03}" for n in range(1000)]
