# mypy: disallow-untyped-calls=False
# (the stock client is not annotated)
"""
LMTP as a client (RFC 2033): SMTP to a neighbor that delivers by itself, and replies
after the dot for each recipient.
"""

from __future__ import annotations

from goiptwist.bridges.mail.outgoing.smtp_client import SmarthostClient
from goiptwist.bridges.mail.outgoing.verdict import SmarthostReply


class LmtpSmarthostClient(SmarthostClient):
    """
    A L{SmarthostClient} in LMTP. If it breaks off among the last answers, those that
    were heard count, and only the other recipients are put off.
    """

    heloFallback = False  # there is nothing older than LHLO to fall back to
    _awaited: tuple[str, ...] = ()

    def esmtpState_ehlo(self, code: int, resp: bytes) -> None:
        """The greeting was heard, or TLS has begun: LHLO stands for EHLO (section 4.1)."""
        self._expected = [250]
        self._okresponse = self.esmtpState_serverConfig
        self._failresponse = self.esmtpEHLORequired
        self.sendLine(b"LHLO " + self.identity)

    def esmtpEHLORequired(self, code: int = -1, resp: bytes | None = None) -> None:
        """LHLO was not understood."""
        text = self._readable(resp or b"")
        self._put_off(f"the smarthost does not want to talk LMTP to us: {code} {text}")
        self._quit()

    def smtpState_data(self, code: int, resp: bytes) -> None:
        """
        The mail may come, and a reply will follow for each recipient who was
        taken, in that order (section 4.2). The others have theirs already.
        """
        self._awaited = tuple(self.successAddresses)
        for to, own_code, text in self.toAddressesResult:
            if to not in self._awaited:
                self.replies[to] = SmarthostReply(own_code, self._readable(text))
        super().smtpState_data(code, resp)

    def smtpState_msgSent(self, code: int, resp: bytes | str) -> None:
        """
        One more last reply. Where there was no mail, since the sender or DATA
        was refused, there is but one reply for all.
        """
        if not self._awaited:
            super().smtpState_msgSent(code, resp)
            return
        to, *others = self._awaited
        self._awaited = tuple(others)
        self.replies[to] = SmarthostReply(code, self._readable(resp))
        if not others:
            self._decided = True
            self._quit()
