"""
What really happened, to be compared with what the gateway believes: the SMS
that the mobile network got, and those that the device handed in.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import IO, ClassVar

from attrs import asdict, define, field, frozen


class PushOutcome(Enum):
    """What became of something that the device offered to the server."""

    ACKNOWLEDGED = "acknowledged"
    #: The server said ERROR or DISABLE.
    REFUSED = "refused"
    #: Nobody answered, three resends long.
    GIVEN_UP = "given up"
    #: The device rebooted, or was stopped, before there was an answer.
    FORGOTTEN = "forgotten"


@frozen
class TransmittedSms:
    """
    An SMS that the mobile network took.

    @ivar sms_no: the number that its delivery report carries; C{None} where
        the device does not number.
    @ivar at: seconds since the epoch, by the clock of the device.
    """

    kind: ClassVar[str] = "sent"

    line: str
    recipient: str
    text: str
    session: int
    telid: int
    sms_no: int | None
    at: float


@frozen
class SettledSms:
    """
    An SMS that came in, once it is settled between device and server.

    @ivar number: its receive id.
    @ivar at: seconds since the epoch at which it was settled.
    """

    kind: ClassVar[str] = "handed in"

    line: str
    number: int
    sender: str
    text: str
    outcome: PushOutcome
    at: float


Entry = TransmittedSms | SettledSms


@define
class Book:
    """
    @ivar sent: what the network got, in order.
    @ivar handed_in: what was settled with the server, in order.
    """

    #: Where each entry goes as one line of JSON, at once, so that a reader
    #: of the file has it while the simulator runs. C{None}: nowhere.
    file: IO[str] | None = None
    #: Whether entries are kept in memory too; a service runs for weeks.
    keeps: bool = True
    sent: list[TransmittedSms] = field(factory=list)
    handed_in: list[SettledSms] = field(factory=list)
    _counts: dict[str, int] = field(factory=dict)

    def enter(self, entry: Entry) -> None:
        """Write down what happened."""
        self._counts[entry.kind] = self.count(entry.kind) + 1
        if self.keeps and isinstance(entry, TransmittedSms):
            self.sent.append(entry)
        elif self.keeps and isinstance(entry, SettledSms):
            self.handed_in.append(entry)
        if self.file is not None:
            self.file.write(as_json(entry) + "\n")
            self.file.flush()

    def count(self, kind: str) -> int:
        """@return: how many entries of C{TransmittedSms.kind} or C{SettledSms.kind} there were."""
        return self._counts.get(kind, 0)

    def texts(self, outcome: PushOutcome) -> list[str]:
        """@return: the texts that were handed in with this outcome, in order."""
        return [entry.text for entry in self.handed_in if entry.outcome is outcome]


def as_json(entry: Entry) -> str:
    """One entry on one line."""
    outcome = {"outcome": entry.outcome.value} if isinstance(entry, SettledSms) else {}
    return json.dumps({"kind": entry.kind, **asdict(entry), **outcome}, ensure_ascii=False)
