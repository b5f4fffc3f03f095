"""
What may stand in XML. An SMS may hold any character; a server that reads one
that XML 1.0 forbids closes the stream (RFC 6120 section 11.1).
"""

from __future__ import annotations

import re

#: All but C{Char} of XML 1.0, section 2.2: control characters, halves of
#: surrogate pairs, and two that are none.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sayable(text: str) -> str:
    """@return: the text without the characters that cannot stand in a stanza."""
    return _FORBIDDEN.sub("", text)
