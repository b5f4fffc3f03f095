"""
No text of a stranger may cost more than a linear time: each pattern is timed on
texts that are made for it, of 25 kB and of four times that, in one run.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.house import measures

METHODS = frozenset({"search", "match", "fullmatch", "sub", "findall", "finditer", "split"})

#: Patterns that are only ever given texts that are cut before: the constant that says
#: how long those are, which stands in the module named.
BOUNDED = {
    "goiptwist.bridges.mail.reading.quotes._TITLE": "ATTRIBUTION_AT_MOST",
    "goiptwist.bridges.mail.submission.authentication._MAILBOX": "FROM_AT_MOST",
    "goiptwist.bridges.mail.submission.authentication._PAIR": "FIELD_AT_MOST",
    "goiptwist.bridges.mail.submission.authentication._STATEMENT": "FIELD_AT_MOST",
}

#: What is repeated: texts at which a pattern that tries too much gets stuck.
PIECES = (
    *("a", "0", " ", "\t", "\n", "\r", "\r\n ", "-", "_", ".", ",", ":", "=", "*", "+", "#", "/"),
    *('"', '\\"', "<", "(", "[", "{", "&", "%41", "\u200d", "a ", "a.", "a-", "a@", "a=", 'a="'),
    *("=?a?q?", "<a@", "$a", "; ", "x--", "1:", "2020-01-01", "Re: ", "Re:\t", "> ", "\\"),
)
SMALL, LARGE = 25_000, 100_000
#: Seconds of processor time below which nothing is compared.
FLOOR = 0.02
#: A text that is four times as long may take as many times as long: four, and some noise.
FACTOR = 9.0


def texts(piece: str, size: int) -> Iterator[str]:
    whole = piece * (size // len(piece))
    yield from (whole, f'"{whole}', f"{whole}\0", f"x{whole}!", f"@{whole}\n", f"<{whole}")


@cache
def patterns() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """Each compiled pattern of the product, with the methods that are called on it."""
    used: dict[str, set[str]] = {}
    for module, node in measures.nodes():
        if (
            isinstance(node, ast.Attribute)
            and node.attr in METHODS
            and isinstance(node.value, ast.Name)
        ):
            used.setdefault(f"{module}.{node.value.id}", set()).add(node.attr)
    found = {}
    for name, methods in used.items():
        module, _, attribute = name.rpartition(".")
        pattern = getattr(importlib.import_module(module), attribute, None)
        if isinstance(pattern, re.Pattern):
            found[name] = pattern, frozenset(methods)
    return found


def seconds(pattern: re.Pattern[Any], method: str, text: Any) -> float:
    began = time.process_time()
    if method == "sub":
        pattern.sub("" if isinstance(text, str) else b"", text)
    elif method == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, method)(text)
    return time.process_time() - began


def is_steep(pattern: re.Pattern[Any], method: str, pair: tuple[Any, Any]) -> bool:
    """The least of three runs each: others use the processor, too."""
    if seconds(pattern, method, pair[0]) <= FLOOR / 4:
        return False
    small, large = (min(seconds(pattern, method, text) for _ in range(3)) for text in pair)
    return large > max(FLOOR, FACTOR * small)


def grows(pattern: re.Pattern[Any], methods: frozenset[str]) -> str:
    """@return: the call for which a longer text takes far longer; or empty."""
    octets = isinstance(pattern.pattern, bytes)
    for piece in PIECES:
        for small, large in zip(texts(piece, SMALL), texts(piece, LARGE), strict=True):
            pair: tuple[Any, Any] = (small, large)
            if octets:
                pair = small.encode(), large.encode()
            for method in methods:
                if is_steep(pattern, method, pair):
                    return f"{method} on {piece!r}"
    return ""


@pytest.mark.parametrize("name", sorted(patterns().keys() - BOUNDED.keys()))
def test_linear(name: str) -> None:
    """Whatever stands in a text, it is read in a time that grows like the text."""
    assert grows(*patterns()[name]) == ""


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded(name: str) -> None:
    """The bound that saves a pattern is there, and is small."""
    module = importlib.import_module(name.rpartition(".")[0])
    assert name in patterns()
    assert 0 < getattr(module, BOUNDED[name]) <= 8192


def test_it_can_fail() -> None:
    """A pattern that tries every beginning is found."""
    assert grows(re.compile("a+b"), frozenset({"search"})) != ""
