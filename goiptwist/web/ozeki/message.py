"""
One message that a client wants to send, in whichever language it said so. Pure.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import field, frozen

from goiptwist.model.messages import Submission
from goiptwist.telephony.validation import LONGEST_TEXT
from goiptwist.web.ozeki.refusals import wrong

#: Messages of one request (Ozeki's page p_2175).
MAX_MESSAGES = 20_000


@frozen(kw_only=True)
class OzekiMessage:
    """
    @ivar recipient: as typed.
    @ivar kind: Ozeki's C{messagetype}, as typed.
    @ivar provider: the name of a line or of a pool; or empty.
    @ivar client_id: the client's own name for it; or empty.
    @ivar delay: seconds to wait before it is sent.
    @ivar lifetime: seconds after which it is of no use; C{None} where it is not given.
    @ivar fault: why it cannot be sent, found while reading; or empty.
    @ivar no_recipient: what to say of it where it has no recipient and is no
        alarm, which needs none; or empty.
    @ivar is_copy: whether it is the one before it, for a further recipient.
    """

    recipient: str = field(repr=False)
    text: str = field(repr=False)
    kind: str = "SMS:TEXT"
    provider: str = ""
    client_id: str = ""
    delay: float = 0.0
    lifetime: float | None = None
    fault: str = ""
    no_recipient: str = ""
    is_copy: bool = False

    def check(self) -> None:
        """@raise Refusal: it can be neither an SMS nor an alarm, in words."""
        if self.fault:
            raise wrong(self.fault)
        if len(self.text) > 2 * LONGEST_TEXT:  # twenty thousand may share it
            raise wrong(f"the text is far too long; a device takes {LONGEST_TEXT} bytes")

    def submission(
        self,
        origin: str,
        lines: Collection[str],
        pools: Collection[str],
        *,
        now: float,
        context: str = "",
    ) -> Submission:
        """
        @param lines: the ids of all lines.
        @param pools: the names of all pools.
        @param now: seconds since the epoch.
        @param context: what its notifications bring back.
        @raise Refusal: it cannot be sent, in words.
        """
        if self.no_recipient:
            raise wrong(self.no_recipient)
        line = self.provider if self.provider in lines else ""
        pool = self.provider if not line else ""
        if pool and pool not in pools:
            raise wrong(f"there is no line and no pool {self.provider[:40]!r}")
        return Submission(
            origin=origin,
            recipients=(self.recipient,),
            text=self.text.replace("\r\n", "\n").replace("\r", "\n"),
            line=line,
            pool=pool,
            client_id=self.client_id,
            context=context,
            send_at=now + self.delay if self.delay else 0.0,
            expires=now + self.lifetime if self.lifetime is not None else 0.0,
        )
