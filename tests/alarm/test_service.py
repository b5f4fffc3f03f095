"""
Alarms through a whole gateway, under a clock: chains that go on in time, what a
person takes over, and what a restart goes on with.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs
from zope.interface import implementer

from goiptwist.contact_id import notation
from goiptwist.delivery.queue import WINDOW
from goiptwist.errors import Away, Busy, Conflict, Refused, StoreUnavailable, TryLater, Unacceptable
from goiptwist.interfaces import IBridge, IGateway, IReportsOutage
from goiptwist.messaging.service import STORE_OVERLOAD
from goiptwist.model.delivery import Delivered
from goiptwist.model.messages import AlarmReport, Message
from goiptwist.model.subscriptions import Subscription
from tests.conftest import FailureLog
from tests.wire import refuse_writes
from tests.world import World, now

PANIC = "1113,18,1,123,03,003"
CHAIN: dict[str, Any] = {
    "account": "*",
    "chain": ["station", "backup", "oncall"],
    "escalate_after": 60,
}


@implementer(IBridge, IReportsOutage)
@define(eq=False)
class Station:
    """
    A bridge of alarms. C{answers} are for the next deliveries, in turn: raised,
    returned, or waited for.

    @ivar waits_for_a_person: whom it asks for an acknowledgement, instead of that.
    """

    at_once: int = 10
    attempts: int = 0
    schedule: tuple[float, ...] = (5.0,)
    circuit_breaker: bool = False
    outage: str = ""
    answers: list[Any] = field(factory=list)
    asked: list[Message] = field(factory=list)
    taken: list[Message] = field(factory=list)
    waits_for_a_person: IGateway | None = None

    async def deliver(self, message: Message) -> Delivered:
        self.asked.append(message)
        if self.waits_for_a_person is not None:
            by = await self.waits_for_a_person.alarms.acknowledged(message.id)
            return Delivered(f"{by} has answered")
        answer = self.answers.pop(0) if self.answers else Delivered("kissoff")
        if isinstance(answer, Deferred):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        self.taken.append(message)
        assert isinstance(answer, Delivered)
        return answer


class AlarmSite(World):
    """A gateway with bridges of alarms, and short words for what is done to it."""

    stations: dict[str, Station]

    def add(self, *names: str) -> None:
        self.stations = {name: Station() for name in names}
        self.recorders.made.update(self.stations)  # type: ignore[arg-type]
        self.crash()
        self.tables["bridge"] = {name: {"kind": "recorder", "sms": False} for name in names}
        self.tables["alarm"] = {
            "dedup_window": 0
        }  # each is one of its own, though all say the same
        self.start_gateway()

    def alarm(self, machine: str = PANIC, **more: Any) -> Message:
        about = {"origin": "user:panel", **more}
        report = AlarmReport(event=notation.read(machine), **about)
        kept = now(Deferred.fromCoroutine(self.gateway.powers.alarms.raise_alarm(report)))
        assert isinstance(kept, Message)
        return kept

    def acknowledge(self, alarm_id: str, by: str = "Ann") -> Message:
        done = now(Deferred.fromCoroutine(self.gateway.powers.alarms.acknowledge(alarm_id, by)))
        assert isinstance(done, Message)
        return done

    def state(self, alarm: Message) -> str:
        return self.message(alarm.id).state.value

    def steps(self, alarm: Message) -> list[tuple[float, str, str, str]]:
        """The journey: seconds after the alarm, what, where, detail."""
        journey = now(Deferred.fromCoroutine(self.gateway.powers.history.journey(alarm.id)))
        return [
            (s.at - alarm.at, s.what, s.where.removeprefix("bridge:"), s.detail) for s in journey
        ]

    def restart(self) -> None:
        self.crash()
        self.start_gateway()

    @property
    def asked(self) -> dict[str, int]:
        """How often each bridge was asked."""
        return {name: len(station.asked) for name, station in self.stations.items()}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlarmSite]:
    made = AlarmSite(tmp_path, monkeypatch, lines=1)
    made.tables["user"] = [{"name": "panel", "token": "t-1"}]
    made.tables["route"] = [CHAIN]
    made.add("station", "backup", "oncall", "mail")
    yield made
    made.close()


class TestRaising:
    """What is accepted goes its ways; what cannot is refused before anything is kept."""

    def test_a_yes(self, site: AlarmSite) -> None:
        """Told to those who watch, once, and delivered."""
        heard: list[str] = []
        site.gateway.messaging.events.subscribe(lambda one: heard.append(one.kind))
        alarm = site.alarm(client_id="x")
        assert site.alarm(client_id="x").id == alarm.id
        assert site.stations["station"].taken == [alarm]
        assert heard == ["alarm.received", "alarm.delivered"]
        assert site.steps(alarm) == [
            (0, "received", "", "user:panel"),
            (0, "delivered", "station", "kissoff"),
        ]

    def test_no_route(self, site: AlarmSite) -> None:
        site.tables["route"] = [{**CHAIN, "account": "2222"}]
        site.restart()
        with pytest.raises(Unacceptable, match="no route takes an alarm of account 1113"):
            site.alarm()
        assert now(site.store.messages(None, "", 9)) == []

    @pytest.mark.parametrize(
        ("more", "part"),
        [
            ({"recipient": "a\x00b"}, "to"),
            ({"recipient": "x" * 201}, "to"),
            ({"client_id": "x" * 201}, "id"),
            ({"client_id": "\ud83d"}, "id"),
            ({"context": "x" * 4001}, "context"),
        ],
    )
    def test_wrong(self, site: AlarmSite, more: dict[str, str], part: str) -> None:
        with pytest.raises(Unacceptable) as wrong:
            site.alarm(**more)
        assert wrong.value.field == part

    def test_too_much(self, site: AlarmSite, monkeypatch: pytest.MonkeyPatch) -> None:
        """An overloaded gateway says so before it promises anything."""
        monkeypatch.setattr(
            type(site.store.writer), "depth", property(lambda _: STORE_OVERLOAD + 1)
        )
        with pytest.raises(Busy):
            site.alarm()

    def test_full_disk(self, site: AlarmSite, logged_failures: FailureLog) -> None:
        """No yes, and nothing goes anywhere."""
        refuse_writes(site.store)
        with pytest.raises(StoreUnavailable):
            site.alarm()
        assert site.asked["station"] == 0
        assert len(logged_failures.flush()) == 1

    def test_news(self, site: AlarmSite) -> None:
        """Whoever wants to be told is told when it has come to an end."""
        site.stations["station"].answers = [Refused("no")]
        site.alarm(subscriptions=(Subscription("bridge:ops"),), context="c")
        assert site.gateway.connectors.bridges.keys() == {"station", "backup", "oncall", "mail"}
        (waiting,) = now(site.store.waiting("bridge:ops", 9))
        assert (waiting.message.topic, waiting.message.text) == ("delivered", "")


class TestRules:
    """Bridges get alarms by routes alone."""

    def test_no_sms_rule_counts(self, site: AlarmSite) -> None:
        """A bridge that takes no SMS takes the alarms of its route, and no others."""
        site.tables["route"] = [{"account": "1113", "to": ["mail", "oncall"]}]
        site.restart()
        alarm = site.alarm()
        assert site.asked == {"station": 0, "backup": 0, "oncall": 1, "mail": 1}
        assert site.state(alarm) == "delivered"

    def test_fallback(self, site: AlarmSite) -> None:
        """What a bridge of a route can never deliver goes to its fallback, as an SMS would."""
        site.tables["route"] = [{"account": "*", "to": ["mail"]}]
        site.crash()
        site.tables["bridge"]["mail"]["fallback"] = "oncall"
        site.start_gateway()
        site.stations["mail"].answers = [Refused("550")]
        alarm = site.alarm()
        assert site.stations["oncall"].taken == [alarm]
        assert site.state(alarm) == "delivered"


class TestChains:
    """One after another, until one has delivered."""

    def test_failures(self, site: AlarmSite) -> None:
        """Each try stands in the journey, and the last word counts."""
        site.stations["station"].attempts = 2
        site.restart()
        site.stations["station"].answers = [TryLater("486 busy"), TryLater("no kissoff")]
        site.stations["backup"].answers = [Refused("401")]
        alarm = site.alarm()
        site.advance(5.0)
        assert site.steps(alarm) == [
            (0, "received", "", "user:panel"),
            (0, "deferred", "station", "486 busy"),
            (5, "failed", "station", "gave up after 2 attempts: no kissoff"),
            (5, "goes on", "backup", "bridge:station failed"),
            (5, "failed", "backup", "401"),
            (5, "goes on", "oncall", "bridge:backup failed"),
            (5, "delivered", "oncall", "kissoff"),
        ]
        assert site.state(alarm) == "delivered"
        assert site.gateway.powers.operator.health().problems == ()

    @pytest.mark.parametrize(
        "keeps",
        [
            pytest.param(lambda: Deferred(), id="an attempt that does not end"),
            pytest.param(lambda: Away("nobody is there"), id="away"),
            pytest.param(lambda: TryLater("busy", after=600), id="asks to come later"),
        ],
    )
    @pytest.mark.parametrize("rests", [False, True])
    def test_time_is_up(self, site: AlarmSite, keeps: Any, rests: bool) -> None:
        """Whatever keeps a bridge, a mail server's rest as well, the next begins in time."""
        site.stations["station"].circuit_breaker = rests
        site.restart()
        site.stations["station"].answers = [keeps() for _ in range(99)]
        alarm = site.alarm()
        site.advance(59.5)
        assert site.asked["backup"] == 0
        tries = site.asked["station"]
        site.advance(0.5)
        assert [message.id for message in site.stations["backup"].taken] == [alarm.id]
        assert site.state(alarm) == "delivered"
        site.advance(1200.0, 30.0)
        assert site.asked == {"station": tries, "backup": 1, "oncall": 0, "mail": 0}

    def test_late_delivery(self, site: AlarmSite) -> None:
        """Who had his time may deliver all the same: then the next is not bothered further."""
        call: Deferred[Any] = Deferred()
        site.stations["station"].answers = [call]
        site.stations["backup"].answers = [TryLater("busy")] * 9
        alarm = site.alarm()
        site.advance(61.0)
        call.callback(Delivered("kissoff"))
        assert site.state(alarm) == "delivered"
        tries = site.asked["backup"]
        site.advance(600.0, 30.0)
        assert site.asked == {"station": 1, "backup": tries, "oncall": 0, "mail": 0}

    def test_late_failure(self, site: AlarmSite) -> None:
        """It wakes nobody a second time."""
        call: Deferred[Any] = Deferred()
        site.stations["station"].answers = [call]
        site.stations["backup"].answers = [Deferred()]
        alarm = site.alarm()
        site.advance(61.0)
        call.callback(TryLater("486"))
        site.advance(30.0)
        assert site.asked == {"station": 1, "backup": 1, "oncall": 0, "mail": 0}
        assert site.state(alarm) == "received"
        assert (61, "deferred", "station", "486") in site.steps(alarm)

    def test_exhausted(self, site: AlarmSite) -> None:
        """Nobody took it: the log shouts, and health says so for a day, also after a restart."""
        for name in CHAIN["chain"]:
            site.stations[name].answers = [Refused(f"{name} says no")]
        with capturedLogs() as logs:
            alarm = site.alarm()
        assert any(
            e["log_level"] is LogLevel.warn and e.get("message_id") == alarm.id for e in logs
        )
        assert site.state(alarm) == "failed"
        said = (f"alarm {alarm.id} has failed everywhere: oncall says no",)
        assert site.gateway.powers.operator.health().problems == said
        site.restart()
        assert site.gateway.powers.operator.health().problems == said
        site.advance(86_400.0, 3600.0)
        site.advance(1.0)
        assert site.gateway.alarms.problems() == []

    def test_back_to_health(self, site: AlarmSite) -> None:
        """A person takes it over, or somebody has it delivered after all."""
        for name in CHAIN["chain"]:
            site.stations[name].answers = [Refused("no")] * 2
        first, second = site.alarm(), site.alarm()
        assert len(site.gateway.powers.operator.health().problems) == 2
        site.acknowledge(first.id)
        overview = site.gateway.powers
        now(Deferred.fromCoroutine(overview.operator.redeliver(second.id, "backup", "ops")))
        assert overview.operator.health().problems == ()
        assert site.state(second) == "delivered"

    def test_many_failed(self, site: AlarmSite) -> None:
        """A page of health stays a page."""
        site.tables["route"] = [{"account": "*", "to": ["station"]}]
        site.restart()
        site.stations["station"].answers = [Refused("no")] * 8
        for _ in range(8):
            site.alarm()
        problems = site.gateway.powers.operator.health().problems
        assert len(problems) == 6
        assert problems[-1] == "3 more alarms have failed everywhere"

    def test_trouble_of_a_bridge(self, site: AlarmSite) -> None:
        """What a bridge finds out by itself, before any alarm needs it."""
        site.stations["station"].outage = "the receiver does not answer NULL"
        said = "bridge station: the receiver does not answer NULL"
        assert site.gateway.powers.operator.health().problems == (said,)

    def test_pace(self, site: AlarmSite) -> None:
        """A bridge says how many it takes at once."""
        site.stations["station"].at_once = 2
        site.restart()
        site.stations["station"].answers = [Deferred() for _ in range(5)]
        for _ in range(5):
            site.alarm()
        assert site.asked["station"] == 2


