"""
What comes in over HTTP, made into values: a JSON body, a query. All that is
wrong with it is answered at once, in words.

The shapes are classes of pydantic: the same ones make the OpenAPI document, so
what it says is what is checked. Its sentences are ours.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from goiptwist.web.http.problems import Problem

#: Faults that one answer names, and characters of a name that it repeats. A
#: body may hold a hundred thousand wrong keys, and a suggestion takes its time.
MAX_ERRORS, MAX_NAME = 10, 40

_WORDS = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}


class Shape(BaseModel):
    """
    What an object may hold. Strict: a number is no text, and 1 is not true.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    #: Keys that have another name now, by the one that they had before.
    formerly: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def contradictions(cls, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """@return: what does not go together, as pairs of field and sentence."""
        return ()


S = TypeVar("S", bound=Shape)


class InputErrors(list[tuple[str, str]]):
    """What is wrong with one input, as pairs of field and sentence."""

    def add(self, name: str, sentence: str) -> None:
        """One more, if there are not too many already."""
        if len(self) < MAX_ERRORS:
            self.append((name[:MAX_NAME], sentence))

    def unknown(
        self, given: Iterable[str], known: Collection[str], formerly: Mapping[str, str]
    ) -> None:
        """
        @param known: the keys that there are.
        @param formerly: names of today by those of before.
        """
        for name in given:
            if name in formerly:
                self.add(name, f"is called {formerly[name]!r} now")
            elif name not in known and len(self) < MAX_ERRORS:
                near = get_close_matches(name[:MAX_NAME].lower(), known, n=1, cutoff=0.6)
                cure = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                self.add(name, f"unknown key; {cure}")

    def complain(self) -> None:
        """@raise Problem: naming all of it, if there is any."""
        if self:
            raise Problem.of_fields(self)


def document(body: bytes) -> dict[str, Any]:
    """
    Read a body as one JSON object (RFC 8259).

    @raise Problem: it is none; or it names a key twice, of which no reader
        knows which one counts.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_each_once)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except ValueError as wrong:
        raise Problem(400, f"the body is not JSON: {wrong}") from None
    if not isinstance(value, dict):
        raise Problem(400, f"the body must be a JSON object, not {json_type_name(value)}")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def json_type_name(value: object) -> str:
    """What a value of JSON is called."""
    return "null" if value is None else _WORDS.get(type(value), "an object")


def validated_body(shape: type[S], given: object) -> S:
    """
    @param given: of a JSON document.
    @raise Problem: naming everything that is wrong with it.
    """
    if not isinstance(given, dict):
        raise Problem(400, f"must be an object, not {json_type_name(given)}")
    return _checked(shape, given, InputErrors())


def validated_query(shape: type[S], arguments: Mapping[bytes, list[bytes]]) -> S:
    """
    @param arguments: of the query, as L{twisted.web.http.Request.args}.
    @raise Problem: naming everything that is wrong with it.
    """
    errors = InputErrors()
    given = {name.decode("utf-8", "replace"): values for name, values in arguments.items()}
    for name, values in given.items():
        if len(values) > 1 and name in shape.model_fields:
            errors.add(name, "is given twice")
    last = {name: values[-1].decode("utf-8", "replace") for name, values in given.items()}
    return _checked(shape, last, errors)


def _checked(shape: type[S], given: Mapping[str, Any], errors: InputErrors) -> S:
    """@param errors: those that are known already."""
    known = _keys(shape)
    # Unknown keys are looked for here, since pydantic would make an object of
    # each, and there may be a hundred thousand.
    errors.unknown(given, known, shape.formerly)
    found = None
    try:
        found = shape.model_validate({name: given[name] for name in known if name in given})
    except ValidationError as wrong:
        for fault in wrong.errors(include_url=False)[:MAX_ERRORS]:
            errors.add(*_in_words(fault, given))
    for name, sentence in shape.contradictions(given):
        errors.add(name, sentence)
    errors.complain()
    assert found is not None
    return found


@cache
def _keys(shape: type[Shape]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in shape.model_fields.items())


def _in_words(error: Any, given: Mapping[str, Any]) -> tuple[str, str]:
    """@return: the field, and what is wrong with it."""
    field, *places = error["loc"] or ("",)
    sentence = _sentence(error)
    if field == "to" and places:
        which = f"recipient {places[0] + 1} " if isinstance(given["to"], list) else ""
        return "to", which + sentence
    where = "".join(f"[{part}]" for part in places)
    return f"{field}{where}", sentence


def _sentence(error: Any) -> str:
    """Say it as a person would; pydantic's own words name its types."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    match kind:
        case "missing":
            return "is missing"
        case "string_type":
            return f"must be a text, not {json_type_name(given)}"
        case "string_unicode":
            return "has half of a surrogate pair"
        case "string_too_short" | "string_too_long":
            return _length(error)
        case "int_type" | "int_parsing" | "int_from_float":
            other = "" if type(given) is float else f", not {json_type_name(given)}"
            return "must be a whole number" + other
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "list_type":
            return f"must be a list, not {json_type_name(given)}"
        case "too_long":
            return f"must not have more than {context['max_length']} entries"
        case "too_short":
            return "must not be empty"
        case "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "value_error":
            return str(context["error"])
    return str(error["msg"]).lower()


def _length(error: Any) -> str:
    context = error["ctx"]
    if "max_length" in context:
        return f"must not be longer than {context['max_length']} characters"
    return "must not be empty"
