"""Which way an alarm goes, and which texts are alarms, as a file says it."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.alarm.routes import Reads, Routes
from goiptwist.contact_id import notation
from goiptwist.errors import BadConfiguration, Unacceptable
from goiptwist.gateway.settings import read_settings
from goiptwist.model.escalation import EscalationStep, merged
from goiptwist.model.messages import AlarmReport

PANIC = "1113,18,1,123,03,003"


def routes(*tables: dict[str, Any]) -> Routes:
    """As from a file with the bridges a, b, c and the users panel and ops."""
    hook = {
        "kind": "webhook",
        "url": "https://x.example.org/",
        "secret": "a text of 24 letters or more",
    }
    whole = {
        "line": [{"id": "goip1", "password": "pw"}],
        "user": [{"name": "panel", "token": "t-1"}, {"name": "ops", "token": "t-2"}],
        "bridge": dict.fromkeys("abc", hook),
        "route": list(tables),
    }
    return Routes(read_settings(whole, "f").routes)


def problems(*tables: dict[str, Any]) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        routes(*tables)
    return [problem.removeprefix("f [[route]] ") for problem in caught.value.problems]


def report(machine: str = PANIC, origin: str = "user:panel", sender: str = "") -> AlarmReport:
    return AlarmReport(event=notation.read(machine), origin=origin, sender=sender)


def ways(found: Routes, **about: str) -> list[str]:
    """Where it goes at first."""
    return [step.destination.removeprefix("bridge:") for step in found.steps(report(**about))]


class TestConditions:
    """All that is set must hold; of a list any one."""

    @pytest.mark.parametrize(
        ("condition", "yes", "no"),
        [
            ({"user": "panel"}, {}, {"origin": "user:ops"}),
            ({"user": ["ops", "panel"]}, {}, {"origin": "panel"}),
            ({"sender": "+3630*"}, {"sender": "+36301"}, {"sender": "+36201"}),
            ({"sender": "+36301"}, {"sender": "+36301"}, {}),
            ({"account": "1113"}, {}, {"machine": "1114,18,1,123,03,003"}),
            ({"account": "11*"}, {}, {"machine": "2113,18,1,123,03,003"}),
            ({"account": "aD*"}, {"machine": "ADFF,18,1,123,03,003"}, {}),
            ({"code": "123"}, {}, {"machine": "1113,18,1,130,03,003"}),
            ({"code": "12*"}, {}, {"machine": "1113,18,1,130,03,003"}),
            ({"code": "panic"}, {}, {"machine": "1113,18,1,130,03,003"}),
            ({"code": ["fire", "12*"]}, {"machine": "1113,18,1,110,03,003"},
             {"machine": "1113,18,1,130,03,003"}),
            ({"account": "*", "qualifier": "restore"}, {"machine": "1113,18,3,123,03,003"}, {}),
            ({"account": "1113", "code": "13*"}, {"machine": "1113,18,1,130,03,003"}, {}),
        ],
    )  # fmt: skip
    def test_condition(
        self, condition: dict[str, Any], yes: dict[str, str], no: dict[str, str]
    ) -> None:
        found = routes({**condition, "to": ["a"]}, {"account": "*", "to": ["b"]})
        assert ways(found, **yes) == ["a"]
        assert ways(found, **no) == ["b"]

    def test_the_first_counts(self) -> None:
        """Unless it says that others are looked at too."""
        first = {"account": "1113", "to": "a"}
        rest = ({"code": "123", "chain": ["b", "c"]}, {"account": "*", "to": "c"})
        assert ways(routes(first, *rest)) == ["a"]
        assert ways(routes({**first, "also": True}, *rest)) == ["a", "b"]

    def test_none_takes_it(self) -> None:
        """Nobody would hear of it, so it is not accepted: what is missing is said."""
        with pytest.raises(
            Unacceptable, match=r'account 1113 with code 123.*account = "1113"'
        ) as no:
            routes({"account": "2222", "to": "a"}).steps(report())
        assert no.value.field == "account"

    def test_a_mark_is_no_way(self) -> None:
        """A route without bridges only says what is an alarm."""
        found = routes({"user": "panel", "alarm": True}, {"account": "*", "to": "b"})
        assert ways(found) == ["b"]


class TestLegs:
    """The ways themselves."""

    def test_all_at_once(self) -> None:
        assert routes({"account": "*", "to": ["a", "b"]}).steps(report()) == (
            EscalationStep("bridge:a"),
            EscalationStep("bridge:b"),
        )

    def test_chain(self) -> None:
        """Each knows who follows, and when."""
        (first,) = routes({"account": "*", "chain": ["a", "b", "c"], "escalate_after": 20}).steps(
            report()
        )
        assert first == EscalationStep("bridge:a", 1, ("bridge:b", "bridge:c"), 20.0)
        assert first.until(1000.0) == 1020.0
        second = first.next
        assert second == EscalationStep("bridge:b", 1, ("bridge:c",), 20.0)
        third = second.next
        assert third == EscalationStep("bridge:c", 1, (), 20.0)
        assert (third.next, third.until(1000.0)) == (None, None)

    @pytest.mark.parametrize(
        "leg",
        [
            EscalationStep("b:a"),
            EscalationStep("b:a", 1),
            EscalationStep("b:a", 2, ("b:ő", 'b:"'), 1.5),
        ],
        ids=str,
    )
    def test_as_the_store_keeps_it(self, leg: EscalationStep) -> None:
        """What a restart reads is what was written; outside a chain there is nothing to know."""
        assert EscalationStep.read(leg.destination, leg.text()) == (leg if leg.chain else None)

    def test_nobody_begins_twice(self) -> None:
        """A bridge that two routes name gets it once, and who follows is not lost."""
        chain, other = (
            EscalationStep("b:a", 1, ("b:b",), 9.0),
            EscalationStep("b:a", 2, ("b:c",), 9.0),
        )
        assert merged([EscalationStep("b:a"), EscalationStep("b:b"), chain]) == (
            chain,
            EscalationStep("b:b"),
        )
        assert merged([chain, EscalationStep("b:a"), other]) == (chain,)


class TestReading:
    """Which texts are alarms."""

    @pytest.mark.parametrize(
        ("route", "user", "sender", "reads"),
        [
            ({"user": "panel"}, "panel", "", Reads.TEXT),
            ({"user": "panel", "alarm": True}, "panel", "", Reads.ALARM),
            ({"user": "panel", "alarm": True}, "ops", "", Reads.TEXT),
            ({"user": "panel", "alarm": True}, "", "+361", Reads.TEXT),
            ({"sender": "+36*", "alarm": True}, "", "+361", Reads.ALARM),
            ({"sender": "+36*", "alarm": True}, "", "+49", Reads.TEXT),
            ({"sender": "+36*", "alarm": True}, "panel", "", Reads.TEXT),
            ({"account": "1113", "alarm": True}, "panel", "", Reads.EITHER),
            ({"account": "1113", "alarm": True}, "", "+361", Reads.TEXT),
        ],
    )
    def test_reads(self, route: dict[str, Any], user: str, sender: str, reads: Reads) -> None:
        """Nobody's SMS is an alarm because of what it says: anybody can send one."""
        assert routes({**route, "to": "a"}).reads(user=user, sender=sender) is reads

    def test_alarm_in(self) -> None:
        """Whoever must write alarms is told what is wrong; whoever may gets a text."""
        must = routes({"user": "panel", "alarm": True, "to": "a"})
        may = routes({"account": "1113", "alarm": True, "to": "a"})
        assert must.recognize(PANIC, user="panel") == notation.read(PANIC)
        assert must.recognize(PANIC, user="ops") is None
        with pytest.raises(Unacceptable) as wrong:
            must.recognize("1113,18,2,123,03,003", user="panel")
        assert wrong.value.field == "qualifier"
        assert may.recognize(PANIC, user="panel") == notation.read(PANIC)
        assert may.recognize("hello", user="panel") is None
        assert may.recognize("1114,18,1,123,03,003", user="panel") is None
        assert may.recognize(PANIC, sender="+361") is None


