"""
What a submitter may send, to whom, and how much of it in a day. Pure.

Days are those of UTC, so that no clock change makes one longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, frozen

from goiptwist.accounts.users import User
from goiptwist.errors import Forbidden, OverQuota
from goiptwist.messaging.router import is_meant
from goiptwist.telephony.numbering import recognised

DAY = 86400.0


@frozen(kw_only=True)
class Allowance:
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
            (parts, self.parts, "parts"),
        ):
            if most and used > most:
                raise OverQuota(
                    f"that would be {used} {word} today; {most} a day are allowed, "
                    "and the day begins anew at midnight UTC",
                    after=DAY - now % DAY,
                )


UNLIMITED = Allowance()


@frozen(kw_only=True)
class Permit:
    """
    @ivar to: numbers that may be written to; C{*} stands for any end. Empty
        is any number.
    @ivar lines: lines that may be sent by; empty is any.
    """

    to: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    allowance: Allowance = UNLIMITED


#: Bridges, which are configured to send, and users without limits.
ANYTHING = Permit()


@define(eq=False)
class Permits:
    """
    Knows the permit of each origin.

    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}: a permit for
        C{+3630*} is one for 0630... too.
    """

    by_origin: Mapping[str, Permit]
    country: str = ""

    @classmethod
    def of_users(
        cls, users: Sequence[User], country: str, bridges: Mapping[str, Allowance] | None = None
    ) -> Permits:
        """
        @param users: of the configuration.
        @param bridges: how much each person behind a bridge may send, by its name.
        """
        known = {f"user:{user.name}": _permit(user) for user in users}
        for name, allowance in (bridges or {}).items():
            known[f"bridge:{name}"] = Permit(allowance=allowance)
        return cls(known, country)

    def allowance(self, origin: str) -> Allowance:
        """How much it may send in a day."""
        return self._permit(origin).allowance

    def check(self, origin: str, numbers: Sequence[str], line: str) -> None:
        """
        @param numbers: as typed.
        @param line: by which it shall go; empty is any of a pool.
        @raise Forbidden: this origin may not write to one of them, or not by
            that line.
        """
        permit = self._permit(origin)
        if permit.lines and line not in permit.lines:
            lines = ", ".join(permit.lines)
            raise Forbidden(f"{origin} may send by these lines only: {lines}; name one of them")
        for number in numbers if permit.to else ():
            whole = recognised(number, self.country)  # whoever knows numbers says what is wrong
            if not any(is_meant(pattern, whole) for pattern in permit.to):
                raise Forbidden(f"{origin} may not write to {number[:40]!r}")

    def _permit(self, origin: str) -> Permit:
        """People behind a bridge, as C{bridge:NAME/WHO}, have its permit, each for himself."""
        shared = origin.partition("/")[0] if origin.startswith("bridge:") else origin
        return self.by_origin.get(origin) or self.by_origin.get(shared, ANYTHING)


def _permit(user: User) -> Permit:
    allowance = Allowance(messages=user.messages_a_day, parts=user.parts_a_day)
    permit = Permit(to=user.to, lines=user.lines, allowance=allowance)
    return ANYTHING if permit == ANYTHING else permit
