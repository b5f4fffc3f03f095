"""
Frames of DC-09: those that were seen elsewhere, in both directions, damaged,
and encrypted. C{tests/vectors/contact-id.jsonl} names the source of each.
"""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from goiptwist.bridges.dc09 import frames
from goiptwist.bridges.dc09.frames import (
    ChecksumMismatch,
    Dc09Frame,
    DecryptionFailed,
    MalformedDc09Frame,
    read,
)
from goiptwist.contact_id.event import Event

_FILE = Path(__file__).parents[2] / "vectors" / "contact-id.jsonl"
ROWS = [row for row in map(json.loads, _FILE.read_text().splitlines()) if row["kind"] == "dc09"]
VALID = [row for row in ROWS if row["valid"]]
BROKEN = [row for row in ROWS if not row["valid"]]

KEYS = (b"0123456789ABCDEF", b"0123456789ABCDEF01234567", b"0123456789ABCDEF0123456789ABCDEF")
EVENT = Event(account="1113", qualifier="1", code="123", partition="03", zone="003")
PLAIN = Dc09Frame(
    name="ADM-CID", sequence="0007", receiver="0", line="0", account="1113",
    data=frames.data_of(EVENT),
)  # fmt: skip
#: 2026-11-22 02:51:59 UTC
AT = 1_795_315_919.0


def framed(body: str) -> bytes:
    """A body with the right CRC and length."""
    raw = body.encode("latin-1")
    return b"\n%04X%04X%b\r" % (frames.crc(raw), len(raw), raw)


def ids(row: dict[str, Any]) -> str:
    return str(row["body"])[:40]


@pytest.mark.parametrize("row", VALID, ids=ids)
def test_every_frame(row: dict[str, Any]) -> None:
    """What panels and receivers were seen to say is read as meant."""
    frame = read(row["frame"].encode())
    assert f"{frames.crc(row['body'].encode()):04X}" == row["crc"]
    fields = row.get("fields")
    if fields is None:  # an answer
        assert frame.name == row["body"].split('"')[1]
        return
    assert frame.name == fields["token"]
    assert frame.encrypted == fields["encrypted"]
    assert frame.sequence == fields["sequence"]
    if fields["account"]:
        assert frame.account == fields["account"]
        assert frame.line == (fields["line"] or "").removeprefix("L")
        assert frame.receiver == (fields["receiver"] or "").removeprefix("R")
    if "timestamp" in fields:
        assert frame.time is not None
    if fields["token"] == "ADM-CID" and not fields["encrypted"]:
        event = frames.event_of(frame)
        assert (event.qualifier, event.code) == (fields["qualifier"], fields["event"])
        assert (event.partition, event.zone) == (fields["group"], fields["zone_user"])
        assert frames.same_account(event.account, fields["account"])


@pytest.mark.parametrize("row", BROKEN, ids=ids)
def test_every_broken_frame(row: dict[str, Any]) -> None:
    """CRC and length of another text are refused, though the text makes sense."""
    with pytest.raises(ChecksumMismatch):
        read(row["frame"].encode())


def test_written_as_seen() -> None:
    """Our frame is byte for byte what a dialler sends and a receiver takes."""
    event = Event(account="1113", qualifier="3", code="130", partition="01", zone="015")
    frame = Dc09Frame(
        name="ADM-CID", sequence="0007", line="0", account="1113", data=frames.data_of(event)
    )
    assert frame.format() == b'\nC0600027"ADM-CID"0007L0#1113[#1113|3130 01 015]\r'
    test = Dc09Frame(name="NULL", sequence="0000", line="0", account="008312")
    assert test.format() == b'\nD3440015"NULL"0000L0#008312[]\r'


def test_time() -> None:
    """Times are UTC, month before day."""
    nak = read(b'\nA35B0025"NAK"0000L0R0A0[]_02:51:59,11-22-2026\r')
    assert nak.time == AT
    assert evolve(PLAIN, time=AT).format().endswith(b"]_02:51:59,11-22-2026\r")


