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
    @ivar segments: how many SMS on the air, of which a long text needs several;
        0 is no limit.
    """

    messages: int = 0
    segments: int = 0

    @property
    def limited(self) -> bool:
        """Whether anything has to be counted."""
        return bool(self.messages or self.segments)

    def check(self, messages: int, segments: int, now: float) -> None:
        """
        @param messages: of the day so far, with those that are wanted.
        @param segments: the same for segments.
        @raise OverQuota: it is more than is allowed.
        """
        for used, most, word in (
            (messages, self.messages, "messages"),
            (segments, self.segments, "segments"),
        ):
            if most and used > most:
                raise OverQuota(
                    f"that would be {used} {word} today; {most} a day are allowed, "
                    "and the day begins anew at midnight UTC",
                    after=DAY - now % DAY,
                )


UNLIMITED = Quota()
