"""The keys of a line: what would break a frame, or a device, is refused at the start."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.errors import BadConfiguration
from goiptwist.gateway.settings import read_settings
from goiptwist.goip.settings import LineSettings, Poll


def read(**keys: Any) -> LineSettings:
    line = {"id": "goip1", "password": "geheim", **keys}
    return read_settings({"line": [line]}, "etc/goip.toml").rows("line")[0]


def problem(**keys: Any) -> str:
    with pytest.raises(BadConfiguration) as caught:
        read(**keys)
    [line] = caught.value.problems
    return line


def test_defaults() -> None:
    """An id and a password are enough."""
    line = read()
    assert (line.pool, line.status, line.sessions) == ("default", 0, 5)
    assert (line.poll, line.address, line.number) == (Poll(5.0), None, "")


@pytest.mark.parametrize("good", ["1", "x" * 64, "goip-1_a.b@c", "k\u00e1r\u00f3"])
def test_ids(good: str) -> None:
    """Whatever can stand in a frame."""
    assert read(id=good).id == good


@pytest.mark.parametrize("bad", ["", "x" * 65, "a b", "a;b", "a:b", "a\tb", "a\nb", "a\x00b"])
def test_bad_ids(bad: str) -> None:
    """The device does not escape: these would be read as something else."""
    assert problem(id=bad).startswith("etc/goip.toml [[line]] 1: id must ")


@pytest.mark.parametrize("good", ["p", "a:b", "\u00e1", "x" * 64])
def test_passwords(good: str) -> None:
    """A colon is no harm: the key ends at the first."""
    assert read(password=good).password.matches(good)


@pytest.mark.parametrize("bad", ["x" * 65, "a b", "a;b", "a\nb"])
def test_bad_passwords(bad: str) -> None:
    """They would break PASSWORD or a push; and they are not shown."""
    said = problem(password=bad)
    assert said.startswith("etc/goip.toml [[line]] 1: password must ")
    assert bad not in said


@pytest.mark.parametrize("bad", ["", "changeme", "Change-Me", " xxx "])
def test_placeholders(bad: str) -> None:
    """Nobody starts with the password of the example."""
    assert "password is empty or still the placeholder" in problem(password=bad)


@pytest.mark.parametrize(
    ("written", "seconds"), [(5, 5.0), (2.5, 2.5), (60, 60.0), ("never", 0), (0, 0)]
)
def test_poll(written: object, seconds: float) -> None:
    """Seconds, or C{never} for devices that send again for each SEND."""
    assert read(poll=written).poll.seconds == seconds


@pytest.mark.parametrize(
    "bad", [False, -1, 0.1, 61, "5", "often", True, float("nan"), float("inf"), [5]]
)
def test_bad_polls(bad: object) -> None:
    """
    A tenth of a second would flood the device, and more than
    a minute is more than an answer is waited for.
    """
    assert 'poll must be 0.2 to 60 seconds, or "never"' in problem(poll=bad)


@pytest.mark.parametrize(("seconds", "shown"), [(5.0, "5"), (2.5, "2.5"), (0.0, "never")])
def test_a_poll_shows_itself(seconds: float, shown: str) -> None:
    """As it is written in the file."""
    assert str(Poll(seconds)) == shown


@pytest.mark.parametrize("bad", [0, 6, -1])
def test_sessions(bad: int) -> None:
    """The device takes five at once."""
    assert "sessions must be 1 to 5" in problem(sessions=bad)
    assert read(sessions=1).sessions == 1


def test_two_lines_of_one_id() -> None:
    """Nobody could tell them apart."""
    line = {"id": "goip1", "password": "geheim"}
    with pytest.raises(BadConfiguration) as caught:
        read_settings({"line": [line, {**line, "id": "goip2"}, line]}, "etc/goip.toml")
    assert caught.value.problems == (
        "etc/goip.toml [[line]] 3: 'goip1' is taken by [[line]] 1 already",
    )
