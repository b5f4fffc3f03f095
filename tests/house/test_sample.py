"""The sample configuration: what an operator copies must be true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from goiptwist import config
from goiptwist.bridges.call.kind import CallKind
from goiptwist.bridges.call.settings import CallSettings
from goiptwist.gateway import read_settings
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
    assert [line.id for line in settings.lines] == ["goipid1"]


def test_the_section_that_is_left_out() -> None:
    """The second bridge is no more than a suggestion, but a right one."""
    text = (ETC / "goip.toml").read_text()
    assert list(read_settings(tomllib.loads(text), "goip.toml").bridges) == ["ops"]
    section = text[text.index("# [bridge.hooks]") :]
    hooks = tomllib.loads(re.sub(r"^# ", "", section, flags=re.MULTILINE))
    assert read_settings(hooks, "goip.toml").bridges["hooks"][0] == "webhook"


def test_the_station() -> None:
    """The bridge that calls is a suggestion as well, and right as it stands."""
    text = (ETC / "goip.toml").read_text()
    section = text[text.index("# [bridge.station]") : text.index("# # Callbacks:")]
    station = tomllib.loads(re.sub(r"^# ", "", section, flags=re.MULTILINE))["bridge"]["station"]
    assert station.pop("kind") == CallKind.kind
    problems = config.Problems("goip.toml")
    config.section(CallSettings, station, "", problems)
    assert problems.found == []


def test_what_is_shown_is_the_default() -> None:
    """Whoever takes the number signs away changes nothing."""
    text = (ETC / "goip.toml").read_text()
    uncommented = re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)
    assert uncommented.count("#") < text.count("#")
    shown = read_settings(tomllib.loads(uncommented), "goip.toml")
    assert shown == read_settings(tomllib.loads(text), "goip.toml")
