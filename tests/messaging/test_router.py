"""Where a text goes, and why."""

from __future__ import annotations

import pytest

from goiptwist.errors import Unacceptable
from goiptwist.messaging.router import EVERYTHING, Router, RoutingRule
from goiptwist.model.messages import IncomingSms

TWO = Router({"mail": EVERYTHING, "chat": EVERYTHING}, {"goip1": "a", "goip2": "b"})
DEFAULT = Router({}, {"goip1": "default", "goip2": "b"})
ONE = Router({}, {"goip1": "a", "goip2": "a"})
NONE = Router({}, {})


@pytest.mark.parametrize(
    ("router", "line", "pool", "destination"),
    [
        (TWO, "goip2", "", "line:goip2"),
        (TWO, "", "b", "pool:b"),
        (DEFAULT, "", "", "pool:default"),
        (ONE, "", "", "pool:a"),
    ],
    ids=["a line", "a pool", "the default pool", "the only pool"],
)
def test_outgoing(router: Router, line: str, pool: str, destination: str) -> None:
    """A line, a pool, or what goes without saying."""
    assert router.outgoing(line, pool) == destination


@pytest.mark.parametrize(
    ("router", "line", "pool", "field", "why"),
    [
        (TWO, "goip1", "a", "pool", "name a line or a pool, not both"),
        (TWO, "gopi1", "", "line", "there is no line 'gopi1'; did you mean 'goip1'?"),
        (TWO, "xyz", "", "line", "there is no line 'xyz'"),
        (TWO, "", "c", "pool", "there is no pool 'c'"),
        (TWO, "", "", "pool", "say by which pool: a, b"),
        (NONE, "", "", "line", "no line is configured to send by"),
    ],
)
def test_no_way(router: Router, line: str, pool: str, field: str, why: str) -> None:
    """Said before anything is kept, with what was probably meant."""
    with pytest.raises(Unacceptable) as caught:
        router.outgoing(line, pool)
    assert (caught.value.field, str(caught.value)) == (field, why)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (RoutingRule(), True),
        (RoutingRule(lines=("goip1",)), True),
        (RoutingRule(lines=("goip2",)), False),
        (RoutingRule(pools=("a", "z")), True),
        (RoutingRule(pools=("b",)), False),
        (RoutingRule(numbers=("+36301234567",)), True),
        (RoutingRule(numbers=("+3630*",)), True),
        (RoutingRule(numbers=("+3630",)), False),
        (RoutingRule(numbers=("+3620*", "BANK")), False),
        (RoutingRule(match="(?i)ALARM"), True),
        (RoutingRule(match="^fire"), False),
        (RoutingRule(lines=("goip1",), match="^fire"), False),
    ],
)
def test_rules(rule: RoutingRule, wanted: bool) -> None:
    """A bridge gets what its rule wants; all that it names must hold."""
    sms = IncomingSms(line="goip1", number=1, sender="+36301234567", text="Alarm: fire", at=0)
    router = Router({"mail": rule}, {"goip1": "a", "goip2": "b"})
    assert router.incoming(sms) == (("bridge:mail",) if wanted else ())


@pytest.mark.parametrize("rule", ["+36301112222", "06301112222", "+3630*", "06 30 111-2222"])
@pytest.mark.parametrize("sender", ["+36301112222", "06301112222", "0036301112222"])
def test_any_spelling(rule: str, sender: str) -> None:
    """Networks show one subscriber in several ways: none of them misses its bridge."""
    sms = IncomingSms(line="goip1", number=1, sender=sender, text="x", at=0)
    router = Router({"mail": RoutingRule(numbers=(rule,))}, {"goip1": "a"}, "HU")
    assert router.incoming(sms) == ("bridge:mail",)
    other = IncomingSms(line="goip1", number=1, sender="+36201112222", text="x", at=0)
    assert router.incoming(other) == ()


def test_incoming() -> None:
    """Every bridge gets every SMS."""
    sms = IncomingSms(line="goip1", number=1, sender="1", text="x", at=0)
    assert TWO.incoming(sms) == ("bridge:mail", "bridge:chat")
    assert NONE.incoming(sms) == ()
