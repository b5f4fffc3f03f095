"""
The datagrams of the GoIP SMS interface, as frozen values that read and write
themselves. Pure: no Twisted, no clock, no sockets.

There are two families on the wire. The I{colon family} is what a device
pushes: C{NAME:<number>;key:value;...}. The I{space family} is the send
dialogue and the commands: C{WORD <session> ...}. The same bytes may mean
different things in the two directions (C{DONE 11}, C{SEND 11}), so there are
two readers: L{from_device} and L{from_server}.

Source: the vendor's "GOIP SMS Interface" (the I{seed} below), its later
generations, and captures from real devices.
"""

from goiptwist.goip.frames.device import (
    DeliveryReport,
    DeviceAnswer,
    DevicePush,
    FromDevice,
    Keepalive,
    LineFacts,
    ReceivedSms,
    TraceLine,
    from_device,
)
from goiptwist.goip.frames.reading import LONGEST_DATAGRAM, LONGEST_TEXT, MalformedDatagram
from goiptwist.goip.frames.server import (
    DeviceCommand,
    FromServer,
    KeepaliveAnswer,
    PushAcknowledgement,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
    from_server,
)

__all__ = [
    "LONGEST_DATAGRAM",
    "LONGEST_TEXT",
    "DeliveryReport",
    "DeviceAnswer",
    "DeviceCommand",
    "DevicePush",
    "FromDevice",
    "FromServer",
    "Keepalive",
    "KeepaliveAnswer",
    "LineFacts",
    "MalformedDatagram",
    "PushAcknowledgement",
    "ReceivedSms",
    "SessionDone",
    "SessionOffer",
    "SessionPassword",
    "SessionSend",
    "TraceLine",
    "from_device",
    "from_server",
]