class TestAcknowledgement:
    """A person has it."""

    def test_it_stops_the_chain(self, site: AlarmSite) -> None:
        site.stations["station"].answers = [TryLater("busy")] * 99
        alarm = site.alarm()
        site.advance(30.0)
        tries = site.asked["station"]
        assert site.acknowledge(alarm.id, "Ann").reason == "acknowledged by Ann"
        site.advance(600.0, 30.0)
        assert site.asked == {"station": tries, "backup": 0, "oncall": 0, "mail": 0}
        assert (30, "acknowledged", "", "by Ann") in site.steps(alarm)

    def test_a_bridge_that_waits_for_it(self, site: AlarmSite) -> None:
        """It learns of it while it delivers, and what it says then counts."""
        station = site.stations["station"]
        station.waits_for_a_person = site.gateway.powers
        heard: list[str] = []
        site.gateway.messaging.events.subscribe(lambda one: heard.append(one.kind))
        alarm = site.alarm()
        site.acknowledge(alarm.id)
        assert heard == ["alarm.received", "alarm.acknowledged"]
        assert (0, "delivered", "station", "Ann has answered") in site.steps(alarm)

    def test_nobody_waits_any_more(self, site: AlarmSite) -> None:
        """Who has stopped waiting is not called, and others are."""
        overview = site.gateway.powers
        alarm = site.alarm()
        gone, stays = overview.alarms.acknowledged(alarm.id), overview.alarms.acknowledged(alarm.id)
        gone.cancel()
        with pytest.raises(CancelledError):
            now(gone)
        site.acknowledge(alarm.id)
        assert now(stays) == "Ann"

    def test_a_failure_after_it(self, site: AlarmSite) -> None:
        """An attempt under way may fail: nothing follows."""
        call: Deferred[Any] = Deferred()
        site.stations["station"].answers = [call]
        alarm = site.alarm()
        site.acknowledge(alarm.id)
        call.callback(TryLater("hung up"))
        site.advance(600.0, 30.0)
        assert site.asked == {"station": 1, "backup": 0, "oncall": 0, "mail": 0}
        assert site.state(alarm) == "delivered"

    def test_no_such_alarm(self, site: AlarmSite) -> None:
        with pytest.raises(Conflict, match="there is no alarm 'x-1'"):
            site.acknowledge("x-1")


