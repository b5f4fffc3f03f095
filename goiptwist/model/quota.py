"""
How much may be sent in a day. Pure.
"""

from __future__ import annotations

from attrs import frozen

from goiptwist.errors import OverQuota

DAY = 86400.0


@frozen(kw_only=True)
class Quota:
    """
    How much may be sent in a day.

    @ivar messages: to how many recipients; 0 is no limit.
    @ivar parts: how many SMS on the air, of which a long text needs several;
        0 is no limit.
    """

    messages: int = 0
    parts: int = 0

    @property
    def limited(self) -> bool:
        """Whether anything has to be counted."""
        return bool(self.messages or self.parts)

    def check(self, messages: int, parts: int, now: float) -> None:
        """
        @param messages: of the day so far, with those that are wanted.
        @param parts: the same for parts.
        @raise OverQuota: it is more than is allowed.
        """
        for used, most, word in (
            (messages, self.messages, "messages"),
            (parts, self.parts, "segments"),
        ):
            if most and used > most:
                raise OverQuota(
                    f"that would be {used} {word} today; {most} a day are allowed, "
                    "and the day begins anew at midnight UTC",
                    after=DAY - now % DAY,
                )


UNLIMITED = Quota()
