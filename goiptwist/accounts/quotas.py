"""
What a submitter may send, to whom, and how much of it in a day. Pure.

Days are those of UTC, so that no clock change makes one longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, frozen

from goiptwist.accounts.users import User
from goiptwist.errors import Forbidden
from goiptwist.model.quota import UNLIMITED, Quota
from goiptwist.telephony.numbering import recognised
from goiptwist.telephony.patterns import matches


@frozen(kw_only=True)
class Permission:
    """
    @ivar to: numbers that may be written to; C{*} stands for any end. Empty
        is any number.
    @ivar lines: lines that may be sent by; empty is any.
    """

    to: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    quota: Quota = UNLIMITED


#: Bridges, which are configured to send, and users without limits.
ANYTHING = Permission()


@define(eq=False)
class Permissions:
    """
    Knows the permit of each origin.

    @ivar country: as in L{goiptwist.telephony.numbering.NumbersSettings}: a permit for
        C{+3630*} is one for 0630... too.
    """

    by_origin: Mapping[str, Permission]
    country: str = ""

    @classmethod
    def of_users(
        cls, users: Sequence[User], country: str, bridges: Mapping[str, Quota] | None = None
    ) -> Permissions:
        """
        @param users: of the configuration.
        @param bridges: how much each person behind a bridge may send, by its name.
        """
        known = {f"user:{user.name}": _permit(user) for user in users}
        for name, quota in (bridges or {}).items():
            known[f"bridge:{name}"] = Permission(quota=quota)
        return cls(known, country)

    def quota(self, origin: str) -> Quota:
        """How much it may send in a day."""
        return self._permit(origin).quota

    def check(self, origin: str, numbers: Sequence[str], line: str) -> None:
        """
        @param numbers: as typed.
        @param line: by which it is to go; empty is any of a pool.
        @raise Forbidden: this origin may not write to one of them, or not by
            that line.
        """
        permit = self._permit(origin)
        if permit.lines and line not in permit.lines:
            lines = ", ".join(permit.lines)
            raise Forbidden(f"{origin} may send by these lines only: {lines}; name one of them")
        for number in numbers if permit.to else ():
            whole = recognised(number, self.country)  # where it is none, that is said first
            if not any(matches(pattern, whole) for pattern in permit.to):
                raise Forbidden(f"{origin} may not write to {number[:40]!r}")

    def _permit(self, origin: str) -> Permission:
        """People behind a bridge, as C{bridge:NAME/WHO}, have its permit, each for himself."""
        shared = origin.partition("/")[0] if origin.startswith("bridge:") else origin
        return self.by_origin.get(origin) or self.by_origin.get(shared, ANYTHING)


def _permit(user: User) -> Permission:
    quota = Quota(messages=user.messages_a_day, segments=user.segments_a_day)
    permit = Permission(to=user.to, lines=user.lines, quota=quota)
    return ANYTHING if permit == ANYTHING else permit
