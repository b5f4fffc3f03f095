"""What happens on a line is heard by the bridges that want it, as surely as an SMS arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from zope.interface import implementer

from goiptwist.errors import TryLater
from goiptwist.gateway import kinds as kinds_module
from goiptwist.goip.presence import SILENCE
from goiptwist.interfaces import IBridge, IConnectorKind, IObservesLines, Phase
from goiptwist.messaging.router import Router, RoutingRule
from goiptwist.model.messages import Direction, Message
from goiptwist.model.notifications import LineEvent
from goiptwist.store import NewLineEvent
from tests.conftest import FailureLog
from tests.store.conftest import AT, Kept
from tests.wire import Wire, refuse_writes
from tests.world import now


@frozen(kw_only=True)
class EarsSettings:
    lines: tuple[str, ...] = ()
    sms: bool = False
    takes_events: bool = True


@implementer(IBridge, IObservesLines)
@define(eq=False)
class Ears:
    """A bridge that hears, and takes no SMS."""

    events: list[LineEvent] = field(factory=list)
    taken: list[Message] = field(factory=list)
    troubles: list[Exception] = field(factory=list)

    async def deliver(self, message: Message) -> None:
        self.taken.append(message)

    async def observe(self, event: LineEvent) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.events.append(event)

    def words(self) -> list[tuple[str, str]]:
        return [(event.line, event.what) for event in self.events]


@implementer(IConnectorKind)
class EarsKind:
    section, kind = "bridge", "ears"
    phase = Phase.BRIDGE
    settings = EarsSettings

    def __init__(self) -> None:
        self.ears = Ears()

    def build(self, name: str, settings: Any, gateway: Any) -> Ears:
        return self.ears


MakesWire = Callable[..., Wire]


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    kind = EarsKind()
    kinds = [*kinds_module.connector_kinds(), kind]
    monkeypatch.setattr(kinds_module, "connector_kinds", lambda: kinds)
    return kind.ears


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ears: Ears) -> Iterator[Wire]:
    bridges = {"ops": {"kind": "recorder"}, "ears": {"kind": "ears", "lines": ["goipid1"]}}
    made = Wire(tmp_path, monkeypatch, lines=2, tables={"bridge": bridges})
    yield made
    made.close()


def test_presence(wire: Wire, ears: Ears) -> None:
    """There, gone, there again; of the lines that were asked for."""
    wire.registers(1)
    wire.registers(2)
    wire.waits(SILENCE + 1)
    wire.registers(1)
    assert ears.words() == [
        ("goipid1", "line.present"),
        ("goipid1", "line.lost"),
        ("goipid1", "line.present"),
    ]
    assert ears.events[1].at == pytest.approx(ears.events[0].at + SILENCE, abs=1)
    assert len({event.id for event in ears.events}) == 3


def test_stopped(wire: Wire, ears: Ears, logged_failures: FailureLog) -> None:
    """Once, with the reason."""
    wire.the_line().stop("wrong password")
    wire.the_line().stop("wrong password")
    [event] = ears.events
    assert (event.what, event.fields) == ("line.stopped", {"reason": "wrong password"})
    logged_failures.flush()


@pytest.mark.parametrize(
    ("push", "what", "fields"),
    [
        ("RECORD:9;id:goipid1;password:password1;dir:1;num:+361", "call.began",
         {"dir": "1", "num": "+361"}),
        ("EXPIRY:9;id:goipid1;password:password1;exp:60", "call.length", {"exp": "60"}),
        ("USSN:9;id:goipid1;password:password1;msg:Balance: 5; ok", "ussd.received",
         {"msg": "Balance: 5; ok"}),
        ("NEW_one:9;id:goipid1;password:password1;x:y", "device.NEW_one", {"x": "y"}),
    ],
)  # fmt: skip
def test_pushes(wire: Wire, ears: Ears, push: str, what: str, fields: dict[str, str]) -> None:
    """Told once, however often the device repeats it."""
    wire.says(push)
    wire.says(push)
    [event] = ears.events
    assert (event.line, event.what, event.fields) == ("goipid1", what, fields)


def test_it_is_no_message(wire: Wire, ears: Ears) -> None:
    """It stands in no list of messages, and SMS do not go where only events are wanted."""
    wire.says("RECORD:9;id:goipid1;password:password1;dir:1;num:+361")
    wire.says("RECEIVE:7;id:goipid1;password:password1;srcnum:1;msg:x")
    assert [m.direction for m in now(wire.store.messages(None, "", 9))] == [Direction.IN]
    assert (len(ears.taken), len(wire.recorder.taken)) == (0, 1)


def test_put_off_over_a_restart(wire: Wire, ears: Ears) -> None:
    """It comes again with the same id, also from a new process."""
    ears.troubles.append(TryLater("busy"))
    wire.says("RECORD:9;id:goipid1;password:password1;dir:1;num:+361")
    assert ears.events == []
    wire.crash()
    wire.start()
    wire.waits(10)
    assert ears.words() == [("goipid1", "call.began")]


def test_nobody_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is history only."""
    made = Wire(tmp_path, monkeypatch)
    made.registers()
    made.says("RECORD:9;id:goipid1;password:password1;dir:1;num:+361")
    assert now(made.store.messages(Direction.EVENT, "", 9)) == []
    made.close()


def test_a_push_is_not_acknowledged_without_the_disk(
    wire: Wire, ears: Ears, logged_failures: FailureLog
) -> None:
    """The device repeats it; what we found ourselves is lost, and nothing breaks."""
    refuse_writes(wire.store)
    wire.registers()
    wire.says("RECORD:9;id:goipid1;password:password1;dir:1;num:+361")
    assert wire.hears() == []
    refuse_writes(wire.store, False)
    wire.says("RECORD:9;id:goipid1;password:password1;dir:1;num:+361")
    assert ears.words() == [("goipid1", "call.began")]
    logged_failures.flush()


def test_in_one_group(tmp_path: Path) -> None:
    """Several in one commit, repeats among them, for several bridges."""
    kept = Kept(tmp_path)
    again = NewLineEvent(line="g", what="call.began", kind="RECORD", number=1, fields={}, at=AT,
                  destinations=("bridge:a", "bridge:b"))  # fmt: skip
    own = NewLineEvent(line="g", what="line.lost", fields={}, at=AT, destinations=("bridge:a",))
    other = NewLineEvent(line="g", kind="RECORD", number=2, fields={}, at=AT)
    with kept.store.writer.connection.begin():
        found = kept.store._line_events.events(
            kept.store.writer.connection, [again, own, again, own, other]
        )
    assert [one.value for one in found] == [True, True, False, True, True]
    assert [len(one.enqueued) for one in found] == [2, 1, 0, 1, 0]
    waiting = now(kept.store.waiting("bridge:a", 9))
    assert [row.message.topic for row in waiting] == ["call.began", "line.lost", "line.lost"]
    assert all(row.message.direction is Direction.EVENT for row in waiting)
    kept.store.close()


def test_who_wants_it() -> None:
    """By line and by pool; numbers and texts are of SMS only."""
    rules = {
        "sms": RoutingRule(),
        "all": RoutingRule(takes_events=True, match="x", numbers=("1",)),
        "pool": RoutingRule(takes_events=True, pools=("b",)),
        "line": RoutingRule(takes_events=True, lines=("l1",)),
    }
    router = Router(rules, {"l1": "a", "l2": "b"})
    assert router.events("l1") == ("bridge:all", "bridge:line")
    assert router.events("l2") == ("bridge:all", "bridge:pool")