class TestFaults:
    """Everything that would never work is found before the start, with its cure."""

    @pytest.mark.parametrize(
        ("route", "said"),
        [
            ({"to": "a"}, 'name a user, sender, account or code; account = "*" is every alarm'),
            ({"account": "*"}, "names no bridge: say to (all at once) or chain"),
            ({"account": "*", "to": "a", "chain": ["b"]}, "to and chain: have one"),
            ({"account": "*", "to": ["aa"]}, "to: there is no bridge 'aa'; did you mean 'a'?"),
            ({"account": "*", "chain": ["x"]}, "chain: there is no bridge 'x'"),
            ({"account": "*", "chain": ["a", "b", "a"]}, "chain: names a bridge twice"),
            ({"user": "opps", "to": "a"}, "user: there is no user 'opps'; did you mean 'ops'?"),
            ({"account": "11*3", "to": "a"}, "account: '11*3' must be 4 to 16 hex digits"),
            ({"code": "1234", "to": "a"}, "code: '1234' must be three hex digits"),
            ({"code": "fires", "to": "a"}, "code: 'fires' must be three hex digits"),
            ({"account": "*", "qualifier": "new", "to": "a"}, "qualifier: 'new' is none of event"),
            (
                {"account": "*", "to": "a", "escalate_after": 0},
                "escalate_after must be a number of seconds",
            ),
            ({"account": "*", "to": [1]}, "to must be a list of names"),
            ({"account": 1113, "to": "a"}, "account must be a list of names"),
        ],
    )
    def test_fault(self, route: dict[str, Any], said: str) -> None:
        (problem,) = problems({"account": "*", "to": "a"}, route)
        assert problem.startswith(f"2: {said}")

    def test_all_at_once(self) -> None:
        """Every problem of the file in one go."""
        assert len(problems({"to": "x"}, {"account": "*"})) == 3
