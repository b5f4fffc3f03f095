"""
C{python -m tests.house.apidocs [FOLDER]} makes the API documentation with
pydoctor, and prints what is wrong with docstrings: fields that there are not,
links to nothing, broken markup. Then its exit code is 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile

from tests.house.measures import HERE, PRODUCT

#: Links to other people's documentation would need the network.
EXTERNAL = re.compile(r'Cannot find link target for "(?!goiptwist)\w+\.[\w.]+"')
#: pydoctor shows constants as XML, and characters that XML cannot hold end that.
NOT_XML = "bad rendering of constant: SAXParseException"
#: A warning begins with the place of what it is about.
WARNING = re.compile(r"^\S+?\.py:(\d+|\?\?\?): ")


def problems(folder: str) -> list[str]:
    """Make the documentation, and return what is wrong with it."""
    options = ["--docformat=epytext", f"--project-name={PRODUCT}", f"--html-output={folder}"]
    run = subprocess.run(
        [sys.executable, "-m", "pydoctor", "--quiet", *options, PRODUCT],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found = [
        line.removeprefix(f"{HERE}/")
        for line in run.stdout.splitlines()
        if WARNING.match(line) and not EXTERNAL.search(line) and NOT_XML not in line
    ]
    if run.returncode not in (0, 2, 3):  # 2 and 3: there are warnings
        found += run.stdout.splitlines()[-20:]
    return sorted(set(found))


def main() -> int:
    """@return: the exit code."""
    with tempfile.TemporaryDirectory() as spare:
        found = problems(sys.argv[1] if len(sys.argv) > 1 else spare)
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
