"""
Telling a repeat from something new, on disk.

A device repeats a push until it is acknowledged, and its packet numbers come
again after a reboot without a clock. So a repeat is the same line, kind,
number and content within a window, never for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import Connection, bindparam, delete, insert, select

from goiptwist.store.bulk import BulkStatement
from goiptwist.store.schema import receipt

#: For how long the same push is a repeat, in seconds: three days. A device
#: gives up within 12 s, but one with `unsent' storage, or a network that
#: holds datagrams back, may come much later.
REPEAT_WINDOW = 3 * 86400.0

_KNOWN = select(receipt.c.digest, receipt.c.at).where(
    receipt.c.digest.in_(bindparam("digests", expanding=True))
)
_FORGET = delete(receipt).where(receipt.c.digest == bindparam("old"))
_REMEMBER = BulkStatement(insert(receipt))


def digest_of(line: str, kind: str, number: int, *content: str) -> bytes:
    """What makes a push itself."""
    # A separator that no field of the wire can hold keeps "ab","c" and
    # "a","bc" apart.
    whole = "\x1f".join((line, kind, str(number), *content))
    return blake2b(whole.encode(errors="surrogatepass"), digest_size=16).digest()


def unseen(connection: Connection, digests: Sequence[bytes], at: float) -> list[bool]:
    """
    Which of these are new; they are remembered in the same transaction.

    @param at: now.
    """
    known = {
        row.digest: row.at for row in connection.execute(_KNOWN, {"digests": list(set(digests))})
    }
    stale = [d for d, then in known.items() if then <= at - REPEAT_WINDOW]
    if stale:
        connection.execute(_FORGET, [{"old": digest} for digest in stale])
        for digest in stale:
            del known[digest]
    verdicts = []
    fresh: list[bytes] = []
    for digest in digests:
        verdicts.append(digest not in known)
        if digest not in known:
            known[digest] = at
            fresh.append(digest)
    if fresh:
        _REMEMBER(connection, [{"digest": digest, "at": at} for digest in fresh])
    return verdicts
