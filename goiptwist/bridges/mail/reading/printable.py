"""
Words of a far side as they may be shown and kept. Pure.
"""

from __future__ import annotations

#: Characters that are kept; more is no answer but a flood.
WORDS_AT_MOST = 500


def readable(answer: bytes | str, secrets: tuple[str, ...] = ()) -> str:
    """
    A far side's words as one line that may be shown and kept.

    @param secrets: texts that a careless far side might have echoed.
    """
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    for secret in secrets:
        text = text.replace(secret, "***")
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:WORDS_AT_MOST]
