"""What the papers name is there: a newcomer finds a thing by them alone."""

from __future__ import annotations

import re

import pytest

from tests.house.measures import HERE

#: Where a path of ARCHITECTURE.md may begin.
BEGINNINGS = ("", "goiptwist", "goiptwist/bridges/mail", "goiptwist/web/v1")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
_DRAWN = re.compile(r"^  ([a-z_0-9]+(?:/[a-z_0-9]+)*(?:/|\.py))(?=\s)", re.MULTILINE)


def named(paper: str) -> list[str]:
    """The paths in code font: with a slash in them, or the end of a file's name."""
    text = re.sub(r"```.*?```", "", (HERE / paper).read_text(), flags=re.DOTALL)
    found = [word for word in _CODE.findall(text) if _PATH.fullmatch(word)]
    return sorted(
        {word for word in found if "/" in word or re.search(r"\.(py|toml|md|json)$", word)}
    )


def exists(path: str) -> bool:
    """Whether there is such a file or folder, written from one of the beginnings."""
    return any((HERE / beginning / path).exists() for beginning in BEGINNINGS)


@pytest.mark.parametrize("path", named("ARCHITECTURE.md"))
def test_architecture(path: str) -> None:
    """Each place that ARCHITECTURE.md sends a reader to."""
    assert exists(path) or [*(HERE / "goiptwist").rglob(path)]


def test_every_room_is_drawn() -> None:
    """The picture has each package and each module beside the packages, and nothing else."""
    drawn = set(_DRAWN.findall((HERE / "ARCHITECTURE.md").read_text()))
    tops = {name.split("/")[0] for name in drawn} - {""}
    package = HERE / "goiptwist"
    there = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    there |= {path.name for path in package.glob("*.py")} - {"__init__.py"}
    drawn_beside = {"device_interfaces.py", "operator_interfaces.py"}  # with interfaces.py
    assert tops == there - drawn_beside


@pytest.mark.parametrize(
    "paper", ["README.md", "CONTRIBUTING.md", "docs/security.md", "SECURITY.md"]
)
def test_other_papers(paper: str) -> None:
    """Each file of the project that another paper names."""
    ours = (
        "goiptwist/",
        "etc/",
        "tests/",
        "bench/",
        "examples/",
        "changes/",
        "docs/",
        "web/",
        "twisted/",
    )
    missing = [path for path in named(paper) if path.startswith(ours) and not exists(path)]
    assert missing == []


def test_it_can_fail() -> None:
    """A name that is wrong is found."""
    assert not exists("delivery/retries.py")
    assert "delivery/retry.py" in named("ARCHITECTURE.md")
