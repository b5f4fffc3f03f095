"""What both sides say in the send dialogue of one text to one number."""

from __future__ import annotations

from goiptwist.model.messages import Message
from tests.wire import Wire

MSG = b"MSG 11 5 hello\n"
PASSWORD = b"PASSWORD 11 password1\n"
SEND = b"SEND 11 1 +8613800138000\n"
DONE = b"DONE 11\n"


def submitted(wire: Wire) -> Message:
    """Bring the dialogue to where the device has the number."""
    message = wire.one()
    wire.opens()
    assert wire.hears() == [MSG, PASSWORD, SEND]
    return message
