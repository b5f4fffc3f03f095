"""
Room on a line is lent for one session, and comes back however the session
ends: a line that is not given back never sends again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from goiptwist.device_interfaces import IInbound, ILease, ILends, ITransmissionJournal
from goiptwist.errors import TryLater
from goiptwist.goip import sending
from goiptwist.goip.line import GoipLine
from goiptwist.goip.pool import LineLease, LinePool
from goiptwist.model.messages import Message
from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.wire import Wire, refuse_writes
from tests.world import BEGINNING, now


@pytest.fixture
def single(wires: MakesWires) -> Wire:
    """One line that takes one session at a time."""
    wire = wires(line={"sessions": 1})
    wire.registers()
    return wire


def pool_of(wire: Wire, name: str = "pool:default") -> LinePool:
    return wire.gateway.goip.lines.pools[name]


def unqueued(wire: Wire) -> Message:
    """A message that no queue will send by itself."""
    wire.the_line().pause(1, "for the test")
    message = wire.one()
    wire.gateway.dispatcher.queues["pool:default"].stop()
    wire.clock.advance(1)
    return message


def sent(wire: Wire) -> None:
    wire.opens()
    wire.says("OK 11 1 32\n")
    wire.says("DONE 11\n")


def refused(wire: Wire) -> None:
    wire.opens()
    wire.says("ERROR 11 1 errorstatus:28\n")
    wire.says("DONE 11\n")


def silent_before_the_number(wire: Wire) -> None:
    pass


def silent_after_the_number(wire: Wire) -> None:
    wire.opens()


def without_network(wire: Wire) -> None:
    wire.says("ERROR 11 GSM_LOGOUT\n")


ENDINGS = [
    sent,
    refused,
    silent_before_the_number,
    silent_after_the_number,
    without_network,
]


class TestEndings:
    """In each of them the line is free again."""

    @pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
    def test_free_again(self, single: Wire, ending: Callable[[Wire], None]) -> None:
        """And takes the text that waited."""
        single.one()
        single.one(text="next")
        assert single.hears() == [b"MSG 11 5 hello\n"]
        assert list(pool_of(single).free) == list(pool_of(single, "line:goipid1").free) == []
        ending(single)
        heard = single.hears()
        while not [each for each in heard if each.startswith(b"MSG 12 ")]:
            assert single.clock.seconds() < BEGINNING + 300
            single.registers()
            heard += single.waits(5)

    def test_cancelled(self, single: Wire) -> None:
        """The gateway stops in the middle of a session."""
        single.one()
        assert list(pool_of(single).free) == []
        single.the_line().shut_down()
        assert list(pool_of(single).free) == ["goipid1"]
        assert single.the_line().sessions == {}

    def test_the_session_breaks(
        self, single: Wire, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
    ) -> None:
        """A bug of ours inside the dialogue."""

        def broken(session: int, text: str) -> None:
            raise KeyError("bug")

        monkeypatch.setattr(sending, "SessionOffer", broken)
        single.one()
        assert list(pool_of(single).free) == ["goipid1"]
        assert len(logged_failures.flush()) == 1

    def test_the_dialogue_cannot_begin(
        self, single: Wire, monkeypatch: pytest.MonkeyPatch, logged_failures: FailureLog
    ) -> None:
        """A bug of ours between the lease and the session."""

        async def broken(lease: LineLease, message: Message) -> None:
            raise KeyError("bug")

        monkeypatch.setattr(LineLease, "deliver", broken)
        message = single.one()
        assert list(pool_of(single).free) == ["goipid1"]
        assert single.message(message).reason == "internal error, see the log"
        assert len(logged_failures.flush()) == 1

    def test_no_number_for_the_session(self, single: Wire, logged_failures: FailureLog) -> None:
        """The disk does not take the next block of them."""
        numbers = single.gateway.goip.lines._numbers
        numbers._next = numbers._end
        message = unqueued(single)
        refuse_writes(single.store)
        lease = pool_of(single).acquire(message)
        assert lease is not None
        assert list(pool_of(single).free) == []
        with pytest.raises(TryLater) as caught:
            now(Deferred.fromCoroutine(lease.deliver(message)))
        assert not caught.value.attempted
        lease.release()
        assert list(pool_of(single).free) == ["goipid1"]
        refuse_writes(single.store, False)
        logged_failures.flush()


class TestLease:
    """What a holder may do with it."""

    @pytest.fixture
    def message(self, single: Wire) -> Message:
        return unqueued(single)

    def test_given_back_unused(self, single: Wire, message: Message) -> None:
        """Once; a second release frees nobody else's room."""
        lease = pool_of(single).acquire(message)
        assert lease is not None
        assert pool_of(single).acquire(message) is None
        assert pool_of(single, "line:goipid1").acquire(message) is None
        lease.release()
        other = pool_of(single).acquire(message)
        lease.release()
        assert other is not None
        assert pool_of(single).acquire(message) is None

    def test_a_session_keeps_its_line(self, single: Wire, message: Message) -> None:
        """Releasing the lease does not free the line under a session."""
        lease = pool_of(single).acquire(message)
        assert lease is not None
        delivering = Deferred.fromCoroutine(lease.deliver(message))
        lease.release()
        assert list(pool_of(single).free) == []
        sent(single)
        assert now(delivering).sms_no == "32"
        assert list(pool_of(single).free) == ["goipid1"]

    def test_the_session_is_over(self, single: Wire) -> None:
        """A place in a session that has ended meanwhile costs no attempt."""
        first, _ = single.submit(["+361", "+362"])
        lease = pool_of(single).acquire(first)
        assert lease is not None
        single.the_line().shut_down()
        session = lease._session
        assert session is not None
        session._ended = True
        with pytest.raises(TryLater, match="the session is over") as caught:
            now(Deferred.fromCoroutine(lease.deliver(first)))
        assert not caught.value.attempted

    def test_interfaces(self, single: Wire, message: Message) -> None:
        """They are what they say."""
        pool: Any = pool_of(single)
        assert verifyObject(ILends, pool)
        assert verifyObject(ILease, pool.acquire(message))
        assert verifyObject(ITransmissionJournal, single.gateway.goip.lines.journal)
        assert verifyObject(IInbound, single.gateway.goip.lines.inbound)


class TestAvailable:
    """Those who wait hear of the edge from none to some, and of nothing else."""

    def test_the_edge(self, wires: MakesWires) -> None:
        """A second line that is free is no news."""
        wire = wires(lines=2)
        heard: list[int] = []
        unsubscribe = pool_of(wire).on_available(lambda: heard.append(len(pool_of(wire).free)))
        wire.registers(1)
        wire.registers(2)
        assert heard == [1]
        wire.the_line(1).pause(5, "one")
        wire.the_line(2).pause(10, "two")
        wire.waits(10)
        assert heard == [1, 1]
        unsubscribe()
        wire.the_line(1).pause(5, "one")
        wire.the_line(2).pause(5, "two")
        wire.waits(5)
        assert heard == [1, 1]

    def test_a_thousand_lines(self, wires: MakesWires, monkeypatch: pytest.MonkeyPatch) -> None:
        """One is found without looking at the others."""
        wire = wires(lines=1000)
        for n in range(1, 1001):
            wire.gateway.goip.protocol.datagramReceived(
                f"req:1;id:goipid{n};pass:password{n};".encode(), wire.address(n)
            )
        looked: list[str] = []
        has_room: Any = GoipLine.has_room
        monkeypatch.setattr(
            GoipLine,
            "has_room",
            property(lambda line: (looked.append(line.settings.id), has_room.fget(line))[1]),
        )
        wire.one()
        assert len(looked) < 10
