"""C{twistd goip-sim}: the options, and the service that they describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, TypeVar

from attrs import frozen
from twisted.application.service import IService
from twisted.python import usage

from goiptwist.config.values import HostPort
from goiptwist.simulator import arguments
from goiptwist.simulator.arguments import LineArgument
from goiptwist.simulator.radio import Conditions
from goiptwist.simulator.settings import (
    Generation,
    NumberRule,
    Personality,
    SimulatorSettings,
)

Value = TypeVar("Value")

#: Seconds between the first keepalives of two lines, where there are so few
#: that all of them fit into one interval.
STAGGER = 0.1
#: More lines than one address has ports.
MOST_LINES = 65_000


@frozen
class SimulatorPlan:
    """What the options say, checked."""

    server: tuple[str, int]
    lines: list[LineArgument]
    settings: SimulatorSettings
    to_server: Conditions
    to_device: Conditions
    first_port: int
    control: HostPort | None
    book: IO[str] | None
    rate: float
    seed: int | None
    station: HostPort | None
    mood: str
    receiver: HostPort | None


class SimulatorOptions(usage.Options):
    """
    @ivar plan: what they say, once they are parsed.
    """

    synopsis = "[options]"
    longdesc = (
        "A GoIP device that is none: lines that register, send and receive SMS as real ones do. "
        "At the least it needs --password, or one of --station and --receiver, where alarms "
        "are taken. A share is written 30% or 0.3. The PATTERN of "
        "--error and --report-state is a regular expression, searched for in the number; "
        "--error '999$=38*2' fails the first two SMS to each number that ends in 999."
    )
    optParameters = [
        ["server", "s", "127.0.0.1:44444", "The gateway, as host:port."],
        ["lines", "n", None, "How many lines; 1 unless --line names some."],
        ["first-id", None, "sim%d", "The ids of --lines; %d is the number of the line."],
        ["password", "p", None, "The password of --lines."],
        ["first-port", None, "0", "UDP port of the first line, the others follow; 0 is any."],
        ["generation", "g", "long", "Fields of a keepalive: oldest, seed, middle or long."],
        ["keepalive", "k", "30", "Seconds between keepalives."],
        ["pace", None, "at-once", "How long an SMS takes: at-once, or real (2 to 5 s)."],
        ["personality", None, "remembers", "remembers a telid, or repeats the SMS at each SEND."],
        ["loss", None, "0", "Share of datagrams that are lost, both ways."],
        ["repeat", None, "0", "Share that arrive twice."],
        ["reorder", None, "0", "Share that are late, by up to 4 s."],
        ["delay", None, "0", "Seconds that each takes."],
        *[
            [f"{name}-{way}", None, None, f"--{name}, only on the way {side} the device."]
            for name in ("loss", "repeat", "reorder", "delay")
            for way, side in (("in", "to"), ("out", "from"))
        ],
        ["control", None, None, "Where HTTP orders are taken, as host:port on this machine."],
        ["book", "b", None, "File that gets each SMS sent and handed in, as a line of JSON."],
        ["rate", "r", "0", "Random incoming SMS a minute, on all lines together."],
        ["seed", None, None, "A number that makes chance repeat itself."],
        ["station", None, None, "Take Contact ID calls at this host:port (SIP over UDP)."],
        ["mood", None, "takes", f"How the station behaves: {', '.join(arguments.MOODS)}."],
        ["receiver", None, None, "Take alarms at this host:port (SIA DC-09, TCP and UDP)."],
    ]
    optFlags = [
        ["reports", None, "Send delivery reports."],
        ["no-unsolicited", None, "With --pace=real: tell the outcome only when asked."],
        ["no-sms-no", None, "Number no SMS in OK, as the oldest firmware."],
        ["silent-on-unknown", None, "Say nothing about unknown sessions, not ERROR SENDID."],
        ["insist", None, "Offer incoming SMS until they are acknowledged, without end."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._errors: list[str] = []
        self._states: list[str] = []
        self.plan: SimulatorPlan

    def opt_line(self, line: str) -> None:
        """One line, as id:password or id:password:number. Repeatable."""
        self._lines.append(line)

    opt_l = opt_line

    def opt_error(self, rule: str) -> None:
        """Numbers that the network refuses: PATTERN=CODE or PATTERN=CODE*TIMES. Repeatable."""
        self._errors.append(rule)

    opt_e = opt_error

    def opt_report_state(self, rule: str) -> None:
        """With --reports: PATTERN=STATE, the state for such numbers. Repeatable."""
        self._states.append(rule)

    def postOptions(self) -> None:
        """
        Check everything before anything starts.

        @raise UsageError: naming the option, and the cure.
        """
        lines = self._all_lines()
        self.plan = SimulatorPlan(
            server=self._read("server", arguments.server),
            lines=lines,
            settings=self._settings(len(lines)),
            to_server=self._conditions("out"),
            to_device=self._conditions("in"),
            first_port=self._first_port(len(lines)),
            control=self._read("control", arguments.control) if self["control"] else None,
            book=self._read("book", arguments.book) if self["book"] else None,
            rate=self._read("rate", arguments.number, "SMS a minute"),
            seed=self._whole("seed", 0, 10**9 - 1) if self["seed"] is not None else None,
            station=self._read("station", arguments.station) if self["station"] else None,
            mood=self._read("mood", arguments.mood),
            receiver=(self._read("receiver", HostPort.from_setting) if self["receiver"] else None),
        )
        self._allow_ports(len(lines))

    def _read(self, option: str, read: Callable[..., Value], *more: Any) -> Value:
        return _named(option, read, self[option], *more)

    def _whole(self, option: str, least: int, most: int) -> int:
        return self._read(option, arguments.whole, least, most)

    def _all_lines(self) -> list[LineArgument]:
        lines = [_named("line", arguments.line, text) for text in self._lines]
        only_alarms = (self["station"] or self["receiver"]) and not self["password"]
        if self["lines"] is not None or not (lines or only_alarms):
            lines += self._numbered_lines()
        names = [line.name for line in lines]
        twice = sorted({name for name in names if names.count(name) > 1}) if self._lines else []
        if twice:
            raise usage.UsageError(f"--line {twice[0]}: there are two lines of this id")
        return lines

    def _numbered_lines(self) -> list[LineArgument]:
        if self["lines"] is None:
            self["lines"] = "1"
        count = self._whole("lines", 1, MOST_LINES)
        if not self["password"]:
            raise usage.UsageError(
                "--password is required: the one that the gateway expects of these lines"
            )
        return self._read("first-id", arguments.numbered_lines, self["password"], count)

    def _first_port(self, lines: int) -> int:
        port = self._whole("first-port", 0, 65535)
        if port + lines > 65536:
            raise usage.UsageError(
                f"--first-port must leave room for {lines} ports below 65536: "
                f"at most {65536 - lines}"
            )
        return port

    def _settings(self, lines: int) -> SimulatorSettings:
        keepalive = self._read("keepalive", arguments.number, "seconds", 86400)
        personality = self._read("personality", arguments.choice, Personality)
        pace = self._read("pace", arguments.pace)
        if keepalive == 0:
            raise usage.UsageError("--keepalive must be more than 0 seconds, such as 30")
        if pace and self["no-unsolicited"] and personality is Personality.REPEATS:
            raise usage.UsageError(
                "--no-unsolicited cannot go with --personality=repeats: "
                "asking would send the SMS again, and nobody would learn the outcome"
            )
        return SimulatorSettings(
            generation=self._read("generation", arguments.choice, Generation),
            keepalive=keepalive,
            stagger=min(STAGGER, keepalive / max(1, lines)),
            personality=personality,
            pace=pace,
            unsolicited=not self["no-unsolicited"],
            numbered=not self["no-sms-no"],
            names_unknown=not self["silent-on-unknown"],
            errors=_rules("error", self._errors),
            reports=bool(self["reports"]),
            report_states=_rules("report-state", self._states),
            insists=bool(self["insist"]),
        )

    def _conditions(self, way: str) -> Conditions:
        return Conditions(
            loss=self._directed("loss", way, arguments.share),
            repetition=self._directed("repeat", way, arguments.share),
            reordering=self._directed("reorder", way, arguments.share),
            delay=self._directed("delay", way, arguments.number, "seconds", 60),
        )

    def _directed(self, name: str, way: str, read: Callable[..., float], *more: Any) -> float:
        option = f"{name}-{way}" if self[f"{name}-{way}"] is not None else name
        return self._read(option, read, *more)

    def _allow_ports(self, lines: int) -> None:
        from goiptwist.simulator.limits import TooFewFiles, allow_ports

        try:
            allow_ports(lines)
        except TooFewFiles as problem:
            raise usage.UsageError(f"--lines: {problem}") from None


#: The name by which the plug-in finds them.
Options = SimulatorOptions


def _named(option: str, read: Callable[..., Value], *given: Any) -> Value:
    try:
        return read(*given)
    except ValueError as problem:
        raise usage.UsageError(f"--{option} {problem}") from None


def _rules(option: str, texts: list[str]) -> list[NumberRule]:
    return [_named(option, arguments.rule, text) for text in texts]


def makeService(options: SimulatorOptions) -> IService:
    """Build the service; no port is opened yet."""
    import random

    from twisted.application.service import MultiService
    from twisted.internet import reactor

    from goiptwist.simulator.alarm_receivers import AlarmReceivers
    from goiptwist.simulator.book import Book
    from goiptwist.simulator.control import ControlResource
    from goiptwist.simulator.device import SimulatedDevice
    from goiptwist.simulator.radio import Radio
    from goiptwist.simulator.service import ServerLink, Simulator
    from goiptwist.simulator.traffic import RandomTraffic

    plan, clock = options.plan, reactor
    rng = random.Random(plan.seed)  # noqa: S311
    device = SimulatedDevice(clock, rng, Book(plan.book, keeps=False), plan.settings)
    for line in plan.lines:
        device.add_line(line.name, line.password, line.number)
    link = ServerLink(
        plan.server, Radio(clock, rng, plan.to_server), Radio(clock, rng, plan.to_device)
    )
    traffic = RandomTraffic(clock, rng, device)
    both = MultiService()
    Simulator(
        reactor, device, link, traffic, plan.first_port, plan.control, plan.rate, ControlResource
    ).setServiceParent(both)
    AlarmReceivers(reactor, plan.station, plan.mood, plan.receiver).setServiceParent(both)
    return both