class TestRestart:
    """All of a chain is on disk."""

    def test_in_the_middle(self, site: AlarmSite) -> None:
        """A step's time runs on while the gateway is down; what was tried is tried again."""
        site.stations["station"].answers = [Deferred()]
        alarm = site.alarm()
        site.advance(30.0)
        site.crash()
        site.advance(20.0)
        site.stations["station"].answers = [Deferred()]
        site.start_gateway()
        assert site.asked == {"station": 2, "backup": 0, "oncall": 0, "mail": 0}
        site.advance(9.5)
        assert site.asked["backup"] == 0
        site.stations["backup"].answers = [Deferred()]
        site.advance(0.5)
        assert site.asked["backup"] == 1
        site.crash()
        site.start_gateway()
        site.advance(60.0)
        assert site.asked == {"station": 2, "backup": 2, "oncall": 0, "mail": 0}
        assert site.state(alarm) == "delivered"

    def test_time_was_up_meanwhile(self, site: AlarmSite) -> None:
        """The next one begins with the start."""
        site.stations["station"].answers = [Deferred()]
        alarm = site.alarm()
        site.crash()
        site.advance(90.0)
        site.start_gateway()
        assert site.asked == {"station": 1, "backup": 1, "oncall": 0, "mail": 0}
        assert site.state(alarm) == "delivered"

    def test_a_bridge_that_is_gone(self, site: AlarmSite) -> None:
        """The configuration has it no more: the chain goes on in time."""
        site.stations["station"].answers = [Deferred()]
        alarm = site.alarm()
        site.crash()
        del site.tables["bridge"]["station"]
        site.tables["route"] = [{"account": "*", "to": ["mail"]}]
        site.start_gateway()
        site.advance(60.0)
        assert site.asked["backup"] == 1
        assert site.state(alarm) == "delivered"

    def test_full_disk_when_time_is_up(self, site: AlarmSite, logged_failures: FailureLog) -> None:
        """It goes on as soon as the disk takes it."""
        site.stations["station"].answers = [Deferred()]
        site.alarm()
        refuse_writes(site.store)
        site.advance(70.0)
        assert site.asked["backup"] == 0
        refuse_writes(site.store, False)
        site.advance(1.0)
        assert site.asked["backup"] == 1
        assert len(logged_failures.flush()) == 1


