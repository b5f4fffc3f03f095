"""
Reading the settings: one TOML file, wholly checked before anything starts.

Settings are attrs classes, and the class is the list of keys. All problems are
found at once, each with its file, its key, what was meant and the cure.
"""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
from attrs import define, field, frozen

from goiptwist.errors import BadConfiguration

T = TypeVar("T")
Table = dict[str, Any]

_PLAIN: Mapping[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text in quotation marks"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
}


@define
class Problems:
    """What is wrong, gathered; C{where} says in which file."""

    file: str
    found: list[str] = field(factory=list)

    def add(self, section: str, what: str) -> None:
        """Note one problem of one section."""
        place = f"{self.file} {section}" if section else self.file
        self.found.append(f"{place}: {what}")

    def unknown(self, section: str, key: str, valid: Iterable[str]) -> None:
        """Note a key, or a section, that does not exist."""
        names = list(valid)
        self.add(section, f"unknown key {key!r}; {_cure(key, names)}")

    def renamed(self, section: str, key: str, name: str) -> None:
        """Note a key by the name that it had before."""
        self.add(section, f"{key!r} is called {name!r} now")

    def raise_any(self) -> None:
        """@raise BadConfiguration: if anything was found."""
        if self.found:
            raise BadConfiguration(self.found)


