"""
The settings: every problem at once, each with its file, its key and the cure,
before anything starts.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import Attribute, frozen

from goiptwist.config.loader import Problems, Scheme, check, load, section, unique
from goiptwist.config.values import HostPort, Password, setting
from goiptwist.errors import BadConfiguration
from goiptwist.gateway.settings import read_settings, scheme

PLACEHOLDER = "is empty or still the placeholder: put the real secret here"


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def _even(instance: Any, attribute: Attribute[int], value: int) -> None:
    if value % 2:
        raise ValueError("must be even")


def _below(instance: Any, attribute: Attribute[float], value: float) -> None:
    if value >= instance.number:
        raise ValueError("share must be below number")


@frozen(kw_only=True)
class Example:
    """One key of each kind."""

    name: str = setting("A text.")
    number: int = setting("A number.", formerly="count", default=2, validator=_even)
    share: float = setting("A part.", default=0.5, validator=_below)
    on: bool = setting("Yes or no.", default=False)
    size: Size = setting("One of two.", default=Size.SMALL)
    words: tuple[str, ...] = setting("Some.", default=())
    where: HostPort | None = setting("Where.", default=None)
    secret: Password | None = setting("Hush.", default=None)

    def __attrs_post_init__(self) -> None:
        if self.on and not self.words:
            raise ValueError("on needs words")


def read(**table: Any) -> Example:
    problems = Problems("f.toml")
    found = section(Example, table, "[e]", problems)
    problems.raise_any()
    assert found is not None
    return found


def test_every_kind_of_value() -> None:
    """As TOML has them."""
    found = read(
        name="n",
        number=4,
        share=1,
        on=True,
        size="large",
        words=["a", "b"],
        where="h:1",
        secret="s3",
    )
    assert attrs.astuple(found, recurse=False) == (
        *("n", 4, 1.0, True, Size.LARGE, ("a", "b"), HostPort("h", 1), Password("s3")),
    )
    assert isinstance(found.share, float)


def test_defaults() -> None:
    """What is not said is as the class says; an empty text is nothing."""
    assert read(name="n", where="") == Example(name="n")


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("name", 5, "name must be a text in quotation marks, not 5"),
        ("number", "4", "number must be a whole number, not '4'"),
        ("number", 4.0, "number must be a whole number, not 4.0"),
        ("number", True, "number must be a whole number, not True"),
        ("number", 3, "number must be even"),
        ("share", "x", "share must be a number, not 'x'"),
        ("share", False, "share must be a number, not False"),
        ("share", 7.0, "share must be below number"),
        ("on", 1, "on must be true or false, not 1"),
        ("on", True, "on needs words"),
        ("size", "medium", 'size must be one of "small", "large"'),
        ("size", 1, 'size must be one of "small", "large"'),
        ("words", "a", 'words must be a list, such as ["..."]'),
        ("words", ["a", 1], "words must be a text in quotation marks, not 1"),
        ("where", "h", "where must be host:port, such as 127.0.0.1:8080"),
        (
            "secret",
            "changeme",
            "secret is empty or still the placeholder: put the real secret here",
        ),
        ("nmae", "x", "unknown key 'nmae'; did you mean 'name'?"),
        ("count", 4, "'count' is called 'number' now"),
    ],
)
def test_one_problem(key: str, value: object, meant: str) -> None:
    """It names the file, the section and the key, and says what was meant."""
    with pytest.raises(BadConfiguration) as caught:
        read(**{"name": "n", key: value})
    assert caught.value.problems == (f"f.toml [e]: {meant}",)


def test_an_unknown_key_that_is_like_none() -> None:
    """Then every key there is."""
    with pytest.raises(BadConfiguration, match="there are: name, number, share"):
        read(name="n", zzz=1)


def test_every_problem_at_once() -> None:
    """Nobody wants to start ten times to learn of ten mistakes."""
    with pytest.raises(BadConfiguration) as caught:
        read(nmae="n", number=3, size="x")
    assert sorted(p.removeprefix("f.toml [e]: ") for p in caught.value.problems) == [
        "name is missing",
        "number must be even",
        'size must be one of "small", "large"',
        "unknown key 'nmae'; did you mean 'name'?",
    ]
    assert str(caught.value) == "\n".join(caught.value.problems)


@frozen(kw_only=True)
class Top:
    state: str = setting("Where.", default="s")


@frozen(kw_only=True)
class Other:
    host: str = setting("Where.")


SCHEME = Scheme(
    top=Top,
    single={"one": Example},
    lists={"line": Other},
    named={"bridge": {"mail": Other, "none": Top}},
)


def checked(tables: dict[str, Any]) -> Any:
    problems = Problems("f.toml")
    found = check({"one": {"name": "n"}, **tables}, SCHEME, problems)
    assert (found is None) == bool(problems.found)
    return found if found is not None else problems.found


class TestSections:
    """A whole file."""

    def test_read(self) -> None:
        """Keys before any section, single ones, lists, and named ones with a kind."""
        found = checked(
            {
                "state": "x",
                "line": [{"host": "a"}, {"host": "b"}],
                "bridge": {"m": {"kind": "mail", "host": "h"}, "n": {"kind": "none"}},
            }
        )
        assert found.top == Top(state="x")
        assert found.single == {"one": Example(name="n")}
        assert found.lists == {"line": [Other(host="a"), Other(host="b")]}
        assert found.named == {"bridge": {"m": ("mail", Other(host="h")), "n": ("none", Top())}}

    @pytest.mark.parametrize(
        ("tables", "meant"),
        [
            ({"brigde": {}}, "f.toml: unknown key 'brigde'; did you mean 'bridge'?"),
            ({"one": 5}, "f.toml [one]: must be a section with keys"),
            ({"one": [{}]}, "f.toml [one]: must be a section with keys"),
            ({"line": {"host": "a"}}, "f.toml [line]: stands several times: write [[line]]"),
            ({"line": [{"host": "a"}, {}]}, "f.toml [[line]] 2: host is missing"),
            ({"line": [5]}, "f.toml [[line]] 1: must be a section with keys"),
            ({"bridge": {"kind": "mail"}}, "f.toml [bridge]: needs a name: write [bridge.NAME]"),
            ({"bridge": []}, "f.toml [bridge]: needs a name: write [bridge.NAME]"),
            ({"bridge": {"m": {}}}, "f.toml [bridge.m]: kind is missing; there are: mail, none"),
            (
                {"bridge": {"m": {"kind": "mial"}}},
                "f.toml [bridge.m]: there is no kind 'mial'; did you mean 'mail'?",
            ),
            (
                {"bridge": {"m": {"kind": ["mail"]}}},
                "f.toml [bridge.m]: there is no kind ['mail']; there are: mail, none",
            ),
            ({"bridge": {"m": {"kind": "mail"}}}, "f.toml [bridge.m]: host is missing"),
            ({"state": 5}, "f.toml: state must be a text in quotation marks, not 5"),
        ],
    )
    def test_wrong(self, tables: dict[str, Any], meant: str) -> None:
        """Each shape that is not the one meant."""
        assert checked(tables) == [meant]

    def test_wrong_everywhere(self) -> None:
        """All sections are looked through."""
        problems = checked({"one": {}, "line": [{}], "bridge": {"m": {"kind": "mail"}}})
        assert len(problems) == 3


class TestFile:
    """Reading the file itself."""

    @pytest.mark.parametrize(
        ("content", "meant"),
        [
            (None, "cannot be read: No such file or directory"),
            (b"a = ", "is no TOML: "),
            (b"a = 1\na = 2", "is no TOML: "),
            (b"a = '\xff'", "is not UTF-8 text"),
        ],
    )
    def test_wrong(self, tmp_path: Path, content: bytes | None, meant: str) -> None:
        """One sentence with the name of the file."""
        path = tmp_path / "goip.toml"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadConfiguration) as caught:
            load(path)
        [problem] = caught.value.problems
        assert problem.startswith(f"{path}: {meant}")

    def test_read(self, tmp_path: Path) -> None:
        """As nested tables."""
        path = tmp_path / "goip.toml"
        path.write_text('state = "\u00e1"\n[[line]]\nid = "1"\n', encoding="utf-8")
        assert load(path) == {"state": "\u00e1", "line": [{"id": "1"}]}


def test_unique() -> None:
    """The first has the name; rows that could not be read are passed over."""
    problems = Problems("f.toml")
    unique([Other(host="a"), None, Other(host="b"), Other(host="a")], _host, "line", problems)
    assert problems.found == ["f.toml [[line]] 4: 'a' is taken by [[line]] 1 already"]


def _host(row: Any) -> str:
    return str(row.host)


class TestGateway:
    """The keys of the gateway itself."""

    @pytest.mark.parametrize(
        ("tables", "meant"),
        [
            ({"name": "a b"}, "f.toml: name must be a host name, such as sms.example.org"),
            ({"delivery": {"validity": 0}}, "f.toml [delivery]: validity must be more than 0"),
            (
                {"delivery": {"validity": float("nan")}},
                "f.toml [delivery]: validity must be more than 0",
            ),
            ({"delivery": {"attempts": 0}}, "f.toml [delivery]: attempts must be more than 0"),
            (
                {"delivery": {"on_unknown": "panic"}},
                'f.toml [delivery]: on_unknown must be one of "hold", "resend", "fail"',
            ),
            (
                {"history": {"keep": -1}},
                "f.toml [history]: keep must be a number of days, or 0 for ever",
            ),
            (
                {"user": [{"name": "a"}, {"name": "a"}]},
                "f.toml [[user]] 2: 'a' is taken by [[user]] 1 already",
            ),
        ],
    )
    def test_wrong(self, tables: dict[str, Any], meant: str) -> None:
        """What would do harm later is refused now."""
        with pytest.raises(BadConfiguration) as caught:
            read_settings(tables, "f.toml")
        assert caught.value.problems == (meant,)

    def test_nothing_at_all(self) -> None:
        """An empty file is a gateway without lines, on loopback but for the devices' port."""
        settings = read_settings({}, "f.toml")
        assert settings.lines == []
        assert str(settings.goip.listen) == "0.0.0.0:44444"
        assert all(place.is_loopback for place in settings.http.listen)

    def test_every_key_explains_itself(self) -> None:
        """The comments of the example file are made of it."""
        whole = scheme()
        classes = [whole.top, *whole.single.values(), *whole.lists.values()]
        for cls in classes:
            for attribute in attrs.fields(cls):
                if attribute.name != "name" or cls is whole.top:
                    assert attribute.metadata.get("doc"), (cls, attribute.name)


def test_no_secret_in_a_problem() -> None:
    """Somebody will paste it into a ticket."""
    with pytest.raises(BadConfiguration) as caught:
        read_settings({"line": [{"id": "a", "password": "ge heim"}]}, "f.toml")
    assert "heim" not in str(caught.value)
