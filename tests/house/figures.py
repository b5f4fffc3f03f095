"""
C{python -m tests.house.figures [CHECKOUT ...]} prints how simple each checkout
is; without one, that of this file. Another version is had by
C{git worktree add FOLDER VERSION}.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house import measures

HANDOVERS = Path(__file__).with_name("handovers.py")

#: These import the rest, and nothing of the rest imports them.
LIMBS = ("goip", "bridges", "web", "simulator")


def static(root: Path) -> Iterator[tuple[str, str]]:
    """What can be read off the source."""
    classes = len(measures.classes(root))
    namesakes = sum(len(places) for places in measures.namesakes(root).values())
    yield "classes", str(classes)
    yield "... with a namesake", f"{namesakes} ({100 * namesakes / classes:.1f} %)"
    rooms = {measures.room_of(name) for name in measures.modules(root)} - {""}
    arrows = measures.room_arrows(root)
    yield "rooms: packages, and modules beside them", str(len(rooms))
    yield "... arrows between them", str(len(arrows))
    yield "... in circles", _sizes(measures.circles(arrows))
    yield "folders in circles", _sizes(measures.circles(measures.package_arrows(root)))
    yield "modules beside the packages", str(len(measures.top_modules(root)))
    name, (methods, attributes) = max(
        measures.interfaces(root).items(), key=lambda pair: (len(pair[1][0]), len(pair[1][1]))
    )
    yield (
        "largest interface",
        f"{len(methods) + len(attributes)} members, {len(methods)} of them methods ({name})",
    )
    injected = measures.injected(root)
    limbs = tuple(f"goiptwist.{limb}." for limb in LIMBS)
    spine = [name for name in injected if not name.startswith(limbs)]
    device = [name for name in injected if name.startswith("goiptwist.goip.")]
    yield "injected callables", str(len(injected))
    yield "... of the spine", str(len(spine))
    yield "... of the device's limb", str(len(device))
    yield "callables set from outside", str(len(measures.set_from_outside(root)))
    yield "gateways without a type", str(len(measures.any_gateway(root)))
    yield "packages with code in __init__", str(len(measures.code_in_init(root)))


def _sizes(circles: list[list[str]]) -> str:
    return " + ".join(str(len(circle)) for circle in circles) or "0"


def running(root: Path) -> Iterator[tuple[str, str]]:
    """What is only seen while it runs."""
    run = subprocess.run(
        [sys.executable, str(HANDOVERS), str(root)], check=True, capture_output=True, text=True
    )
    for what, found in json.loads(run.stdout.splitlines()[-1]).items():
        yield what, ", ".join(f"{number} {name}" for name, number in found.items())


def main() -> None:
    """Print the figures of each checkout."""
    for root in [Path(name).resolve() for name in sys.argv[1:]] or [measures.HERE]:
        print(root, flush=True)
        for figures in (static, running):
            for what, found in figures(root):
                print(f"  {what:42} {found}", flush=True)


if __name__ == "__main__":
    main()
