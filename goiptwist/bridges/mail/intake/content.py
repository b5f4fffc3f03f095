"""
One mail as it comes behind DATA, up to the line with only a dot. Pure.

Only CRLF, dot, CRLF ends it (RFC 5321 section 4.1.1.4). Every other idea of a
line's end lets one mail hide in another, so that a mail with a CR or LF alone
is read to its real end, and refused.
"""

from __future__ import annotations

import re

from goiptwist.bridges.mail.submission.smtp_reply import ClosingReply, SmtpReply

END = b"\r\n.\r\n"

#: Bytes of one line, without its end. RFC 5321 section 4.5.3.1.6 allows 998;
#: real mailers exceed that, and it harms nobody here.
LINE_AT_MOST = 16384

#: How much of a mail that is too large is read and thrown away, in sizes of the
#: largest mail: a client may say SIZE wrongly, but an endless one is hung up on.
WASTE_AT_MOST = 16

#: A CR or LF that is not one of a pair.
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class Content:
    """
    @ivar text: the mail, once it is whole; empty if it was too large.
    """

    def __init__(self, size_at_most: int) -> None:
        self.text = b""
        self._size_at_most = size_at_most
        self._raw = bytearray(b"\r\n")  # the end of the line DATA: the dot may come at once
        self._dots = self._wasted = 0
        self._too_large = False

    def feed(self, data: bytes) -> bytes | None:
        """
        @return: what stands behind the end, or C{None} if it has not come yet.
        @raise ClosingReply: there is no end to it.
        """
        before = len(self._raw)
        self._raw += data
        end = self._raw.find(END, max(0, before - len(END) + 1))
        if end >= 0:
            rest = bytes(self._raw[end + len(END) :])
            del self._raw[end + 2 :]
            self._end()
            return rest
        self._dots += self._raw.count(b"\r\n.", max(0, before - 2))
        # The dot may be on its way; the exact size is known at the end.
        if len(self._raw) - self._dots > self._size_at_most + 2 * len(END):
            self._too_large = True
        if self._too_large:
            self._waste()
        return None

    def _waste(self) -> None:
        """Keep only what may be the beginning of the end."""
        keep = len(END) - 1
        self._wasted += max(0, len(self._raw) - keep)
        del self._raw[:-keep]
        if self._wasted > WASTE_AT_MOST * self._size_at_most:
            raise ClosingReply(552, "5.3.4", self._size_in_words())

    def _end(self) -> None:
        raw, self._raw = bytes(self._raw), bytearray()
        if not self._too_large:
            self.text = raw.replace(b"\r\n.", b"\r\n")[2:]  # section 4.5.2, transparency
            self._too_large = len(self.text) > self._size_at_most
        if self._too_large:
            self.text = b""

    def check(self) -> None:
        """@raise SmtpReply: the mail, now whole, is wrong in itself."""
        if self._too_large:
            raise SmtpReply(552, "5.3.4", self._size_in_words())
        check_text(self.text)

    def _size_in_words(self) -> str:
        return f"The mail is larger than {self._size_at_most} bytes"


def check_text(text: bytes) -> None:
    """@raise SmtpReply: no mail looks like that, and some program would misread it."""
    if b"\0" in text:
        raise SmtpReply(554, "5.6.0", "The mail has a NUL in it")
    if _BARE.search(text):
        raise SmtpReply(554, "5.6.0", "The mail has a CR or LF alone; lines end with both")
    if any(len(line) > LINE_AT_MOST for line in text.split(b"\r\n")):
        raise SmtpReply(554, "5.6.0", f"The mail has a line of more than {LINE_AT_MOST} bytes")
