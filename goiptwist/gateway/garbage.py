"""How often Python looks for garbage that only its collector can find."""

from __future__ import annotations

import gc

#: Objects made, and not yet dropped, before the youngest are looked through.
#: CPython's own 700 is a few SMS under way; this is a thousand.
YOUNG = 20_000
#: Rounds over the youngest before the next age is looked through.
OLDER = 20


def settle() -> None:
    """
    Leave alone what is there: modules, settings and lines stay until the end.
    Of what comes and goes, hardly anything waits for the collector, so it
    need not look often. Call it once, when everything has started.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