def _cure(typed: str, names: list[str]) -> str:
    near = difflib.get_close_matches(typed, names, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"


def read_value(kind: Any, value: object) -> Any:
    """
    One value as its class wants it.

    @raise ValueError: with what was meant.
    """
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        if value == "":
            return None
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    if hasattr(kind, "from_setting"):
        return kind.from_setting(value)
    if typing.get_origin(kind) is tuple:
        return _read_list(typing.get_args(kind)[0], value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if not isinstance(value, str) or value not in list(kind):
            raise ValueError("must be one of " + ", ".join(f'"{word.value}"' for word in kind))
        return kind(value)
    accepted, meant = _PLAIN[kind]
    # True is an int to Python, and to nobody else.
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"must be {meant}, not {value!r}")
    return kind(value)


def _read_list(kind: Any, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError('must be a list, such as ["..."]')  # noqa: TRY004
    return tuple(read_value(kind, part) for part in value)


def section(cls: type[T], table: object, where: str, problems: Problems) -> T | None:
    """
    Read one section.

    @param cls: an attrs class.
    @param table: what stands in the file.
    @param where: how the section is called there.
    @return: an instance, or C{None} where there are problems; they are noted.
    """
    if not isinstance(table, dict):
        problems.add(where, "must be a section with keys")
        return None
    attrs.resolve_types(cls)  # type: ignore[type-var]
    fields = {attribute.name: attribute for attribute in attrs.fields(cls)}  # type: ignore[arg-type]
    before = len(problems.found)
    renamed = {a.metadata.get("formerly"): name for name, a in fields.items()}
    for key in table.keys() - fields.keys():
        if key in renamed:
            problems.renamed(where, key, renamed[key])
        else:
            problems.unknown(where, key, fields)
    values: Table = {}
    for key, attribute in fields.items():
        if key in table:
            _take(attribute, table[key], values, where, problems)
        elif attribute.default is attrs.NOTHING:
            problems.add(where, f"{key} is missing")
    _validate(fields.values(), values, where, problems)
    if len(problems.found) > before:
        return None
    try:
        return cls(**values)
    except ValueError as error:  # keys that do not go together
        problems.add(where, str(error))
        return None


def _take(
    attribute: attrs.Attribute[Any], raw: object, values: Table, where: str, problems: Problems
) -> None:
    try:
        values[attribute.name] = read_value(attribute.type, raw)
    except ValueError as error:
        problems.add(where, _named(attribute, error))


def _validate(
    fields: Iterable[attrs.Attribute[Any]], values: Table, where: str, problems: Problems
) -> None:
    # attrs would stop at the first validator that is not content. One that
    # looks at other keys sees their defaults where they could not be read.
    defaults = {f.name: f.default for f in fields if not isinstance(f.default, attrs.Factory)}  # type: ignore[arg-type]
    instance = types.SimpleNamespace(**{**defaults, **values})
    for attribute in fields:
        if attribute.name in values and attribute.validator is not None:
            try:
                attribute.validator(instance, attribute, values[attribute.name])
            except ValueError as error:
                problems.add(where, _named(attribute, error))


def _named(attribute: attrs.Attribute[Any], error: ValueError) -> str:
    sentence = str(error)
    return sentence if sentence.startswith(attribute.name) else f"{attribute.name} {sentence}"


@frozen(kw_only=True)
class Scheme(Generic[T]):
    """
    What a file may hold.

    @ivar top: the class of the keys that stand before any section.
    @ivar single: section name to class, for C{[name]}. One that does not stand in
        the file has its defaults; where a key has none, it is read as C{None}.
    @ivar lists: section name to class, for C{[[name]]}.
    @ivar named: section name to C{kind} to class, for C{[name.NAME]}.
    """

    top: type[T]
    single: Mapping[str, type[Any]]
    lists: Mapping[str, type[Any]]
    named: Mapping[str, Mapping[str, type[Any]]]


@frozen(kw_only=True)
class Read(Generic[T]):
    """A file as it was read: every section as an instance of its class."""

    top: T
    single: Mapping[str, Any]
    lists: Mapping[str, list[Any]]
    named: Mapping[str, Mapping[str, tuple[str, Any]]]


def load(path: Path) -> Table:
    """
    A TOML file as nested tables.

    @raise BadConfiguration: there is no such file, or it is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise BadConfiguration([f"{path}: is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration([f"{path}: is no TOML: {error}"]) from None


def check(tables: Table, scheme: Scheme[T], problems: Problems) -> Read[T] | None:
    """
    Check everything.

    @return: the settings, or C{None} where there are problems; they are noted.
    """
    sections = {*scheme.single, *scheme.lists, *scheme.named}
    top_keys = [attribute.name for attribute in attrs.fields(scheme.top)]  # type: ignore[arg-type]
    for key in tables.keys() - sections - set(top_keys):
        problems.unknown("", key, [*top_keys, *sorted(sections)])
    plain = {key: value for key, value in tables.items() if key in top_keys}
    top = section(scheme.top, plain, "", problems)
    single = {
        name: section(cls, tables.get(name, {}), f"[{name}]", problems)
        if name in tables or _has_defaults(cls)
        else None
        for name, cls in scheme.single.items()
    }
    lists = {
        name: _check_list(cls, tables.get(name, []), name, problems)
        for name, cls in scheme.lists.items()
    }
    named = {
        name: _check_named(kinds, tables.get(name, {}), name, problems)
        for name, kinds in scheme.named.items()
    }
    if top is None or problems.found:
        return None
    return Read(top=top, single=single, lists=lists, named=named)


def _has_defaults(cls: type[Any]) -> bool:
    """Whether a section is whole where it does not stand in the file."""
    return all(attribute.default is not attrs.NOTHING for attribute in attrs.fields(cls))


def _check_list(cls: type[Any], rows: object, name: str, problems: Problems) -> list[Any]:
    if not isinstance(rows, list):
        problems.add(f"[{name}]", f"stands several times: write [[{name}]]")
        return []
    return [section(cls, row, f"[[{name}]] {place}", problems) for place, row in enumerate(rows, 1)]


def _check_named(
    kinds: Mapping[str, type[Any]], tables: object, name: str, problems: Problems
) -> dict[str, tuple[str, Any]]:
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        problems.add(f"[{name}]", f"needs a name: write [{name}.NAME]")
        return {}
    checked = {}
    for own_name, table in tables.items():
        where = f"[{name}.{own_name}]"
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            what = "kind is missing" if kind is None else f"there is no kind {kind!r}"
            typed = kind if isinstance(kind, str) else ""
            problems.add(where, f"{what}; {_cure(typed, sorted(kinds))}")
            continue
        rest = {key: value for key, value in table.items() if key != "kind"}
        checked[own_name] = (kind, section(kinds[kind], rest, where, problems))
    return checked


def unique(rows: Iterable[Any], key: Callable[[Any], str], name: str, problems: Problems) -> None:
    """Note every row whose key another row has already."""
    seen: dict[str, int] = {}
    for place, row in enumerate(rows, 1):
        if row is None:
            continue
        first = seen.setdefault(key(row), place)
        if first != place:
            problems.add(
                f"[[{name}]] {place}", f"{key(row)!r} is taken by [[{name}]] {first} already"
            )
