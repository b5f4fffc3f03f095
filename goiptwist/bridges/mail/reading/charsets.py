"""
Octets to characters, with any name that a mail gives to its charset. Pure; always
returns a text.
"""

from __future__ import annotations

import codecs
import re

#: Charsets by the name that Python gives them, or its beginning. Others of its
#: codecs are no charsets (C{punycode}, C{unicode_escape}).
_CHARSETS = re.compile(
    r"ascii|utf|iso8859|iso2022|cp\d|koi8|mac|gb|big5|euc|shift_jis|hz$|johab|tis|kz1048|ptcp"
)

#: Charsets that are declared for what is in truth a larger one; the WHATWG
#: Encoding Standard section 4.2 reads them so.
_LARGER = {"iso8859-1": "cp1252", "iso8859-9": "cp1254", "ascii": "", "gb2312": "gb18030"}

#: What is neither UTF-8 nor declared is most often this.
_WESTERN = "cp1252"


def decoded(octets: bytes, charset: str) -> str:
    """
    @param charset: as the mail names it; may be empty, unknown or untrue.
    """
    name = _known(charset)
    if name:
        try:
            return octets.decode(name)
        except (UnicodeError, LookupError):
            pass
    # Few texts that are something else are UTF-8 by chance.
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("utf-8" if name == "utf-8" else name or _WESTERN, "replace")


def _known(charset: str) -> str:
    """@return: Python's name for it, or an empty text where there is none."""
    if not charset.isascii():
        return ""
    try:
        name = codecs.lookup(charset.strip(" \t\"'")[:40]).name
    except (LookupError, ValueError):
        return ""
    return _LARGER.get(name, name) if _CHARSETS.match(name) else ""
