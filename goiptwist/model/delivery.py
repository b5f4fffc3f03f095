"""
What waits for a destination, and what becomes of it there. Pure.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Delivered:
    """
    What a destination says about a message that it took.

    @ivar detail: the far side's words, for the journey.
    @ivar line: the line it left by; empty for bridges.
    @ivar sms_no: the device's number for it, which its delivery report will
        carry; empty where there is none.
    """

    detail: str = ""
    line: str = ""
    sms_no: str = ""
