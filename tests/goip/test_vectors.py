"""
Datagrams that were seen or printed elsewhere, each with what it means, read
as meant. C{tests/vectors/goip.jsonl} names the source of each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from goiptwist.goip import frames
from goiptwist.goip.frames import from_device, from_server


@frozen
class Vector:
    """One line of the file."""

    from_device: bool
    datagram: bytes
    meaning: Mapping[str, Any]

    @classmethod
    def read(cls, line: str) -> Vector:
        row = json.loads(line)
        text: str | None = row.get("bytes_utf8")
        datagram = bytes.fromhex(row["hex"]) if text is None else text.encode()
        return cls(row["dir"] == "goip->server", datagram, row["meaning"])

    def frame(self) -> Any:
        return (from_device if self.from_device else from_server)(self.datagram)


_FILE = Path(__file__).parent.parent / "vectors" / "goip.jsonl"
VECTORS = [Vector.read(line) for line in _FILE.read_text().splitlines()]

#: What each kind must be read as: the class, and for words of the dialogue
#: and pushes the word.
KINDS: dict[str, tuple[type, str | None]] = {
    "keepalive": (frames.Keepalive, None),
    "keepalive_ack": (frames.KeepaliveAnswer, None),
    "keepalive_refused": (frames.KeepaliveAnswer, None),
    "bulk_request": (frames.SessionOffer, None),
    "bulk_confirm": (frames.DeviceAnswer, "PASSWORD"),
    "bulk_reject": (frames.DeviceAnswer, "ERROR"),
    "auth": (frames.SessionPassword, None),
    "auth_ok": (frames.DeviceAnswer, "SEND"),
    "submit": (frames.SessionSend, None),
    "wait": (frames.DeviceAnswer, "WAIT"),
    "sent": (frames.DeviceAnswer, "OK"),
    "send_failed": (frames.DeviceAnswer, "ERROR"),
    "line_logged_out": (frames.DeviceAnswer, "ERROR"),
    "end": (frames.SessionDone, None),
    "end_confirm": (frames.DeviceAnswer, "DONE"),
    "one_packet_send": (frames.DeviceCommand, "SMS"),
    "sms": (frames.ReceivedSms, None),
    "sms_ack": (frames.PushAcknowledgement, "RECEIVE"),
    "sms_nak": (frames.PushAcknowledgement, "RECEIVE"),
    "delivery": (frames.DeliveryReport, None),
    "delivery_ack": (frames.PushAcknowledgement, "DELIVER"),
    "state": (frames.DevicePush, "STATE"),
    "call": (frames.DevicePush, "RECORD"),
    "hangup": (frames.DevicePush, "HANGUP"),
    "remain": (frames.DevicePush, "REMAIN"),
    "cells": (frames.DevicePush, "BCCH"),
    "cellinfo": (frames.DevicePush, "CELLINFO"),
    "network_ussd": (frames.DevicePush, "USSN"),
    "ack": (frames.PushAcknowledgement, None),
    "ack_disabled": (frames.PushAcknowledgement, "USSN"),
    "nak": (frames.PushAcknowledgement, "USSN"),
    "gsm_info": (frames.LineFacts, None),
    "cmd": (frames.DeviceCommand, "get_gsm_num"),
    "cmd_ok": (frames.DeviceAnswer, None),
    "ussd": (frames.DeviceCommand, "USSD"),
    "ussd_failed": (frames.DeviceAnswer, "USSD"),
}


def _state(frame: Any) -> Any:
    if isinstance(frame, frames.DeliveryReport):
        return frame.state
    return frame.fields["gsm_remain_state"].partition(":")[0]


def _number(frame: Any) -> Any:
    if isinstance(frame, frames.SessionSend):
        return frame.recipient
    if isinstance(frame, frames.LineFacts):
        return frame.facts["get_gsm_num"] or None
    if frame.name == "STATE":
        return frame.fields["gsm_remain_state"].partition(":")[2]
    return frame.fields["num"]


def _telid(frame: Any) -> int:
    return frame.telid if isinstance(frame, frames.SessionSend) else int(frame.details[0])


def _sms_no(frame: Any) -> int:
    if isinstance(frame, frames.DeliveryReport):
        return int(frame.sms_no)
    return int(frame.details[1])


#: How to find in the frame what the meaning names.
FIELDS: dict[str, Callable[[Any], Any]] = {
    "count": lambda f: f.count,
    "status": lambda f: f.status,
    "id": lambda f: f.line,
    "signal": lambda f: int(f.facts["signal"]) if f.facts["signal"] else None,
    "pro": lambda f: f.facts["pro"],
    "CELLINFO": lambda f: f.facts["CELLINFO"],
    "gsm_status": lambda f: f.facts["gsm_status"],
    "sendid": lambda f: f.session,
    "length": lambda f: len(f.text.encode()),
    "msg": lambda f: f.text,
    "telid": _telid,
    "num": _number,
    "sms_no": _sms_no,
    "errmsg": lambda f: f.text,
    "errorid": lambda f: int(f.details[1].removeprefix("errorstatus:")),
    "recvid": lambda f: f.number,
    "srcnum": lambda f: f.sender,
    "smscnum": lambda f: f.smsc,
    "state": _state,
    "dir": lambda f: {"1": "in", "2": "out"}[f.fields["dir"]],
    "min": lambda f: int(f.fields["gsm_remain_time"]),
}
#: Remarks about a vector that say nothing of what stands in the datagram.
REMARKS = {"kind", "note", "odd", "why", "seq", "t", "uncertain"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.meaning["kind"])
class TestVectors:
    def test_kind(self, vector: Vector) -> None:
        """Each datagram is read as the kind of frame that it is."""
        kind, word = KINDS[vector.meaning["kind"]]
        frame = vector.frame()
        assert type(frame) is kind
        if word is not None:
            assert (frame.name if hasattr(frame, "name") else frame.verb) == word

    def test_fields(self, vector: Vector) -> None:
        """Each field of the meaning stands in the frame."""
        frame = vector.frame()
        for name, meant in vector.meaning.items():
            if name == "cause":
                assert _cause(frame) in (meant, None)
            elif name not in REMARKS:
                assert FIELDS[name](frame) == meant, name


def _cause(frame: Any) -> str | None:
    # Of a failed SMS the meaning gives a reading of its number, not a field.
    return frame.fields["cause"] if isinstance(frame, frames.DevicePush) else None


ODDITIES = {
    b"req:502;": {"iccid": "8938003992745697720F", "pro": "KYIVSTAR"},
    b"req:183;": {"signal": "", "iccid": "", "CELLINFO": "", "CGATT": "N"},
    b"req:27;": {"voip_state": "IDLE", "remain_time": "-1", "CELLINFO": "LAC:7E5,CELL ID:5E5B"},
}


@pytest.mark.parametrize(("head", "facts"), ODDITIES.items())
def test_facts(head: bytes, facts: dict[str, str]) -> None:
    """The long keepalives of real devices, field by field."""
    [vector] = [v for v in VECTORS if v.datagram.startswith(head) and len(v.datagram) > 50]
    assert facts.items() <= vector.frame().facts.items()
    assert len(vector.frame().facts) == 16


def test_verdicts() -> None:
    """An acknowledgement says yes, no with a reason, or switched off."""
    errors = {
        vector.meaning["kind"]: vector.frame().error
        for vector in VECTORS
        if KINDS[vector.meaning["kind"]][0] is frames.PushAcknowledgement
    }
    assert errors == {
        "sms_ack": None,
        "sms_nak": "not find this id:goip-1, or password error",
        "delivery_ack": None,
        "ack": None,
        "ack_disabled": "DISABLE",
        "nak": "EOF",
    }


def test_ussd_failure_is_whole() -> None:
    """A failure hides in a normal reply; its text must arrive whole."""
    [vector] = [v for v in VECTORS if v.meaning["kind"] == "ussd_failed"]
    assert vector.frame().text == "USSD send failed!"


def test_every_kind_occurs() -> None:
    """The table above holds no kind that no vector has."""
    assert {vector.meaning["kind"] for vector in VECTORS} == set(KINDS)
