"""Which line of a pool takes which text."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from goiptwist.errors import TryLater
from goiptwist.goip import pool as pool_module
from tests.goip.conftest import MakesWires
from tests.wire import Wire
from tests.world import now


@pytest.fixture
def three(wires: MakesWires) -> Wire:
    """Three lines of one pool, all there."""
    wire = wires(lines=3)
    for n in (1, 2, 3):
        wire.registers(n)
    return wire


def offers(wire: Wire) -> list[int]:
    """The lines that were offered something."""
    return [a[1] - 10990 for d, a in wire.hears_where() if d.startswith(b"MSG")]


def test_the_one_used_longest_ago(three: Wire) -> None:
    """Every SIM gets its share."""
    for n in range(5):
        three.one(text=str(n))
    assert offers(three) == [1, 2, 3, 1, 2]


def test_only_lines_with_room(three: Wire) -> None:
    """One has no network, one is resting."""
    three.registers(1, facts="gsm_status:LOGOUT;")
    three.the_line(2).pause(100, "tired")
    for n in range(3):
        three.one(text=str(n))
    assert offers(three) == [3, 3, 3]


def test_another_line_after_a_failure(three: Wire) -> None:
    """A SIM without credit fails everything; another one may do better."""
    message = three.one()
    tried = []
    for session in (11, 12, 13):
        [n] = offers(three)
        tried.append(n)
        three.opens(session, n)
        three.says(f"ERROR {session} 1 errorstatus:1\n", n)
        three.says(f"DONE {session}\n", n)
        three.hears()
        for _ in range(60):
            if three.transport.sent:
                break
            three.clock.advance(5)
            for each in (1, 2, 3):
                three.registers(each)
    assert sorted(tried) == [1, 2, 3]
    assert offers(three) != []  # all have failed it: any will do again
    assert three.state(message) == "queued"


def test_not_the_line_that_failed_it(wires: MakesWires) -> None:
    """Though it is the one used longest ago."""
    wire = wires(lines=2)
    wire.registers(1)
    wire.registers(2)
    wire.one()
    wire.opens(11, 1)
    wire.says("ERROR 11 1 errorstatus:1\n", 1)
    wire.says("DONE 11\n", 1)
    wire.one()
    wire.opens(12, 2)
    wire.says("OK 12 1\n", 2)
    wire.says("DONE 12\n", 2)
    assert offers(wire) == [1, 2]
    wire.waits(0)
    wire.clock.advance(5)
    assert offers(wire) == [2]


def test_nobody_is_free(wires: MakesWires) -> None:
    """Asked all the same, it puts the text off, and no attempt is used up."""
    wire = wires()
    message = wire.one()
    pool: Any = wire.gateway.goip.lines.pools["pool:default"]
    with pytest.raises(TryLater, match="no line is free") as caught:
        now(Deferred.fromCoroutine(pool.deliver(message)))
    assert not caught.value.attempted


def test_a_line_by_name(three: Wire) -> None:
    """Who names a line gets that line, and waits for it."""
    three.registers(2, facts="gsm_status:LOGOUT;")
    message = three.one(line="goipid2")
    assert offers(three) == []
    three.registers(2, facts="gsm_status:LOGIN;")
    assert offers(three) == [2]
    assert three.state(message) == "queued"


def test_pools_are_apart(wires: MakesWires) -> None:
    """A text for one pool never leaves by another."""
    lines = [
        {"id": "goipid1", "password": "password1", "pool": "a"},
        {"id": "goipid2", "password": "password2", "pool": "b"},
    ]
    wire = wires(tables={"line": lines})
    wire.registers(1)
    wire.one(pool="b")
    assert offers(wire) == []
    wire.registers(2)
    assert offers(wire) == [2]


def test_a_line_that_appears_takes_what_waits(wires: MakesWires) -> None:
    """As many at once as it has sessions."""
    wire = wires(line={"sessions": 2})
    for n in range(3):
        wire.one(text=str(n))
    wire.registers()
    assert offers(wire) == [1, 1]


def test_what_is_remembered_has_an_end(three: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ever so many failed messages only the last are remembered."""
    monkeypatch.setattr(pool_module, "REMEMBERED", 2)
    messages = [three.one(text=str(n)) for n in range(4)]
    for n, session in zip((1, 2, 3, 1), (11, 12, 13, 14), strict=True):
        three.opens(session, n)
        three.says(f"ERROR {session} 1 errorstatus:1\n", n)
    pool = three.gateway.goip.lines.pools["pool:default"]
    assert list(pool._failed_by) == [m.id for m in messages[2:]]
    assert pool._open == {}
