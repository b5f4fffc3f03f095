"""What the configuration may say, and what it is told when it says something else."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.bridges.dc09.settings import Dc09Settings
from goiptwist.config.loader import Problems, section


def read(cls: type[Any], **keys: Any) -> Any:
    problems = Problems("x.toml")
    made = section(cls, keys, "[x]", problems)
    return made if made is not None else "\n".join(problems.found)


def test_a_bridge() -> None:
    """One key is enough; the rest has its default."""
    made = read(Dc09Settings, receiver="station.example.org:7700")
    assert str(made.receiver) == "station.example.org:7700"
    assert (made.transport, made.backup, made.key, made.supervise) == ("tcp", None, None, 0.0)
    assert "0123456789ABCDEF" not in repr(
        read(Dc09Settings, receiver="x:1", key="0123456789ABCDEF")
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"receiver": "x"}, "receiver must be host:port"),
        ({"receiver": "x:0"}, "receiver: has port 0"),
        ({"transport": "sctp"}, 'transport: must be "tcp" or "udp"'),
        ({"account": "11G3"}, "account: must be 3 to 16 hex digits"),
        ({"supervise": 1}, "supervise: must be 0, or at least 10 seconds"),
        ({"timeout": 0}, "timeout: must be more than 0"),
        ({"tries": 0}, "tries: must be 1 to 10"),
        ({"line_number": "x"}, "line_number: must be 1 to 6 hex digits"),
        ({"key": "0123"}, "key must be 16, 24 or 32 characters"),
        ({"reciever": "x:1"}, "did you mean 'receiver'?"),
    ],
)
def test_what_is_wrong(keys: dict[str, Any], said: str) -> None:
    """Each sentence names the key and what was meant."""
    assert said in read(Dc09Settings, **{"receiver": "x:1", **keys})
