"""Which panels may report over IP, and with which keys."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.alarm.panels import Key, Panels, PanelSettings
from goiptwist.config.loader import Problems, section


def read(cls: type[Any], **keys: Any) -> Any:
    problems = Problems("x.toml")
    made = section(cls, keys, "[x]", problems)
    return made if made is not None else "\n".join(problems.found)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("0123456789ABCDEF", b"0123456789ABCDEF"),
        ("0123456789ABCDEF01234567", b"0123456789ABCDEF01234567"),
        ("0123456789ABCDEF0123456789ABCDEF", b"0123456789ABCDEF0123456789ABCDEF"),
        ("hex:000102030405060708090a0b0c0d0e0f", bytes(range(16))),
        ("00" * 24, bytes(24)),
        ("00" * 32, bytes(32)),
    ],
)
def test_keys(text: str, key: bytes) -> None:
    """As text of the right length, as receivers have it, or as hex."""
    made = Key.from_setting(text)
    assert made.clear == key
    assert repr(made) == "<a key>"


@pytest.mark.parametrize("text", ["", "changeme", "short", "0" * 40, "hex:zz", 5, "é" * 16])
def test_what_is_no_key(text: object) -> None:
    """The sentence says what was meant, and not what stood there."""
    with pytest.raises(ValueError, match=r"must|placeholder") as caught:
        Key.from_setting(text)
    assert "short" not in str(caught.value)


def test_panels() -> None:
    """Accounts with their keys, or a plain list; zeros before and case do not matter."""
    made = Panels.from_setting({"13e3186": "0123456789ABCDEF", "0AAA": ""})
    assert "13E3186" in made
    assert "aaa" in made
    assert "AAAB" not in made
    assert made.key_of("0013E3186") == b"0123456789ABCDEF"
    assert made.key_of("AAA") is None
    assert Panels.from_setting(["1113"]).key_of("1113") is None
    assert "0123456789ABCDEF" not in repr(made)


@pytest.mark.parametrize("value", ["1113", ["x"], [{}], {"1113": "short"}, {"1": ""}, 5])
def test_what_are_no_panels(value: object) -> None:
    """The sentence names the account."""
    with pytest.raises(ValueError, match=r"account"):
        Panels.from_setting(value)


def test_listening() -> None:
    """Whoever listens must say to whom."""
    assert read(PanelSettings).listens is False
    made = read(PanelSettings, dc09_listen="127.0.0.1:7700", accounts={"1113": ""})
    assert made.listens
    assert "whose panels may report" in read(PanelSettings, dc09_udp="127.0.0.1:7700")
