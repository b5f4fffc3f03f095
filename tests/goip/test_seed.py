"""
The three conversations of the seed, byte by byte, with a whole gateway: what
stands in the vendor's paper is what goes over the wire.
"""

from __future__ import annotations

from tests.goip.conftest import MakesWires
from tests.wire import Wire


def test_registration_and_keepalive(wires: MakesWires) -> None:
    """Section "Registration and Keepalive": the example of the keepalive ack."""
    wire = wires()
    wire.says("req:10;id:goipid1;pass:password1;")
    assert wire.hears_where() == [(b"reg:10;status:0;", wire.address())]


def test_bulk_sms(wire: Wire) -> None:
    """Section "Process for Bulk SMS": sendid 11, "hello", password1."""
    message = wire.one("+8613800138000", "hello")
    assert wire.hears_where() == [(b"MSG 11 5 hello\n", wire.address())]
    wire.says("PASSWORD 11\n")
    assert wire.hears() == [b"PASSWORD 11 password1\n"]
    wire.says("SEND 11\n")
    assert wire.hears() == [b"SEND 11 1 +8613800138000\n"]
    assert wire.state(message) == "sending"
    wire.says("OK 11 1\n")
    assert wire.hears() == [b"DONE 11\n"]
    wire.says("DONE 11\n")
    assert wire.hears() == []
    assert wire.state(message) == "sent"
    assert wire.the_line().status.sessions == 0
    assert wire.waits(200) == []


def test_bulk_sms_to_two_numbers(wire: Wire) -> None:
    """Steps 7 and 8: the next number only after the status of the one before."""
    messages = wire.submit(["+8613800138000", "+85221234567"], "hello")
    wire.opens()
    assert wire.hears()[-1] == b"SEND 11 1 +8613800138000\n"
    wire.says("WAIT 11 1\n")
    assert wire.hears() == []
    wire.says("OK 11 1\n")
    assert wire.hears() == [b"SEND 11 2 +85221234567\n"]
    wire.says("ERROR 11 2 errorstatus:28\n")
    assert wire.hears() == [b"DONE 11\n"]
    wire.says("DONE 11 \n")  # the paper's own example has a blank here
    assert [wire.state(m) for m in messages] == ["sent", "failed"]


def test_receive_sms(wire: Wire) -> None:
    """Section "Receive SMS": saved, then answered."""
    wire.says("RECEIVE:1270197307;id:goipid1;pass:password1;srcnum:+8613513415667;msg:just a test")
    assert wire.hears_where() == [(b"RECEIVE 1270197307 OK\n", wire.address())]
    assert [(m.sender, m.text, m.line) for m in wire.recorder.taken] == [
        ("+8613513415667", "just a test", "goipid1")
    ]
