"""What is installed elsewhere: the wheel holds everything, and twistd finds it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the sources, so that nothing is left beside them."""
    source = tmp_path_factory.mktemp("source")
    copy = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(copy, check=True, capture_output=True).stdout.split(b"\0"):
        path = ROOT / os.fsdecode(name)
        if name and path.is_file():
            target = source / os.fsdecode(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(out), "."]
    subprocess.run(build, cwd=source, check=True)
    (made,) = out.glob("*.whl")
    return made


@pytest.mark.slow
def test_everything_is_in_the_wheel(wheel: Path) -> None:
    """Every module, the plug-in and the migrations; no __init__ in Twisted's folders."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "goiptwist").rglob("*.py")}
    assert modules - inside == set()
    assert "twisted/plugins/goip_plugin.py" in inside
    assert {"goiptwist/py.typed", "goiptwist/contact_id/codes.json"} <= inside
    assert not {"twisted/__init__.py", "twisted/plugins/__init__.py"} & inside
    assert not [name for name in inside if name.startswith(("tests", "bench", "examples"))]


@pytest.mark.slow
def test_twistd_lists_it_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """In a new environment and another folder, twistd knows goip and goip-sim."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = str(home / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", str(wheel)]
    subprocess.run(pip, check=True, cwd=tmp_path)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def twistd(*options: str) -> str:
        said = subprocess.run(
            [str(home / "bin" / "twistd"), *options],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=clean,
        )
        return said.stdout

    listed = twistd("--help")
    assert " goip " in listed
    assert " goip-sim " in listed
    assert "--smarthost" in twistd("goip", "--help")
    assert "--personality" in twistd("goip-sim", "--help")
