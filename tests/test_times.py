"""Texts that go later, go first, or are worth nothing after a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from goiptwist.errors import Unacceptable
from goiptwist.model.messages import OnUnknown
from goiptwist.telephony.validation import FARTHEST, HEAD_START
from tests.wire import Wire


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(tmp_path, monkeypatch)
    yield made
    made.close()


def keeps_alive(wire: Wire, seconds: float) -> list[bytes]:
    heard = []
    for _ in range(int(seconds // 30)):
        wire.registers()
        heard += wire.waits(30)
    return heard


class TestLater:
    """C{send_at}"""

    def test_not_before(self, wire: Wire) -> None:
        """It waits on disk, over a restart as well."""
        wire.one(send_at=wire.clock.seconds() + 120)
        assert keeps_alive(wire, 60) == []
        wire.crash()
        wire.start()
        assert keeps_alive(wire, 30) == []
        assert b"MSG 11 5 hello\n" in keeps_alive(wire, 60)

    def test_its_time_begins_then(self, wire: Wire) -> None:
        """One for next week does not expire before it may leave."""
        validity = wire.gateway.settings.delivery.validity
        message = wire.one(send_at=wire.clock.seconds() + 7 * validity)
        wire.clock.advance(7 * validity - 1)
        assert wire.state(message) == "queued"
        wire.clock.advance(validity + 31)
        assert wire.state(message) == "expired"

    def test_too_far(self, wire: Wire) -> None:
        """A mistake in the unit, most likely."""
        with pytest.raises(Unacceptable, match="more than a year ahead"):
            wire.one(send_at=wire.clock.seconds() + FARTHEST + 1)


class TestExpiring:
    """C{expires}"""

    def test_not_after(self, wire: Wire) -> None:
        """An alarm of yesterday is worse than none."""
        message = wire.one(expires=wire.clock.seconds() + 60)
        wire.waits(100)
        assert wire.state(message) == "expired"
        wire.registers()
        assert wire.hears() == []

    @pytest.mark.parametrize(("send_at", "expires"), [(0, -1), (0, 0), (100, 100)])
    def test_too_late_already(self, wire: Wire, send_at: float, expires: float) -> None:
        """Said at once."""
        now = wire.clock.seconds()
        with pytest.raises(Unacceptable, match="would have expired"):
            wire.one(send_at=now + send_at if send_at else 0, expires=now + expires)

    def test_a_repeat(self, wire: Wire) -> None:
        """What has expired meanwhile was kept: its client hears the same again."""
        expires = wire.clock.seconds() + 60
        message = wire.one(expires=expires, client_id="x")
        wire.clock.advance(61)
        again = wire.one(expires=expires, client_id="x")
        assert (again.id, again.state) == (message.id, "expired")


class TestFirst:
    """C{priority}"""

    def test_it_overtakes(self, wire: Wire) -> None:
        """What is urgent goes before what came earlier, also in the store."""
        for text in ("one", "two"):
            wire.one(text=text)
        wire.one(text="urgent", priority=1)
        wire.crash()
        wire.start()
        wire.registers()
        assert wire.hears()[0] == b"MSG 11 6 urgent\n"

    def test_the_others_have_their_turn(self, wire: Wire) -> None:
        """After a while one that waits is as urgent."""
        wire.one(text="patient")
        wire.clock.advance(HEAD_START + 1)
        wire.one(text="urgent", priority=1)
        wire.registers()
        assert wire.hears()[0] == b"MSG 11 7 patient\n"

    @pytest.mark.parametrize("priority", [-1, 10])
    def test_there_are_ten(self, wire: Wire, priority: int) -> None:
        """0 to 9."""
        with pytest.raises(Unacceptable, match="priority must be 0 to 9"):
            wire.one(priority=priority)


@pytest.mark.parametrize(
    ("wish", "state"), [(None, "unknown"), (OnUnknown.FAIL, "failed"), (OnUnknown.HOLD, "unknown")]
)
def test_when_nobody_knows(wire: Wire, wish: OnUnknown | None, state: str) -> None:
    """A message may say what follows; also when the gateway died meanwhile."""
    for dies in (False, True):
        wire.registers()
        message = wire.one(on_unknown=wish)
        wire.opens(11 if not dies else 12)
        if dies:
            wire.crash()
            wire.start()
        else:
            wire.waits(400)
        assert wire.state(message) == state