class TestStorm:
    """A thousand panels at once."""

    MANY = 1000

    def test_all_are_delivered(self, site: AlarmSite) -> None:
        """Each once, however many wait for a bridge that is slow."""
        alarms = [site.alarm(client_id=str(n)) for n in range(self.MANY)]
        assert [m.id for m in site.stations["station"].taken] == [a.id for a in alarms]

    def test_nobody_answers_for_long(self, site: AlarmSite) -> None:
        """All go on in time, also those that no window held, and none of them twice."""
        site.stations["station"].at_once = 10
        site.restart()
        site.stations["station"].answers = [Deferred() for _ in range(10)]
        alarms = [site.alarm(client_id=str(n)) for n in range(self.MANY)]
        site.advance(60.0, 5.0)
        assert {m.id for m in site.stations["backup"].taken} == {a.id for a in alarms}
        assert site.asked == {"station": 10, "backup": self.MANY, "oncall": 0, "mail": 0}

    def test_more_than_a_window(self, site: AlarmSite, monkeypatch: pytest.MonkeyPatch) -> None:
        """What waits on disk only has its time as well."""
        assert WINDOW > 50
        monkeypatch.setattr("goiptwist.delivery.queue.WINDOW", 50)
        site.stations["station"].answers = [Deferred() for _ in range(10)]
        for n in range(200):
            site.alarm(client_id=str(n))
        site.advance(60.0, 5.0)
        assert len({m.id for m in site.stations["backup"].taken}) == 200
        assert site.asked["backup"] == 200
