"""
The rules that keep the house a house, read off the source: who may import
whom, who may touch what, and how full a room may be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "goiptwist"

#: The limbs; everything else in the package is the spine.
LIMBS = (
    *("goip", "web", "simulator"),
    *("bridges.call", "bridges.dc09", "bridges.mail", "bridges.sms", "bridges.webhook"),
    "bridges.xmpp",
)
#: Where limbs are known: the one room that introduces them, and the options, which know
#: the demonstration.
INTRODUCES = ("goiptwist.gateway", "goiptwist.tap")
#: What a limb may take of another: the device's codec serves its simulator, and
#: audio and the reading of SIP serve the station that it pretends to be.
LENT = {
    ("simulator", "goiptwist.goip.frames"),
    ("simulator", "goiptwist.bridges.call.audio.g711"),
    ("simulator", "goiptwist.bridges.call.audio.tones"),
    ("simulator", "goiptwist.bridges.call.audio.media"),
    ("simulator", "goiptwist.bridges.call.audio.rtp"),
    ("simulator", "goiptwist.bridges.call.sip.sdp"),
    ("simulator", "goiptwist.bridges.call.sip.messages"),
    ("simulator", "goiptwist.bridges.dc09.frames"),
}

#: Lines of a file, and of a function without its docstring, that a reader
#: still holds in the head.
FILE_LINES, FUNCTION_LINES = 400, 40


def modules() -> dict[str, Path]:
    """Every module of the package by its name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or further in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


def limb_of(module: str) -> str | None:
    """The limb that a module belongs to; C{None} is the spine."""
    for limb in LIMBS:
        name = f"goiptwist.{limb}"
        if module == name or module.startswith(name + "."):
            return limb
    return None


ARROWS = [
    (module, imported)
    for module, path in MODULES.items()
    for imported in sorted(set(imports(path)))
    if imported.startswith("goiptwist") and imported != module
]


def test_limbs_know_only_the_spine() -> None:
    """A limb can be read, changed or thrown away without any other."""
    wrong = [
        f"{module} imports {imported}"
        for module, imported in ARROWS
        if limb_of(module) is not None
        and limb_of(imported) not in (None, limb_of(module))
        and not any(limb_of(module) == limb and imported.startswith(lent) for limb, lent in LENT)
    ]
    assert wrong == []


def test_the_spine_knows_no_limb() -> None:
    """Only who introduces the parts knows what limbs there are."""
    wrong = [
        f"{module} imports {imported}"
        for module, imported in ARROWS
        if limb_of(module) is None
        and limb_of(imported) is not None
        and not module.startswith(INTRODUCES)
    ]
    assert wrong == []


def test_no_circle() -> None:
    """Whoever reads a module knows what to read before it."""
    arrows: dict[str, set[str]] = {}
    for module, imported in ARROWS:
        arrows.setdefault(module, set()).add(imported)
    finished: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, "circle: " + " -> ".join((*way, module))
        if module not in finished:
            for imported in sorted(arrows.get(module, ())):
                visit(imported, (*way, module))
            finished.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("sqlalchemy", ("goiptwist.store",)),
        ("alembic", ("goiptwist.store",)),
        ("twisted.internet.reactor", ("goiptwist.tap", "goiptwist.simulator.tap")),
        ("klein", ("goiptwist.web",)),
        ("pydantic", ("goiptwist.web",)),
        ("phonenumbers", ("goiptwist.telephony.numbering",)),
        ("numpy", ("goiptwist.bridges.call",)),
        ("sipmessage", ("goiptwist.bridges.call",)),
    ],
)
def test_one_place(what: str, where: tuple[str, ...]) -> None:
    """What is in one place can be changed in one place."""
    wrong = [
        module
        for module, path in MODULES.items()
        for imported in names_taken(path)
        if (imported == what or imported.startswith(what + "."))
        and not any(module == place or module.startswith(place + ".") for place in where)
    ]
    assert wrong == []


