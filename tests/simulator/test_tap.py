"""What C{twistd goip-sim} takes on its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.python.usage import UsageError

from goiptwist.config.values import HostPort
from goiptwist.simulator import limits
from goiptwist.simulator.arguments import MOODS, LineArgument
from goiptwist.simulator.limits import SPARE, TooFewFiles, allow_ports
from goiptwist.simulator.radio import Conditions
from goiptwist.simulator.service import Simulator
from goiptwist.simulator.settings import Generation, Personality, SimulatorSettings
from goiptwist.simulator.station import StationMood
from goiptwist.simulator.tap import SimulatorOptions, SimulatorPlan, makeService


def plan(*arguments: str) -> SimulatorPlan:
    """What these options say."""
    options = SimulatorOptions()
    options.parseOptions(arguments)
    return options.plan


class TestOptions:
    def test_least(self) -> None:
        """A password is enough: one long-lived device of today, on this machine."""
        assert plan("--password", "geheim") == SimulatorPlan(
            server=("127.0.0.1", 44444),
            lines=[LineArgument("sim1", "geheim")],
            settings=SimulatorSettings(stagger=0.1),
            to_server=Conditions(),
            to_device=Conditions(),
            first_port=0,
            control=None,
            book=None,
            rate=0.0,
            seed=None,
            station=None,
            mood="takes",
            receiver=None,
        )

    def test_alarms_alone(self) -> None:
        """A trial of alarms needs no line."""
        only = plan(
            "--station", "127.0.0.1:5080", "--mood", "hangs-up", "--receiver", "127.0.0.1:0"
        )
        assert only.lines == []
        assert (only.station, only.mood) == (HostPort("127.0.0.1", 5080), "hangs up")
        assert only.receiver == HostPort("127.0.0.1", 0)

    def test_every_mood(self) -> None:
        """The words of the options are those of the station."""
        assert [word.replace("-", " ") for word in MOODS] == [mood.value for mood in StationMood]

    def test_lines(self) -> None:
        """By number, by name, or both."""
        assert [line.name for line in plan("-p", "x", "-n", "3", "--first-id", "goip%d").lines] == [
            "goip1",
            "goip2",
            "goip3",
        ]
        assert plan("-l", "a:b:+49", "--line", "c:d").lines == [
            LineArgument("a", "b", "+49"),
            LineArgument("c", "d"),
        ]
        assert [line.name for line in plan("-l", "a:b", "-p", "x", "-n", "1").lines] == [
            "a",
            "sim1",
        ]

    def test_settings(self) -> None:
        """Every trait of a device has its option."""
        settings = plan(
            *("-p", "x", "-g", "seed", "-k", "10.5", "--pace", "real", "--no-unsolicited"),
            *("--no-sms-no", "--silent-on-unknown", "--reports", "--insist"),
            *("--error", "999$=38", "-e", "^.1=2=500*3", "--report-state", "7$=70"),
        ).settings
        assert settings.generation is Generation.SEED
        assert (settings.keepalive, settings.pace) == (10.5, (2.0, 5.0))
        assert not settings.unsolicited
        assert not settings.numbered
        assert not settings.names_unknown
        assert settings.reports
        assert settings.insists
        assert [(r.pattern.pattern, r.code, r.times) for r in settings.errors] == [
            ("999$", 38, None),
            ("^.1=2", 500, 3),
        ]
        assert [(r.pattern.pattern, r.code) for r in settings.report_states] == [("7$", 70)]
        assert plan("-p", "x", "--personality", "repeats").settings.personality is (
            Personality.REPEATS
        )

    def test_keepalives_are_spread(self) -> None:
        """Few lines come up quickly, many within one interval."""
        assert plan("-p", "x", "-n", "4").settings.stagger == 0.1
        assert plan("-p", "x", "-n", "3000").settings.stagger == pytest.approx(0.01)

    def test_radio(self) -> None:
        """For both ways, or for one; as a percentage or a share."""
        both = plan("-p", "x", "--loss", "30%", "--repeat", "0.1", "--reorder", "5%")
        assert both.to_server == both.to_device == Conditions(0.3, 0.1, 0.05)
        one = plan("-p", "x", "--loss", "30%", "--loss-in", "0", "--delay-out", ".5")
        assert one.to_device == Conditions(loss=0.0)
        assert one.to_server == Conditions(loss=0.3, delay=0.5)

    def test_rest(self, tmp_path: Path) -> None:
        """Where things are, and what happens by itself."""
        rest = plan(
            *("-p", "x", "-s", "[::1]:5000", "--first-port", "9991", "--rate", "2.5"),
            *("--control", "localhost:8390", "--seed", "7", "--book", str(tmp_path / "book")),
        )
        assert rest.server == ("::1", 5000)
        assert (rest.first_port, rest.rate, rest.seed) == (9991, 2.5, 7)
        assert rest.control == HostPort("localhost", 8390)
        assert rest.book is not None
        rest.book.close()

    def test_service(self) -> None:
        """The plan becomes a service; nothing is opened before it starts."""
        options = SimulatorOptions()
        options.parseOptions(["-l", "a:b:+49", "--loss-in", "10%", "--seed", "1"])
        service: Any = makeService(options)
        simulator = next(part for part in service if isinstance(part, Simulator))
        assert [(line.name, line.sim.number) for line in simulator.device] == [("a", "+49")]
        assert simulator.link.to_device.conditions.loss == 0.1
        assert simulator.link.server == ("127.0.0.1", 44444)


MISTAKES = [
    ([], "--password is required"),
    (["-p", "x", "-n", "0"], "--lines must be a whole number from 1 to"),
    (["-p", "x", "-n", "2", "--first-id", "sim"], "--first-id must hold %d"),
    (["-l", "a"], "--line must be id:password"),
    (["-l", "a:b", "-l", "a:c"], "--line a: there are two lines"),
    (["-p", "x", "-s", "here"], "--server must be host:port"),
    (["-p", "x", "-s", "127.0.0.1:0"], "--server must name the server's port"),
    (["-p", "x", "-k", "0"], "--keepalive must be more than 0"),
    (["-p", "x", "-k", "nan"], "--keepalive must be a number of seconds"),
    (["-p", "x", "-g", "new"], "--generation must be oldest, seed, middle, long"),
    (["-p", "x", "--pace", "slow"], "--pace must be at-once or real"),
    (["-p", "x", "--personality", "kind"], "--personality must be remembers, repeats"),
    (
        ["-p", "x", "--pace", "real", "--personality", "repeats", "--no-unsolicited"],
        "--no-unsolicited cannot go with --personality=repeats",
    ),
    (["-p", "x", "--loss", "30"], "--loss must be a share, such as 30% or 0.3"),
    (["-p", "x", "--loss-in", "101%"], "--loss-in must be a share"),
    (["-p", "x", "--delay-out", "-1"], "--delay-out must be a number of seconds"),
    (["-p", "x", "--error", "999"], "--error must be PATTERN=CODE"),
    (["-p", "x", "--error", "(=1"], "--error holds no regular expression"),
    (["-p", "x", "--report-state", "7=x"], "--report-state must be PATTERN=CODE"),
    (["-p", "x", "--control", "0.0.0.0:80"], "--control must be on this machine"),
    (["-p", "x", "--book", "/nowhere/book"], "--book cannot be written"),
    (["-p", "x", "--rate", "many"], "--rate must be a number of SMS a minute"),
    (["-p", "x", "--first-port", "65535", "-n", "2"], "--first-port must leave room"),
    (["-p", "x", "--seed", "x"], "--seed must be a whole number"),
    (["--station", "here"], "--station must be host:port"),
    (["--receiver", "here"], "--receiver must be host:port"),
    (["--receiver", "127.0.0.1:7700", "--mood", "sad"], "--mood must be takes, silent"),
]


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES)
def test_mistakes(arguments: list[str], sentence: str) -> None:
    """Each names the option and the cure, before anything is opened."""
    with pytest.raises(UsageError) as refusal:
        plan(*arguments)
    assert str(refusal.value).startswith(sentence)


class Limits:
    """The limits of a process, as the operating system keeps them."""

    def __init__(self, soft: int, hard: int) -> None:
        self.limits = soft, hard

    def getrlimit(self, which: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        self.limits = limits


class TestLimits:
    def limited(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> Limits:
        allowed = Limits(soft, hard)
        monkeypatch.setattr(limits.resource, "getrlimit", allowed.getrlimit)
        monkeypatch.setattr(limits.resource, "setrlimit", allowed.setrlimit)
        return allowed

    def test_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Left alone."""
        allowed = self.limited(monkeypatch, 1024, 4096)
        allow_ports(100)
        assert allowed.limits == (1024, 4096)

    def test_raised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The soft limit is raised to what is needed, no further."""
        allowed = self.limited(monkeypatch, 1024, 1 << 20)
        allow_ports(10_000)
        assert allowed.limits == (10_000 + SPARE, 1 << 20)

    def test_too_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond the hard limit only an administrator can help: how, is said."""
        self.limited(monkeypatch, 1024, 4096)
        with pytest.raises(TooFewFiles, match=r"10000 lines need 10064 .* at most 4096"):
            allow_ports(10_000)
        with pytest.raises(UsageError, match="--lines: 10000 lines need"):
            plan("-p", "x", "-n", "10000")


def test_light() -> None:
    """Reading the options imports no reactor and no web server."""
    code = (
        "import sys, json, goiptwist.simulator.tap;"
        "print(json.dumps([m for m in sys.modules if m.startswith('twisted')]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = json.loads(ran.stdout)
    assert "twisted.internet.reactor" not in loaded
    assert not [name for name in loaded if name.startswith("twisted.web")]
