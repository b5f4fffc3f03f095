"""C{python -m bench}: runs benchmarks and prints what they found."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench import calls, keepalive, lines, receive, send, submit
from bench.conditions import Given, filesystem

BENCHMARKS = {
    module.__name__.split(".")[1]: module
    for module in (receive, keepalive, send, submit, lines, calls)
}


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="|".join(BENCHMARKS), help="without one: all")
    parser.add_argument("--quick", action="store_true", help="only show that they run")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="one object a line, one a benchmark"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp"),
        help="on the disk that stores are made on (default: %(default)s)",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed")
    given = parser.parse_args()
    unknown = set(given.which) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    return given


def main() -> int:
    """@return: the exit code."""
    given = arguments()
    if filesystem(given.folder) == "tmpfs":
        print(f"{given.folder} is in memory: its fsync costs nothing", file=sys.stderr)
    reports = []
    for name in given.which or BENCHMARKS:
        report = BENCHMARKS[name].run(Given(given.quick, given.folder))
        print(report, flush=True)
        reports.append(report)
    if given.json is not None:
        objects = [json.dumps(report.as_dict(), ensure_ascii=False) for report in reports]
        given.json.write_text("\n".join(objects) + "\n", encoding="utf-8")
    missed = not all(report.reached for report in reports)
    return 1 if given.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
