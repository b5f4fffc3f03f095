"""
What bridges get besides SMS and alarms. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from goiptwist.model.messages import Message


@frozen(kw_only=True)
class Notification:
    """
    What became of an outgoing message, for a bridge that is to tell its submitter.

    @ivar id: of this notification; the same if it is delivered again.
    @ivar status: one of L{STATUSES<goiptwist.model.subscriptions.STATUSES>}.
    @ivar at: when it happened, in seconds since the epoch.
    @ivar reason: why, in words; may be empty.
    @ivar message: what it is about, as it stands now.
    """

    id: str
    status: str
    at: float
    reason: str
    message: Message


@frozen(kw_only=True)
class LineEvent:
    """
    Something that happened on a line and is no SMS.

    @ivar id: of this event; the same if it is delivered again.
    @ivar what: C{line.present}, C{line.lost}, C{line.stopped}, C{call.began},
        C{call.length}, C{call.ended}, C{ussd.received}, or C{device.NAME} for
        anything else that a device pushes under that name.
    @ivar at: when it happened, in seconds since the epoch.
    @ivar fields: what the device, or we, say of it.
    """

    id: str
    what: str
    line: str
    at: float
    fields: Mapping[str, str] = field(factory=dict, repr=False)
