"""
Patterns of numbers and names, as settings have them. Pure.
"""

from __future__ import annotations


def matches(pattern: str, sender: str) -> bool:
    """@param pattern: a number or name; C{*} at its end stands for any end."""
    if pattern.endswith("*"):
        return sender.startswith(pattern[:-1])
    return sender == pattern
