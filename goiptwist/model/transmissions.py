"""What is noted down about texts that are given to SIMs, and about their lines."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Transmission:
    """
    What is about to be given to a SIM.

    @ivar message_id: as the world sees it.
    @ivar telid: the number of the recipient within the session.
    """

    message_id: str
    line: str
    session: int
    telid: int
    at: float


@frozen(kw_only=True)
class LateAnswer:
    """
    A verdict from a device for which no session waits.

    @ivar sent: whether it was OK.
    """

    line: str
    session: int
    telid: int
    sent: bool
    detail: str
    sms_no: str = ""
    at: float


@frozen(kw_only=True)
class LineOccurrence:
    """
    Something that happened on a line and is no SMS.

    @ivar what: the word that bridges know it by, such as C{call.ended}.
    @ivar kind: the name of the push that reported it; empty if the gateway
        found it itself: then it is no history, and never a repeat.
    @ivar number: of the push; with line, kind and fields it tells a repeat.
    """

    line: str
    what: str
    at: float
    kind: str = ""
    number: int = 0
    fields: Mapping[str, str] = field(factory=dict)
