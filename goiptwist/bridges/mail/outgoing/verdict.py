"""
What the replies of a smarthost mean for the delivery. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from goiptwist.errors import Refused, TryLater
from goiptwist.model.delivery import Delivered

#: Codes that speak of our login or of TLS and not of the mail: an operator
#: mends that, and the mail waits (RFC 4954 section 6, RFC 3207 section 4).
OPERATOR_CODES = frozenset({530, 534, 535, 538})

#: The code where there was no reply: the connection was lost, or it was silent.
NO_REPLY = 0


@frozen
class SmarthostReply:
    """
    One reply of the smarthost (RFC 5321 section 4.2).

    @ivar code: the three digits, or L{NO_REPLY}.
    @ivar text: the text behind them, safe to show; of L{NO_REPLY}, the reason.
    """

    code: int
    text: str

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    @property
    def refused(self) -> bool:
        return self.code >= 500 and self.code not in OPERATOR_CODES

    @property
    def final(self) -> bool:
        """Whether asking again could change nothing."""
        return self.taken or self.refused

    def __str__(self) -> str:
        return self.text if self.code == NO_REPLY else f"{self.code} {self.text}".rstrip()


def judge(replies: Mapping[str, SmarthostReply]) -> Delivered:
    """
    One verdict over all recipients of one transaction.

    While one recipient is put off, the transaction is, and is repeated as a
    whole. Otherwise one recipient that took it is enough, and the refusals stand
    in the detail.

    @param replies: the last reply for each address.
    @raise TryLater: somebody is still to get it.
    @raise Refused: nobody will.
    """
    put_off = {to: reply for to, reply in replies.items() if not reply.final}
    refused = {to: reply for to, reply in replies.items() if reply.refused}
    if put_off:
        raise TryLater(f"the smarthost put it off: {_named(put_off)}")
    if len(refused) == len(replies):
        raise Refused(f"the smarthost refused it: {_named(refused)}")
    taken = "; ".join(dict.fromkeys(str(reply) for reply in replies.values() if reply.taken))
    return Delivered(detail=f"{taken}; refused for {_named(refused)}" if refused else taken)


def _named(replies: Mapping[str, SmarthostReply]) -> str:
    """C{ops@example.org: 450 busy}, with addresses with the same reply together."""
    together: dict[SmarthostReply, list[str]] = {}
    for to, reply in replies.items():
        together.setdefault(reply, []).append(to)
    return "; ".join(f"{', '.join(to)}: {reply}" for reply, to in together.items())