@pytest.fixture
def rng(monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """The padding, the same in each run: a random one looks like something now and then."""
    rng = random.Random(9)
    monkeypatch.setattr(frames.secrets, "choice", rng.choice)
    return rng


@pytest.mark.parametrize("key", KEYS, ids=["128", "192", "256"])
def test_encryption(rng: random.Random, key: bytes) -> None:
    """All three lengths of key; a frame is no two times the same, nor read with another key."""
    frame = evolve(PLAIN, encrypted=True, time=AT)
    raw = frame.format(key)
    assert raw[9:19] == b'"*ADM-CID"'
    assert b"1123" not in raw
    assert raw != frame.format(key)
    assert read(raw).decrypted(key) == frame
    for other in (None, key[::-1]):
        with pytest.raises(DecryptionFailed):
            read(raw).decrypted(other)


def test_another_key_that_seems_to_fit(rng: random.Random) -> None:
    """
    DC-09 has no checksum inside the encryption: one wrong key in some hundreds makes
    text with the right brackets. It never has a time, without which no report counts.
    """
    raw = evolve(PLAIN, encrypted=True, time=AT).format(KEYS[0])
    misread = []
    for _ in range(3000):
        with contextlib.suppress(DecryptionFailed):
            misread.append(read(raw).decrypted(rng.randbytes(16)))
    assert 0 < len(misread) < 30
    assert {frame.time for frame in misread} == {None}


def test_an_encrypted_answer_without_a_bar() -> None:
    """pysiaalarm fills its answers up with zeros, and sets no bar behind them."""
    key = KEYS[0]
    clear = b"00000000000]_02:51:59,11-22-2026"
    encryptor = frames.Cipher(frames.AES(key), frames.CBC(bytes(16))).encryptor()
    body = f'"*ACK"0007R0L0#1113[{encryptor.update(clear).hex().upper()}'
    answer = read(framed(body)).decrypted(key)
    assert (answer.name, answer.data, answer.time) == ("ACK", "", AT)


@pytest.mark.parametrize("name", ["ACK", "NAK", "DUH"])
def test_naked_answers(name: str) -> None:
    """A receiver that does not know who asks may say no more than a word."""
    for raw in (f'"{name}"', f'"{name}"\r\n'):
        assert read(raw.encode()) == Dc09Frame(name=name)


@pytest.mark.parametrize(
    "body",
    [
        '"ADM-CID"0007L0R0#1113[#1113|1123 03 003]',
        '"ADM-CID"0007R0L0#1113[|1123 03 003]',
        '"ADM-CID"0007R0L0#1113[1123 03 003]',
        '"ADM-CID"0007R0L0#1113[#001113|1123 03 003]',
        '"ADM-CID"0007R0L0#1113[#1113|1123 03 003][X052E20.1N][Y12N]_02:51:59,11-22-2026',
        '"ADM-CID"0007R0L0[#1113|1123 03 003]',
    ],
)
def test_ways_of_saying_it(body: str) -> None:
    """Panels leave out, add and turn around; the event is the same."""
    assert frames.event_of(read(framed(body))) == EVENT


def test_length_in_decimal() -> None:
    """Eldes writes the length in decimal."""
    body = b'"ADM-CID"0007R0L0#1113[#1113|1123 03 003]'
    raw = b"\n%04X%04d%b\r" % (frames.crc(body), len(body), body)
    assert frames.event_of(read(raw)) == EVENT


@pytest.mark.parametrize(
    "data", ["", "Nri1/BA001", "#1113|2123 03 003", "#1113|1123 03", "#1113|1123 03 003 9"]
)
def test_what_is_no_event(data: str) -> None:
    """A frame can be whole and still report nothing."""
    with pytest.raises(MalformedDc09Frame):
        frames.event_of(evolve(PLAIN, data=data))


def test_a_stream_cut_anywhere() -> None:
    """TCP cuts where it likes: two frames are two frames, however they come."""
    stream = PLAIN.format() + b"\n\r" + evolve(PLAIN, sequence="0008").format()
    for place in range(len(stream)):
        first, rest = frames.cut(stream[:place])
        second, left = frames.cut(rest + stream[place:])
        assert [read(raw).sequence for raw in first + second] == ["0007", "0008"]
        assert left == b""


SAMPLES = [row["frame"].encode() for row in VALID] + [evolve(PLAIN, time=AT).format()]


@pytest.mark.parametrize("raw", SAMPLES, ids=lambda raw: raw[9:30].decode())
def test_damage_to_every_byte(raw: bytes) -> None:
    """
    A frame cut or changed anywhere is malformed, and nothing else leaves the
    reader. The CRC finds each changed byte of what it stands for.
    """
    for place in range(len(raw)):
        for damaged in (raw[:place], raw[:place] + b"?" + raw[place + 1 :], raw[place:]):
            try:
                frame = read(damaged)
            except MalformedDc09Frame:
                continue
            assert frame == read(raw), damaged


@given(st.binary(max_size=120) | st.text(max_size=80).map(lambda body: framed_safely('"' + body)))
def test_any_bytes(raw: bytes) -> None:
    """Strangers may send anything."""
    with contextlib.suppress(MalformedDc09Frame):
        frames.event_of(read(raw).decrypted(KEYS[0]))
    frames.cut(raw)


def framed_safely(body: str) -> bytes:
    return framed(body.encode("latin-1", "replace").decode("latin-1"))


@given(st.binary(min_size=16, max_size=16).map(lambda block: block * 3))
def test_any_encrypted_bytes(secret: bytes) -> None:
    """What decrypts to nonsense is not decrypted, and breaks nothing."""
    frame = read(framed(f'"*ADM-CID"0007R0L0#1113[{secret.hex()}'))
    with contextlib.suppress(DecryptionFailed):
        frame.decrypted(KEYS[0])


@given(
    st.builds(
        Dc09Frame,
        name=st.sampled_from(["ADM-CID", "NULL", "ACK", "DUH"]),
        sequence=st.integers(0, 9999).map("{:04d}".format),
        receiver=st.text("0123456789ABCDEF", max_size=6),
        line=st.text("0123456789ABCDEF", min_size=1, max_size=6),
        account=st.text("0123456789ABCDEF", min_size=3, max_size=16),
        data=st.text("0123456789ABCDEF|# ", max_size=30).filter(lambda t: not t.startswith("|")),
        time=st.none() | st.integers(0, 4_000_000_000).map(float),
        encrypted=st.booleans(),
    ),
    st.sampled_from(KEYS),
)
def test_there_and_back(frame: Dc09Frame, key: bytes) -> None:
    """What is written is read as what it was."""
    assert read(frame.format(key)).decrypted(key) == frame
