"""
Signatures after Standard Webhooks
(U{https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md}),
section "Webhook Metadata" and "Signature scheme": HMAC-SHA256 over id, time and
body, joined by dots.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

PREFIX = "whsec_"
#: Bytes of a key that the specification allows.
SHORTEST, LONGEST = 24, 64

MEANT = (
    f"must be {PREFIX} and the base64 of {SHORTEST} to {LONGEST} random bytes, or a plain text "
    f"of at least {SHORTEST} characters"
)


def key_of(secret: str) -> bytes:
    """
    The key that a secret stands for.

    @raise ValueError: it is none, with a sentence that does not say it.
    """
    if not secret.startswith(PREFIX):
        if len(secret) < SHORTEST:
            raise ValueError(MEANT)
        return secret.encode("utf-8", "surrogatepass")
    text = secret.removeprefix(PREFIX)
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError(MEANT) from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(MEANT)
    return key


def signed(keys: Sequence[bytes], event_id: str, at: float, body: bytes) -> dict[str, str]:
    """
    The headers that prove where a body comes from.

    @param keys: one signature is made with each, so that a receiver may
        change from one to the next when it likes.
    @param event_id: the id, the same each time that it is tried.
    @param at: the time of this try, in seconds since the epoch.
    """
    time = str(int(at))
    content = b".".join((event_id.encode(), time.encode(), body))
    made = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": time,
        "webhook-signature": " ".join(f"v1,{b64encode(one).decode()}" for one in made),
    }
