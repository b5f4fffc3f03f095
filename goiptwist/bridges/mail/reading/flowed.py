"""
C{format=flowed}: lines that were broken for the way are made whole (RFC 3676).
Pure.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"(>*)( ?)(.*)", re.DOTALL)

#: A signature begins; never flowed (section 4.3).
SIGNATURE = "-- "


def unflowed(text: str, *, delsp: bool) -> str:
    """
    @param delsp: whether the blank at the end of a broken line was put there
        to break it (section 4.1: languages that know no blanks).
    """
    whole: list[str] = []
    open_depth = -1  # the depth of the paragraph that the last line left open
    for line in text.replace("\r\n", "\n").split("\n"):
        depth, content = _unquoted(line)
        if depth == open_depth and content != SIGNATURE:
            whole[-1] += content
        else:
            whole.append((">" * depth + " " if depth else "") + content)
        flows = content.endswith(" ") and content != SIGNATURE
        open_depth = depth if flows else -1
        if flows and delsp:
            whole[-1] = whole[-1][:-1]
    return "\n".join(whole)


def _unquoted(line: str) -> tuple[int, str]:
    """How deep a line is quoted, and its text without stuffing (section 4.4)."""
    marks, _, content = _QUOTED.fullmatch(line).groups()  # type: ignore[union-attr]
    return len(marks), content
