"""
Panels that report by SMS: the alarm is on disk first, the SMS that brought it
next, and then the device is told OK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import LogLevel, capturedLogs

from goiptwist.messaging import service as traffic_module
from goiptwist.model.messages import Direction, Message
from goiptwist.store import Store
from goiptwist.store.commands.receipts import REPEAT_WINDOW
from tests.conftest import FailureLog
from tests.wire import Wire, refuse_writes
from tests.world import now

PANEL, EVENT = "+36301234567", "1113,18,1,123,03,003"
OK = b"RECEIVE 7 OK\n"

Opens = Callable[..., Wire]


@pytest.fixture
def opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opens]:
    """A gateway with a bridge for alarms, one for SMS, and the routes of the test."""
    wires = []

    def made(*routes: dict[str, Any], **tables: Any) -> Wire:
        bridges = {"ops": {"kind": "recorder"}, "station": {"kind": "recorder", "sms": False}}
        given = {"route": list(routes), "bridge": bridges, **tables}
        wires.append(Wire(tmp_path, monkeypatch, tables=given))
        wires[0].registers()
        return wires[0]

    yield made
    for wire in wires:
        wire.close()


def route(sender: str = PANEL, **more: Any) -> dict[str, Any]:
    return {"sender": sender, "alarm": True, "to": ["station"], **more}


def sms(wire: Wire, text: str = EVENT, sender: str = PANEL, number: int = 7) -> list[bytes]:
    """The device hands an SMS in; what it hears."""
    fields = f"id:goipid1;password:password1;srcnum:{sender};msg:{text}"
    wire.says(f"RECEIVE:{number};{fields}")
    return wire.hears()


def kept(wire: Wire, direction: Direction) -> list[Message]:
    found: list[Message] = now(wire.store.messages(direction, "", 100))
    return found


def steps(wire: Wire, message: Message) -> list[tuple[str, str, str]]:
    return [(s.what, s.where, s.detail) for s in now(wire.store.journey(message.id))]


def test_an_sms_that_is_an_alarm(opens: Opens) -> None:
    """It goes both ways, and each of the two says where the other is."""
    wire = opens(route())
    assert sms(wire) == [OK]
    [alarm], [text] = kept(wire, Direction.ALARM), kept(wire, Direction.IN)
    assert (alarm.alarm, alarm.line, alarm.origin) == (EVENT, "goipid1", "sms")
    assert text.text == EVENT
    assert [m.id for m in wire.recorders.made["station"].taken] == [alarm.id]
    assert [m.id for m in wire.recorder.taken] == [text.id]
    assert steps(wire, alarm)[0] == ("received", "goipid1", "sms")
    assert ("read as an alarm", "", f"alarm {alarm.id}") in steps(wire, text)


@pytest.mark.parametrize("text", ["1113181123030032", "1113 18 1123 03 003 2", f" {EVENT}\n"])
def test_other_ways_of_writing(opens: Opens, text: str) -> None:
    """Panels write it as they like."""
    wire = opens(route())
    sms(wire, text)
    assert [alarm.alarm for alarm in kept(wire, Direction.ALARM)] == [EVENT]


def test_the_order(
    opens: Opens, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
) -> None:
    """The disk fails between the two: the device is not told OK, and what it repeats is one."""
    wire = opens(route())
    keep = Store.keep_arrival
    monkeypatch.setattr(Store, "keep_arrival", lambda s, a: refuse_writes(s) or keep(s, a))
    assert sms(wire) == []
    assert (len(kept(wire, Direction.ALARM)), kept(wire, Direction.IN)) == (1, [])
    monkeypatch.setattr(Store, "keep_arrival", keep)
    refuse_writes(wire.store, False)
    wire.waits(5)
    assert len(logged_failures.flush()) == 1  # the store says why
    assert sms(wire) == [OK]
    assert (len(kept(wire, Direction.ALARM)), len(kept(wire, Direction.IN))) == (1, 1)
    [alarm], [text] = kept(wire, Direction.ALARM), kept(wire, Direction.IN)
    assert ("read as an alarm", "", f"alarm {alarm.id}") in steps(wire, text)


def test_a_repeat(opens: Opens) -> None:
    """The device did not hear OK: it is one alarm, before a restart and after it."""
    wire = opens(route())
    assert sms(wire) == sms(wire) == [OK]
    wire.crash()
    wire.start()
    assert sms(wire) == [OK]
    assert (len(kept(wire, Direction.ALARM)), len(kept(wire, Direction.IN))) == (1, 1)
    assert len(wire.recorders.made["station"].taken) == 1


def test_the_same_event_again(opens: Opens) -> None:
    """
    Another SMS with the same words is another alarm where nothing is joined;
    and so is one whose number has come again.
    """
    wire = opens(route(), alarm={"dedup_window": 0.0})
    sms(wire)
    sms(wire, number=8)
    assert len(kept(wire, Direction.ALARM)) == 2
    wire.clock.advance(REPEAT_WINDOW + 1)
    sms(wire)
    sms(wire)
    assert (len(kept(wire, Direction.ALARM)), len(kept(wire, Direction.IN))) == (3, 3)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("1113,18,7,123,03,003", "qualifier"),
        ("111,18,1,123,03,003", "account"),
        ("1113181123030033", "check digit"),
        ("Low balance!", "alarm"),
    ],
)
def test_what_is_no_alarm(opens: Opens, text: str, field: str) -> None:
    """It stays an SMS, and somebody is told where to look; the log has no text of it."""
    wire = opens(route())
    with capturedLogs() as logs:
        assert sms(wire, text) == [OK]
    assert (kept(wire, Direction.ALARM), len(wire.recorder.taken)) == ([], 1)
    [warning] = [event for event in logs if event["log_level"] is LogLevel.warn]
    assert (warning["line"], warning["field"]) == ("goipid1", field)
    assert text not in str(warning)


def test_no_way(opens: Opens) -> None:
    """A route that marks senders and says nothing of this account: the log asks for one."""
    wire = opens(route(to=[]), {"account": "2224", "to": ["station"]})
    with capturedLogs() as logs:
        assert sms(wire) == [OK]
    assert (kept(wire, Direction.ALARM), len(wire.recorder.taken)) == ([], 1)
    assert [e["field"] for e in logs if e["log_level"] is LogLevel.warn] == ["account"]


@pytest.mark.parametrize("sender", ["+36309999999", "Vodafone", ""])
def test_other_senders(opens: Opens, sender: str) -> None:
    """Anybody can text a SIM; only a panel that is listed raises alarms."""
    wire = opens(route(), {"account": "*", "alarm": True, "to": ["station"]})
    assert sms(wire, sender=sender) == [OK]
    assert (kept(wire, Direction.ALARM), len(wire.recorder.taken)) == ([], 1)


@pytest.mark.parametrize(
    ("listed", "sender"),
    [
        (PANEL, "06301234567"),
        ("06301234567", PANEL),
        ("06 30 123-4567", "+36301234567"),
        ("+3630*", "06301234567"),
        ("ALARM7", "Alarm7"),
    ],
)
def test_numbers_as_elsewhere(opens: Opens, listed: str, sender: str) -> None:
    """Networks show senders as they like; with a country they are one number."""
    wire = opens(route(listed), numbers={"country": "HU"})
    sms(wire, sender=sender)
    assert len(kept(wire, Direction.ALARM)) == 1
    assert len(wire.recorders.made["station"].taken) == 1


def test_too_much_to_do(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device keeps it and says it again; nothing is lost, nothing half done."""
    wire = opens(route())
    with monkeypatch.context() as patched:
        patched.setattr(traffic_module, "STORE_OVERLOAD", -1)
        assert sms(wire) == []
    assert kept(wire, Direction.ALARM) == kept(wire, Direction.IN) == []
    assert sms(wire) == [OK]
