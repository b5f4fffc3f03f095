"""The sample configuration: what an operator copies must be true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from goiptwist.gateway.settings import read_settings
from tests.house.sample import rendered

ETC = Path(__file__).parents[2] / "etc"


def test_every_key_with_its_default() -> None:
    """
    The file is what the settings classes say: no key is missing, none is left
    over, no default has changed.
    """
    assert (ETC / "goip.toml").read_text() == rendered()


def test_it_can_be_used() -> None:
    """It is right as it stands."""
    settings = read_settings(tomllib.loads((ETC / "goip.toml").read_text()), "goip.toml")
    assert [line.id for line in settings.rows("line")] == ["goipid1"]


def test_the_sections_that_are_left_out() -> None:
    """The other bridges are no more than suggestions, but right ones."""
    text = (ETC / "goip.toml").read_text()
    assert list(read_settings(tomllib.loads(text), "goip.toml").bridges) == ["ops"]
    left_out = text[text.index("# [bridge.hooks]") :]
    sections = tomllib.loads(re.sub(r"^# ", "", left_out, flags=re.MULTILINE))
    read = read_settings(sections, "goip.toml").bridges
    assert {name: kind for name, (kind, _) in read.items()} == {
        "hooks": "webhook",
        "chat": "xmpp",
        "oncall": "sms",
        "station": "contact-id-call",
        "receiver": "dc09",
    }


def test_what_is_shown_is_the_default() -> None:
    """Whoever takes the number signs away changes nothing."""
    text = (ETC / "goip.toml").read_text()
    uncommented = re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)
    assert uncommented.count("#") < text.count("#")
    shown = read_settings(tomllib.loads(uncommented), "goip.toml")
    assert shown == read_settings(tomllib.loads(text), "goip.toml")
