"""What an order to the simulator holds, read with a sentence for each mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Self

from attrs import frozen

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_KINDS: dict[type, str] = {str: "a text", bool: "true or false", int: "a whole number"}


class OrderRejected(Exception):
    """
    The order cannot be carried out. The text says what was expected.

    @ivar code: the status of HTTP.
    """

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@frozen
class OrderBody:
    """The JSON object of an order; each method reads one key."""

    _values: dict[str, Any]

    @classmethod
    def read(cls, content: bytes, keys: Iterable[str]) -> Self:
        """
        @param keys: those that there may be.
        @raise Wrong: it is no JSON object, or has other keys.
        """
        try:
            values = json.loads(content or b"{}")
        except (ValueError, RecursionError) as problem:
            raise OrderRejected(400, f"the body is no JSON: {problem}") from None
        if not isinstance(values, dict):
            raise OrderRejected(400, 'the body must be a JSON object, such as {"key": "value"}')
        unknown = sorted(values.keys() - set(keys))
        if unknown:
            raise OrderRejected(
                400, f"unknown key {unknown[0]!r}; there are {', '.join(sorted(keys))}"
            )
        return cls(values)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._values.get(key) is not None

    def text(self, key: str, *, default: str | None = None, longest: int = 64) -> str:
        """@param longest: in bytes of UTF-8; 64 is what the vendor's server takes."""
        text = str(self._value(key, default, str))
        if len(_encoded(key, text)) > longest:
            raise OrderRejected(400, f"{key} must be no longer than {longest} bytes")
        return text

    def name(self, key: str) -> str:
        """A name of a push: letters, digits and underscores."""
        name = self.text(key)
        if not _NAME.fullmatch(name):
            raise OrderRejected(400, f"{key} must be a word of letters, such as STATE")
        return name

    def texts(self, key: str, *, longest: int) -> dict[str, str]:
        """An object whose values are texts, of so many bytes together."""
        texts = self._value(key, {}, dict)
        if not all(isinstance(value, str) for value in texts.values()):
            raise OrderRejected(400, f"each value in {key} must be a text")
        if sum(len(_encoded(key, k + v)) for k, v in texts.items()) > longest:
            raise OrderRejected(400, f"{key} must be no longer than {longest} bytes")
        return dict(texts)

    def truth(self, key: str) -> bool:
        """True or false."""
        return bool(self._value(key, None, bool))

    def number(self, key: str, *, default: float | None = None, most: float) -> float:
        """A number from 0 to C{most}."""
        number = self._values.get(key, default)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise OrderRejected(400, f"{key} must be a number")
        if not 0 <= number <= most:
            raise OrderRejected(400, f"{key} must be a number from 0 to {most:g}")
        return float(number)

    def whole(
        self, key: str, *, default: int | None = None, least: int = -(2**31), most: int = 2**31
    ) -> int:
        """A whole number in bounds; those of 32 bits by default."""
        number = int(self._value(key, default, int))
        if not least <= number <= most:
            raise OrderRejected(400, f"{key} must be a whole number from {least} to {most}")
        return number

    def one_of(self, key: str, words: tuple[str, ...]) -> str:
        """One of some words."""
        word = self._values.get(key)
        if word not in words:
            raise OrderRejected(400, f"{key} must be {' or '.join(words)}")
        return str(word)

    def _value(self, key: str, default: Any, kind: type) -> Any:
        value = self._values.get(key, default)
        if value is None:
            raise OrderRejected(400, f"{key} is required")
        # In JSON as in Python true is no number, though isinstance() says so.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise OrderRejected(400, f"{key} must be {_KINDS.get(kind, 'an object')}")
        return value


def _encoded(key: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise OrderRejected(400, f"{key} holds half a character (a lone surrogate)") from None
