"""
What the source may have of each thing that nobody wants: bars that are only
ever lowered. C{python -m tests.house.figures} prints where it stands.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.house import measures
from tests.house.test_architecture import PURE

#: Lower a number as soon as fewer are left. Never raise one.
BARS = {
    "packages in a circle": 0,
    "classes with a namesake, in percent": 0.5,
    "upward imports": 0,
    "packages with code in __init__": 0,
    "gateways without a type": 0,
    "modules beside the packages": 8,
    "methods of the largest interface": 6,
    "callables set from outside": 0,
    "log fields with an old name": 0,
    "test classes with a name of the product": 0,
    "pure modules that load SQL or the network": 0,
}

#: The rooms from the ground up: each imports only what stands before it.
ROOMS = (
    "errors",
    "contact_id",
    "model",
    *("interfaces", "device_interfaces", "operator_interfaces"),
    "config",
    "telephony",
    "net",
    "accounts",
    "store",
    "delivery",
    "messaging",
    "alarm",
    "testing",
    *("goip", "bridges", "web", "simulator"),  # the limbs
    "gateway",
    "tap",
)

#: What a module that only computes must not load, not even through others.
HEAVY = (
    *("sqlalchemy", "alembic", "klein", "treq"),
    *("twisted.internet.reactor", "twisted.internet.tcp", "twisted.internet.udp"),
    *("twisted.internet.endpoints", "twisted.internet.protocol", "twisted.internet.ssl"),
    *("twisted.application.service", "twisted.application.internet"),
    *("twisted.mail.smtp", "twisted.web.http", "twisted.words"),
)

#: Imports each module in a process of its own and prints what that loaded.
PROBE = """
import json, os, sys
import attrs, twisted.internet.defer, zope.interface
heavy, names = json.load(sys.stdin)
for name in names:
    if os.fork() == 0:
        __import__(name)
        print(json.dumps([name, [h for h in heavy if h in sys.modules]]), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(name)
"""


@cache
def loads_too_much() -> Mapping[str, list[str]]:
    """The modules that should be pure and load something heavy, each with what."""
    pure = [name for name in measures.modules() if name.startswith(PURE)]
    pure += [name for name in measures.modules() if measures.room_of(name) in ("model", "errors")]
    pure += ["goiptwist.interfaces"]
    run = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps([HEAVY, sorted(set(pure))]),
        capture_output=True,
        text=True,
        check=True,
        cwd=measures.HERE,
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    return {name: heavy for name, heavy in answers if heavy}


def upward(root: Path = measures.HERE) -> list[str]:
    """The imports that go the wrong way."""
    found = []
    for module in measures.modules(root):
        room = measures.room_of(module).split(".")[0]
        for other in measures.imported(root, module):
            place = measures.room_of(other).split(".")[0]
            if room and place and room != place and ROOMS.index(place) > ROOMS.index(room):
                found.append(f"{module} imports {other}")
    return sorted(found)


def packages_in_circles() -> list[str]:
    """The packages that reach themselves."""
    return [name for circle in measures.circles(measures.package_arrows()) for name in circle]


def share_of_namesakes() -> float:
    """In percent."""
    found = sum(len(places) for places in measures.namesakes().values())
    return 100 * found / len(measures.classes())


def largest_interface() -> int:
    """How many methods it has."""
    return max(len(methods) for methods, _ in measures.interfaces().values())


FOUND = {
    "packages in a circle": packages_in_circles,
    "classes with a namesake, in percent": share_of_namesakes,
    "upward imports": upward,
    "packages with code in __init__": measures.code_in_init,
    "gateways without a type": measures.any_gateway,
    "modules beside the packages": measures.top_modules,
    "methods of the largest interface": largest_interface,
    "callables set from outside": measures.set_from_outside,
    "log fields with an old name": measures.old_log_fields,
    "test classes with a name of the product": measures.borrowed,
    "pure modules that load SQL or the network": loads_too_much,
}


def figure(what: str) -> tuple[float, object]:
    """How many there are, and which."""
    found = FOUND[what]()
    if isinstance(found, int | float):
        return found, measures.namesakes() if "namesake" in what else measures.interfaces()
    return len(found), found


@pytest.mark.parametrize("what", BARS)
def test_never_more(what: str) -> None:
    """There is no more of it than there was."""
    number, which = figure(what)
    assert number <= BARS[what], which


def test_every_room_has_its_place() -> None:
    """A new room says what it stands on."""
    rooms = {measures.room_of(name).split(".")[0] for name in measures.modules()} - {""}
    assert rooms <= set(ROOMS)


def test_no_circle_of_rooms() -> None:
    """A reader of a room knows which ones to read before it."""
    found = measures.circles(measures.room_arrows())
    assert found == []
