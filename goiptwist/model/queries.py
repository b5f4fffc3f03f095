"""
What operators and programs ask, and decide. Pure.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from goiptwist.model.messages import Direction, Message, State


class Resolution(StrEnum):
    """What a person says of a text of which nobody knows."""

    SENT = "sent"
    FAILED = "failed"
    RESEND = "resend"


@frozen(kw_only=True)
class Search:
    """
    What is looked for; what is empty asks for nothing.

    @ivar number: the end of a sender or recipient, as digits.
    @ivar text: a part of the text, as it is written there.
    @ivar account: of an alarm, whole, in capitals.
    @ivar code: of an alarm: the code of its event, the same way.
    @ivar since: accepted at this time or later; C{until}: before it.
    @ivar before: the id behind which to go on, or empty for the newest.
    """

    direction: Direction | None = None
    state: State | None = None
    line: str = ""
    origin: str = ""
    number: str = ""
    text: str = ""
    account: str = ""
    code: str = ""
    since: float = 0.0
    until: float = 0.0
    before: str = ""
    limit: int = 100


@frozen
class SearchPage:
    """
    @ivar more: where to go on, as C{before}; empty at the end. There may be
        more although nothing was found.
    """

    messages: list[Message]
    more: str
