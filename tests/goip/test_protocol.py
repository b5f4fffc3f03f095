"""
The socket's side: every other push, and everything that is no frame at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from twisted.logger import capturedLogs

from tests.conftest import FailureLog
from tests.goip.conftest import MakesWires
from tests.goip.examples import FROM_DEVICE, FROM_SERVER
from tests.wire import Wire, refuse_writes


def events(wire: Wire) -> list[tuple[str, dict[str, str]]]:
    connection = wire.store.writer.connection
    with connection.begin():
        rows = connection.execute(text("SELECT kind, fields FROM event ORDER BY id")).all()
    return [(row.kind, json.loads(row.fields)) for row in rows]


ME = "id:goipid1;password:password1"

FACTS = [
    ("STATE", "gsm_remain_state:IDLE", {"gsm_remain_state": "IDLE"}),
    ("REMAIN", "gsm_remain_time:-1", {"gsm_remain_time": "-1"}),
    ("CELLINFO", 'info:"LAC:7E5;x"', {"info": "LAC:7E5;x"}),
    ("BCCH", "bcch:689,638,", {"bcch": "689,638,"}),
    ("CELLS", "lists:123,456,", {"lists": "123,456,"}),
    ("CGATT", "cgatt:1", {"cgatt": "1"}),
]
EVENTS = [
    ("RECORD", "dir:1;num:+3630", {"dir": "1", "num": "+3630"}),
    ("EXPIRY", "exp:-1", {"exp": "-1"}),
    ("HANGUP", "num:,cause:Normal call clearing", {"num": "", "cause": "Normal call clearing"}),
    ("USSN", "msg:a;b\nc", {"msg": "a;b\nc"}),
    ("NUMRECORD", "", {}),
    ("need_recharge", "num:1", {"num": "1"}),
    ("NEVER_HEARD", "a:b;c:d", {"a": "b", "c": "d"}),
]


class TestOtherPushes:
    """Whatever a line tells is answered and kept, also what nobody knows."""

    @pytest.mark.parametrize(("name", "fields", "kept"), FACTS)
    def test_facts(self, wire: Wire, name: str, fields: str, kept: dict[str, str]) -> None:
        """The latest state of the line, shown with its others."""
        wire.says(f"{name}:7;{ME};{fields}")
        assert wire.hears() == [f"{name} 7 OK".encode()]
        assert wire.the_line().status.facts == kept
        assert events(wire) == []

    @pytest.mark.parametrize(("name", "fields", "kept"), EVENTS)
    def test_events(self, wire: Wire, name: str, fields: str, kept: dict[str, str]) -> None:
        """What happened, once; the name is spelled as the device spells it."""
        for _ in range(2):
            wire.says(f"{name}:7;{ME};{fields}")
        assert wire.hears() == [f"{name} 7 OK".encode()] * 2
        assert events(wire) == [(name, kept)]

    def test_no_password_is_kept(self, wire: Wire) -> None:
        """Under neither of its names."""
        wire.says(f"RECORD:7;{ME};pass:password1;dir:1")
        assert "password1" not in str(events(wire))

    @pytest.mark.parametrize("name", ["STATE", "RECORD"])
    @pytest.mark.parametrize("who", ["id:nobody;password:x", "id:goipid1;password:geheim"])
    def test_strangers(self, wire: Wire, name: str, who: str) -> None:
        """No answer, nothing kept: the seed names an error for RECEIVE only."""
        wire.says(f"{name}:7;{who};dir:1")
        assert wire.hears() == []
        assert (events(wire), wire.the_line().status.facts) == ([], {})

    def test_events_that_cannot_be_kept(self, wire: Wire, logged_failures: FailureLog) -> None:
        """They are not answered, and come again."""
        refuse_writes(wire.store)
        wire.says(f"RECORD:7;{ME};dir:1")
        assert wire.hears() == []
        logged_failures.flush()

    @pytest.mark.parametrize(
        "datagram",
        [
            f"AT:3;count:1;{ME};receive:OK",
            "GSM:3;get_gsm_num:1;get_exp_time:2",
        ],
    )
    def test_never_answered(self, wire: Wire, datagram: str) -> None:
        """A trace and the answer to a command want no acknowledgement."""
        wire.says(datagram)
        assert wire.hears() == []


NONSENSE = [
    b"",
    b"\n",
    b"\0",
    b"x",
    b"RECEIVE",
    b"RECEIVE:",
    b"RECEIVE:x;id:goipid1;password:password1;srcnum:1;msg:x",
    b"RECEIVE:1;id:goipid1;password:password1;srcnum:1",
    b"req:;id:goipid1;pass:password1;",
    b"req:1",
    b"OK",
    b"OK x 1",
    b"DELIVER:1;id:goipid1;password:password1",
    b"\xff\xfe\xfd",
    b"GET / HTTP/1.1\r\n\r\n",
    b"{" * 100,
    b"START 1 x",
    b"A" * 5000,
    "\u0661:\u0661".encode(),
]


class TestNonsense:
    """The port is open to everybody."""

    @pytest.mark.parametrize("datagram", NONSENSE, ids=lambda d: repr(d[:20]))
    def test_counted_and_not_answered(self, wire: Wire, datagram: bytes) -> None:
        """No answer, no traceback; the local commands of the vendor's daemon do nothing."""
        wire.says(datagram, at=("198.51.100.1", 1))
        assert wire.hears() == []
        assert sum(wire.gateway.rejections.counts.values()) == 1

    def test_logged_once_a_minute(self, wire: Wire) -> None:
        """For each source."""
        with capturedLogs() as logs:
            for datagram in NONSENSE:
                wire.says(datagram, at=("198.51.100.1", 1))
                wire.says(datagram, at=("198.51.100.2", 1))
        malformed = [e["peer"] for e in logs if e.get("complaint") == "malformed"]
        assert malformed == ["198.51.100.1", "198.51.100.2"]

    def test_sending_may_fail(self, wire: Wire) -> None:
        """No route, a full buffer: it is a lost datagram, counted and logged."""
        wire.transport.trouble = OSError(101, "Network is unreachable")
        wire.says("req:1;id:goipid1;pass:password1;")
        assert wire.hears() == []
        assert wire.gateway.rejections.counts == {"not_sent": 1}

    def test_not_listening(self, wires: MakesWires) -> None:
        """Before the port is open, and after it is closed, nothing is sent."""
        wire = wires()
        wire.gateway.goip.protocol.doStop()
        wire.says("req:1;id:goipid1;pass:password1;")
        assert wire.hears() == []


