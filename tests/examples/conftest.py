"""The examples are plug-ins: they are found where C{PYTHONPATH} says so."""

from pathlib import Path

import twisted.plugins

EXAMPLES = Path(__file__).parents[2] / "examples"
twisted.plugins.__path__.append(str(EXAMPLES / "twisted" / "plugins"))