def names_taken(path: Path) -> Iterator[str]:
    """Every name that a file imports, as module.name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


#: Pure: values in, values out. They can be read and tested without a network.
PURE = (
    "goiptwist.contact_id.codes",
    "goiptwist.contact_id.notation",
    "goiptwist.contact_id.event",
    "goiptwist.alarm.panels",
    "goiptwist.goip.frames",
    "goiptwist.goip.cms",
    "goiptwist.model.messages",
    "goiptwist.model.status",
    "goiptwist.errors",
    "goiptwist.config.values",
    "goiptwist.config.loader",
    "goiptwist.config.common",
    "goiptwist.messaging.router",
    "goiptwist.alarm.routes",
    "goiptwist.model.escalation",
    "goiptwist.delivery.ordering",
    "goiptwist.telephony.validation",
    "goiptwist.telephony.numbering",
    "goiptwist.telephony.segments",
    "goiptwist.delivery.retry",
    "goiptwist.web.http.timestamps",
    "goiptwist.web.v1.openapi",
    "goiptwist.web.v1.page",
    "goiptwist.web.v1.responses",
    "goiptwist.web.v1.requests",
    "goiptwist.bridges.mail.verdict",
    "goiptwist.bridges.mail.letter",
    "goiptwist.bridges.mail.addresses",
    "goiptwist.bridges.mail.authentication",
    "goiptwist.bridges.mail.charsets",
    "goiptwist.bridges.mail.flowed",
    "goiptwist.bridges.mail.headers",
    "goiptwist.bridges.mail.hypertext",
    "goiptwist.bridges.mail.languages",
    "goiptwist.bridges.mail.loops",
    "goiptwist.bridges.mail.opening",
    "goiptwist.bridges.mail.quotes",
    "goiptwist.bridges.mail.reading",
    "goiptwist.bridges.mail.signatures",
    "goiptwist.bridges.mail.subjects",
    "goiptwist.bridges.mail.tidy",
    "goiptwist.bridges.mail.tokens",
    "goiptwist.web.ozeki.answers",
    "goiptwist.web.ozeki.jsonshapes",
    "goiptwist.web.ozeki.parameters",
    "goiptwist.web.ozeki.refusals",
    "goiptwist.web.ozeki.templates",
    "goiptwist.web.ozeki.message",
    "goiptwist.bridges.mail.intake.content",
    "goiptwist.bridges.mail.intake.crowd",
    "goiptwist.bridges.mail.intake.envelope",
    "goiptwist.bridges.mail.intake.login",
    "goiptwist.bridges.mail.intake.reply",
    "goiptwist.bridges.mail.intake.trace",
    "goiptwist.bridges.dc09.frames",
    "goiptwist.bridges.dc09.settings",
    "goiptwist.bridges.call.dialogue",
    "goiptwist.bridges.call.audio.g711",
    "goiptwist.bridges.call.audio.detection",
    "goiptwist.bridges.call.audio.rtp",
    "goiptwist.bridges.call.sip.sdp",
    "goiptwist.bridges.call.settings",
    "goiptwist.bridges.call.sip.digest",
    "goiptwist.bridges.call.sip.messages",
    "goiptwist.bridges.call.sip.failures",
    "goiptwist.bridges.call.audio.tones",
    "goiptwist.bridges.xmpp.chat.reply_context",
    "goiptwist.bridges.xmpp.presence.line_status",
    "goiptwist.bridges.xmpp.chat.commands_text",
    "goiptwist.bridges.webhook.private_addresses",
    "goiptwist.bridges.webhook.payloads",
    "goiptwist.bridges.webhook.signing",
    "goiptwist.bridges.webhook.urls",
    "goiptwist.bridges.webhook.response",
    "goiptwist.bridges.xmpp.connection.characters",
    "goiptwist.bridges.xmpp.connection.credentials",
    "goiptwist.bridges.xmpp.connection.acknowledgements",
    "goiptwist.bridges.xmpp.connection.scram",
)


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(PURE)])
def test_pure_below(module: str) -> None:
    """Codecs and rules import no Twisted."""
    assert [name for name in imports(MODULES[module]) if name.startswith("twisted")] == []


def test_files_are_not_too_full() -> None:
    """A file past that is two ideas."""
    sizes = {name: path.read_text().count("\n") for name, path in MODULES.items()}
    assert {name: size for name, size in sizes.items() if size > FILE_LINES} == {}


def test_functions_are_not_too_long() -> None:
    """A reader's trust is lost in the one long function."""
    long = {}
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                if lines > FUNCTION_LINES:
                    long[f"{name}.{node.name}"] = lines
    assert long == {}


def test_names_say_something() -> None:
    """A manager, a helper or a handler could be anything."""
    empty = ("manager", "handler", "processor", "helper", "util")
    wrong = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                wrong += [f"{name}.{node.name}" for word in empty if word in node.name.lower()]
    assert wrong == []