@pytest.fixture(scope="module")
def beaten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One gateway that has to take everything, in the middle of its work."""
    with pytest.MonkeyPatch.context() as patch:
        wire = Wire(Path(tmp_path_factory.mktemp("beaten")), patch)
        wire.registers()
        yield wire
        wire.close()


def _mostly_right() -> st.SearchStrategy[bytes]:
    """Frames of both directions, damaged; many come in with the right password."""
    known = [datagram for _, datagram in [*FROM_DEVICE, *FROM_SERVER]]
    ours = [d.replace(b"goip1", b"goipid1").replace(b":pw", b":password1") for d in known]
    numbers = st.sampled_from([b"11", b"12", b"1", b"-1", b"99999999999999999999", b"x"])
    dialogue = st.builds(
        lambda verb, session, rest: verb + b" " + session + b" " + rest,
        st.sampled_from([b"PASSWORD", b"SEND", b"OK", b"ERROR", b"WAIT", b"DONE", b"USSD"]),
        numbers,
        st.one_of(numbers, st.binary(max_size=20)),
    )
    damaged = st.builds(
        lambda whole, cut, put: whole[: cut % (len(whole) + 1)] + put + whole[cut % 7 :],
        st.sampled_from(known + ours),
        st.integers(0, 500),
        st.binary(max_size=5),
    )
    return st.one_of(st.binary(max_size=200), dialogue, damaged)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(datagrams=st.lists(_mostly_right(), max_size=5), at_home=st.booleans())
def test_whatever_comes(
    beaten: Wire, logged_failures: FailureLog, datagrams: list[bytes], at_home: bool
) -> None:
    """
    No sequence of datagrams makes a traceback, an answer to a stranger that is
    longer than the question, or a gateway that no longer answers a keepalive.
    """
    source: Any = beaten.address() if at_home else ("198.51.100.1", 1)
    beaten.one()
    for datagram in datagrams:
        beaten.hears()
        beaten.says(datagram, at=source)
        answers = [d for d, a in beaten.hears_where() if a == ("198.51.100.1", 1)]
        assert sum(map(len, answers)) <= len(datagram)
    beaten.clock.advance(1)
    wrong_password = [e for e in logged_failures.flush() if "is stopped" not in e["log_format"]]
    assert wrong_password == []
    beaten.the_line().stopped = ""
    beaten.registers()
