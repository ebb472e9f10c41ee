"""A package with a program, installed for one test as pip installs it, without any network."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def install(directory: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of a directory: whatever is started from now on finds it, and its commands."""
    project = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
    files = {path.name: path.read_text() for path in directory.glob("*.py")}
    wheel = wheel_of(target, project["name"], files, project.get("scripts", {}), project["entry-points"])
    words = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--disable-pip-version-check"]
    done = subprocess.run([sys.executable, *words, "--target", str(target / "site"), str(wheel)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    # Children of ours heed PYTHONPATH only where it leads to mailcore itself.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(target / "site"), str(ROOT))))
    monkeypatch.setenv("PATH", str(target / "site" / "bin"), prepend=os.pathsep)


def wheel_of(
    place: Path,
    name: str,
    files: Mapping[str, str],
    scripts: Mapping[str, str],
    points: Mapping[str, Mapping[str, str]],
) -> Path:
    """A wheel, as a build backend makes it: none is needed for that, and none may be there."""
    place.mkdir(parents=True, exist_ok=True)
    base = name.replace("-", "_")
    groups = {"console_scripts": scripts, **points}
    told = "".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in of.items()) for group, of in groups.items())
    info = f"{base}-1.0.dist-info"
    inside = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": told,
    }
    inside[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*inside, f"{info}/RECORD"))
    with zipfile.ZipFile(place / f"{base}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in inside.items():
            archive.writestr(path, text)
    return place / f"{base}-1.0-py3-none-any.whl"
