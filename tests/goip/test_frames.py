"""
The frames, as a specification: how each kind is spelled, what a reader must
forgive, and what it must refuse.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from goiptwist.goip.frames import (
    LONGEST_DATAGRAM,
    LONGEST_TEXT,
    DeliveryReport,
    DeviceAnswer,
    DeviceCommand,
    DevicePush,
    Keepalive,
    KeepaliveAnswer,
    LineFacts,
    MalformedDatagram,
    PushAcknowledgement,
    ReceivedSms,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
    TraceLine,
    from_device,
    from_server,
)
from tests.goip.examples import FROM_DEVICE, FROM_SERVER
from tests.goip.test_vectors import VECTORS

Reader = Callable[[bytes], Any]


@pytest.mark.parametrize(("frame", "datagram"), FROM_DEVICE)
class TestDeviceExamples:
    def test_read(self, frame: Any, datagram: bytes) -> None:
        """Every example reads as its frame."""
        assert from_device(datagram) == frame

    def test_write(self, frame: Any, datagram: bytes) -> None:
        """Every frame writes as its example."""
        assert frame.format() == datagram


@pytest.mark.parametrize(("frame", "datagram"), FROM_SERVER)
class TestServerExamples:
    def test_read(self, frame: Any, datagram: bytes) -> None:
        """Every example reads as its frame."""
        assert from_server(datagram) == frame

    def test_write(self, frame: Any, datagram: bytes) -> None:
        """Every frame writes as its example."""
        assert frame.format() == datagram


def test_order_of_fields_is_kept() -> None:
    """Equality of mappings says nothing about order; the wire does."""
    for frame, datagram in FROM_DEVICE:
        assert from_device(datagram).format() == datagram, frame


def test_no_secret_in_a_repr() -> None:
    """Passwords, texts and numbers stay out of logs and tracebacks."""
    for frame in (
        Keepalive(1, "goip1", "geheim"),
        ReceivedSms(1, "goip1", "geheim", "geheim", "geheim"),
        DeliveryReport(1, "goip1", "geheim", "1", 0, "geheim"),
        DevicePush("USSN", 1, "goip1", "geheim", {"msg": "geheim"}),
        LineFacts(1, {"get_gsm_num": "geheim"}),
        SessionOffer(1, "geheim"),
        SessionPassword(1, "geheim"),
        SessionSend(1, 1, "geheim"),
        DeviceCommand("USSD", 1, ("geheim",)),
    ):
        assert "geheim" not in repr(frame)


FORGIVEN = [
    # the seed's example of RECEIVE has pass:, its format has password:
    (
        from_device,
        b"RECEIVE:5;id:g;pass:pw;srcnum:1;msg:x",
        ReceivedSms(5, "g", "pw", "1", "x"),
    ),
    (from_device, b"req:5;id:g;password:pw;", Keepalive(5, "g", "pw")),
    (from_device, b"STATE:5;id:g;pass:pw;a:b", DevicePush("STATE", 5, "g", "pw", {"a": "b"})),
    # the text of an SMS begins at the first ;msg: and runs to the end
    (
        from_device,
        b"RECEIVE:5;id:g;password:pw;srcnum:1;msg:a;msg:b;id:evil;password:x",
        ReceivedSms(5, "g", "pw", "1", "a;msg:b;id:evil;password:x"),
    ),
    # of a key that comes twice the first counts
    (from_device, b"req:5;id:g;pass:pw;id:evil;pass:no;", Keepalive(5, "g", "pw")),
    (
        from_device,
        b"RECEIVE:5;id:g;password:pw;srcnum:1;id:evil;RECEIVE:6;msg:x",
        ReceivedSms(5, "g", "pw", "1", "x"),
    ),
    # a device without a clock counts below nought
    (
        from_device,
        b"RECEIVE:-2;id:g;password:pw;srcnum:1;msg:",
        ReceivedSms(-2, "g", "pw", "1", ""),
    ),
    (from_server, b"RECEIVE -2 OK\n", PushAcknowledgement("RECEIVE", -2)),
    # an alphabetic sender, and none at all
    (
        from_device,
        "RECEIVE:5;id:g;password:p;srcnum:Мир;msg:x".encode(),
        ReceivedSms(5, "g", "p", "Мир", "x"),
    ),
    (
        from_device,
        b"RECEIVE:5;id:g;password:p;srcnum:;msg:x",
        ReceivedSms(5, "g", "p", "", "x"),
    ),
    # the text keeps the newline that ends it; NULs come from C buffers
    (
        from_device,
        b"RECEIVE:5;id:g;password:p;srcnum:1;msg:x\n\0\0",
        ReceivedSms(5, "g", "p", "1", "x\n"),
    ),
    # everything else loses its line end
    (
        from_device,
        b"DELIVER:5;id:g;password:p;sms_no:1;state:0\r\n",
        DeliveryReport(5, "g", "p", "1", 0),
    ),
    (from_device, b"GSM:1;get_exp_time:0\n", LineFacts(1, {"get_exp_time": "0"})),
    (
        from_device,
        b"CGATT:1;id:g;password:p;cgatt:1\n",
        DevicePush("CGATT", 1, "g", "p", {"cgatt": "1"}),
    ),
    (from_device, b"req:1;id:g;pass:p;\r\n\0", Keepalive(1, "g", "p")),
    # values that hold colons; quotation marks of some firmware
    (
        from_device,
        b'CELLINFO:5;id:g;password:p;info:"LAC:FFFF,CELL ID:FFFF"',
        DevicePush("CELLINFO", 5, "g", "p", {"info": "LAC:FFFF,CELL ID:FFFF"}),
    ),
    (
        from_device,
        b'HANGUP:5;id:g;password:p;num:+7,cause:"Normal',
        DevicePush("HANGUP", 5, "g", "p", {"num": "+7", "cause": "Normal"}),
    ),
    (
        from_device,
        b"HANGUP:5;id:g;password:p;num:+7",
        DevicePush("HANGUP", 5, "g", "p", {"num": "+7"}),
    ),
    # a device that leaves the state out is taken to have failed, as the vendor does
    (from_device, b"DELIVER:5;id:g;password:p;sms_no:1", DeliveryReport(5, "g", "p", "1", 1)),
    (from_device, b"GSM:1;get_gsm_num:<NULL>", LineFacts(1, {"get_gsm_num": ""})),
    (from_device, b"AT:1;count:3;id:g;password:p;write:AT;x", TraceLine(1, "g", "AT;x")),
    # the vendor's paper prints a blank before the newline
    (from_device, b"DONE 11 \n", DeviceAnswer("DONE", 11)),
    (from_server, b"DONE 11 \n", SessionDone(11)),
    (from_device, b"DONE 11", DeviceAnswer("DONE", 11)),
    # a USSD answer holds blanks and newlines
    (from_device, b"USSD 1 a b\nc\n", DeviceAnswer("USSD", 1, ("a", "b\nc"))),
    # a server that counts characters, and two that leave the newline off
    (from_server, "MSG 1 2 ЖЖ\n".encode(), SessionOffer(1, "ЖЖ")),
    (from_server, b"MSG 1 2 hi", SessionOffer(1, "hi")),
    (from_server, b"MSG 1 3 hi\n", SessionOffer(1, "hi\n")),
    (from_server, b"PASSWORD 11 pass word", SessionPassword(11, "pass word")),
    # bytes that are no UTF-8 do not lose the rest
    (
        from_device,
        b"RECEIVE:5;id:g;password:p;srcnum:1;msg:gr\xfc\xdfe",
        ReceivedSms(5, "g", "p", "1", "gr\ufffd\ufffde"),
    ),
]


@pytest.mark.parametrize(("read", "datagram", "frame"), FORGIVEN)
def test_forgiven(read: Reader, datagram: bytes, frame: Any) -> None:
    """What devices and servers really send, though no paper has it so."""
    assert read(datagram) == frame


def test_no_password_stays_among_the_facts() -> None:
    """Facts are shown on pages; a second password must not be one of them."""
    keepalive = from_device(b"req:1;id:g;pass:one;password:two;num:7;")
    assert isinstance(keepalive, Keepalive)
    assert (keepalive.password, dict(keepalive.facts)) == ("one", {"num": "7"})
    push = from_device(b"STATE:1;id:g;pass:one;password:two;a:b")
    assert isinstance(push, DevicePush)
    assert (push.password, dict(push.fields)) == ("two", {"a": "b"})


REFUSED = [
    (from_device, b""),
    (from_device, b"\0"),
    (from_device, b"hello"),
    (from_device, b"req:"),
    (from_device, b"req:1;pass:p;"),  # no id
    (from_device, b"req:1_0;id:g;pass:p;"),  # int() would take it
    (from_device, "req:\u0661\u0660;id:g;pass:p;".encode()),  # ten in Arabic digits, as int() takes
    (from_device, b"req: 1;id:g;pass:p;"),
    (from_device, b"req:+1;id:g;pass:p;"),
    (from_device, b"req:1.5;id:g;pass:p;"),
    (from_device, b"req:" + b"9" * 19 + b";id:g;pass:p;"),  # no 64-bit number
    (from_device, b"req:" + b"9" * 4000 + b";id:g;"),
    (from_device, b"RECEIVE:5;id:g;password:p;srcnum:1"),  # no msg
    (from_device, b"RECEIVE:5;password:p;srcnum:1;msg:x"),  # no id
    (from_device, b"RECEIVE:5;id:g;password:p;msg:x"),  # no srcnum
    (from_device, b"RECEIVE:;id:g;password:p;srcnum:1;msg:x"),
    (from_device, b"DELIVER:5;id:g;password:p;state:0"),  # no sms_no
    (from_device, b"DELIVER:5;id:g;password:p;sms_no:1;state:x"),
    (from_device, b"STATE:5;password:p"),  # no id
    (from_device, b"id:5;password:p"),  # a push whose name is the key of the id
    (from_device, b"AT:5;receive:x"),
    (from_device, b"GSM:x;get_gsm_num:1"),
    (from_device, b"OK x 1\n"),
    (from_device, b"OK\n"),
    (from_device, b"OK  11 1\n"),
    (from_device, b" OK 11 1\n"),
    (from_server, b""),
    (from_server, b"reg:1;"),
    (from_server, b"reg:;status:0;"),
    (from_server, b"MSG 1"),
    (from_server, b"MSG x 5 hello\n"),
    (from_server, b"MSG 1 five hello\n"),
    (from_server, b"SEND 11\n"),  # only a device says that
    (from_server, b"SEND 11 one +1\n"),
    (from_server, b"DONE\n"),
    (from_server, b"DONE x\n"),
    (from_server, b"RECEIVE x OK"),
    (from_server, b"RECEIVEOK:x;id:g;"),
]


@pytest.mark.parametrize(("read", "datagram"), REFUSED)
def test_refused(read: Reader, datagram: bytes) -> None:
    """What is no frame at all, with a sentence that says why."""
    with pytest.raises(MalformedDatagram) as refusal:
        read(datagram)
    assert str(refusal.value)


def test_longest() -> None:
    """A text of 3000 bytes passes; a datagram longer than any frame does not."""
    offer = SessionOffer(2**31, "ж" * (LONGEST_TEXT // 2))
    assert from_server(offer.format()) == offer
    for read in (from_device, from_server):
        with pytest.raises(MalformedDatagram):
            read(b"x" * (LONGEST_DATAGRAM + 1))


#: One of each sort that means something to a reader: ends, separators, digits,
#: letters, half a character of UTF-8.
DAMAGE = b"\0\n ;:,-_9A\xd0\xff"


def damaged(datagram: bytes) -> Iterator[bytes]:
    for at in range(len(datagram)):
        yield datagram[:at]
        yield datagram[at:]
        yield datagram[:at] + datagram[at + 1 :]
        for value in DAMAGE:
            yield datagram[:at] + bytes([value]) + datagram[at + 1 :]


def reads_or_refuses(read: Reader, datagram: bytes) -> None:
    try:
        frame = read(datagram)
    except MalformedDatagram:
        return
    frame.format()  # and what was read can be written
    repr(frame)


@pytest.mark.parametrize("read", [from_device, from_server])
def test_damage(read: Reader) -> None:
    """
    Every example and every vector, cut and damaged at every byte, in both
    directions: nothing but MalformedDatagram leaves the reader.
    """
    whole = [datagram for _, datagram in (*FROM_DEVICE, *FROM_SERVER)]
    for datagram in {*whole, *(vector.datagram for vector in VECTORS)}:
        for harmed in damaged(datagram):
            reads_or_refuses(read, harmed)


#: Bytes that have come past a first look more often than bytes at random.
nearly = st.tuples(
    st.sampled_from([b"req:", b"RECEIVE:", b"id:", b"HANGUP:1;", b"MSG ", b"OK ", b"reg:", b"x "]),
    st.lists(
        st.sampled_from(
            [b"1", b";", b":", b"id:", b"msg:", b"num:", b",cause:", b" ", b"\n", b"OK"]
        )
        | st.binary(max_size=4)
    ),
).map(lambda parts: parts[0] + b"".join(parts[1]))


@given(st.binary() | nearly)
@example(b"id:1")
@example(b"USSN:1;msg:;id:")
def test_any_bytes(datagram: bytes) -> None:
    """Whatever arrives, the only error that leaves a reader is MalformedDatagram."""
    reads_or_refuses(from_device, datagram)
    reads_or_refuses(from_server, datagram)


numbers = st.integers(-(10**18) + 1, 10**18 - 1)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
#: The body of an SMS; a NUL at its end is taken for the end of a C buffer.
bodies = text.filter(lambda body: not body.endswith("\0"))
#: A value between two semicolons, on one line.
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=";\r\n\0"))
#: A word between two blanks, on one line.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \r\n\0"), min_size=1)
sentences = st.lists(words, min_size=1).map(" ".join)
#: The name of a push or a fact that means nothing else.
names = st.text(string.ascii_letters + "_", min_size=1, max_size=20).map("x_{}".format)
fields = st.dictionaries(names, values)
verdicts = {"OK", "DISABLE", "ERROR"}

DEVICE_FRAMES = st.one_of(
    st.builds(Keepalive, numbers, values, values, fields),
    st.builds(ReceivedSms, numbers, values, values, values, bodies, values),
    st.builds(DeliveryReport, numbers, values, values, values, numbers, values),
    st.builds(DevicePush, names, numbers, values, values, fields),
    st.builds(
        DevicePush,
        st.just("USSN"),
        numbers,
        values,
        values,
        st.fixed_dictionaries({"msg": text.filter(lambda body: body == body.rstrip("\r\n\0"))}),
    ),
    st.builds(LineFacts, numbers, fields),
    st.builds(TraceLine, numbers, values, values),
    st.builds(DeviceAnswer, words.map(lambda _: "OK"), numbers, st.lists(words).map(tuple)),
)
SERVER_FRAMES = st.one_of(
    st.builds(KeepaliveAnswer, numbers, numbers),
    st.builds(PushAcknowledgement, names, numbers, st.none() | st.just("DISABLE") | sentences),
    st.builds(SessionOffer, numbers, text),
    st.builds(SessionPassword, numbers, sentences),
    st.builds(SessionSend, numbers, numbers, words),
    st.builds(SessionDone, numbers),
    st.builds(
        DeviceCommand,
        names,
        numbers,
        st.lists(words).map(tuple).filter(lambda given: not verdicts & {*given[:1]}),
    ),
)


@given(DEVICE_FRAMES)
def test_device_frames_survive_the_wire(frame: Any) -> None:
    """Every frame that a device can mean is read as it was meant."""
    assert from_device(frame.format()) == frame


@given(SERVER_FRAMES)
def test_server_frames_survive_the_wire(frame: Any) -> None:
    """Every frame that a server can mean is read as it was meant."""
    assert from_server(frame.format()) == frame
