"""The real AIPass beside ours, in an environment of its own: `PRAX_AIPASS_VENV=DIR python -m tests.faults.aipass_lab`.

A plain install cannot send mail (contract section 8): it needs a home with a registry above its package. So a lab is a
workspace named `aipass`, made by mailcore itself, with a copy of the package in `src/aipass`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from mailcore import make
from mailcore.workspace import Workspace, load

VERSION = "2.8.28"
PLACE = "PRAX_AIPASS_VENV"
CORE = ("ai_mail", "drone", "prax")


@dataclass(frozen=True, slots=True)
class Lab:
    """An AIPass home with agents @alpha and @beta, and another project beside it with @gamma and @delta."""

    environment: Path
    """The venv that AIPass is installed in."""
    root: Path

    @property
    def home(self) -> Workspace:
        return load(self.root / "aipass" / "AIPASS_REGISTRY.json")

    @property
    def project(self) -> Workspace:
        return load(self.root / "other" / "OTHER_REGISTRY.json")

    @property
    def variables(self) -> dict[str, str]:
        """Nothing of ours, and a HOME of its own."""
        return {
            "PATH": f"{self.environment / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "AIPASS_HOME": str(self.home.root),
            "PYTHONPATH": str(self.home.root / "src"),
        }

    def drone(self, directory: Path, *words: str) -> str:
        """Run `drone @ai_mail …` in an agent's directory; what it printed."""
        command = [str(self.environment / "bin" / "drone"), "@ai_mail", *words]
        done = subprocess.run(command, cwd=directory, env=self.variables, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def python(self, directory: Path, program: str, *words: str) -> subprocess.Popen[str]:
        """Start a Python program in AIPass's environment, with pipes."""
        command = [str(self.environment / "bin" / "python"), "-c", program, *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=directory, env=self.variables, stdin=pipe, stdout=pipe, text=True)


def environment() -> Path | None:
    """Where AIPass is installed, by the environment variable; None if it is not."""
    place = os.environ.get(PLACE)
    return Path(place).absolute() if place and (Path(place) / "bin" / "drone").exists() else None


def install(place: Path) -> None:
    """Make the venv and install AIPass into it."""
    venv.create(place, with_pip=True)
    subprocess.run([str(place / "bin" / "pip"), "install", "-q", f"aipass=={VERSION}"], check=True)


def build(place: Path, root: Path) -> Lab:
    """Make a lab in `root` from the environment at `place`."""
    (package,) = place.glob("lib/python*/site-packages/aipass")
    ignored = shutil.ignore_patterns("tests", "logs", ".seedgo")
    shutil.copytree(package, root / "aipass" / "src" / "aipass", ignore=ignored)
    core = [(name, f"src/aipass/{name}") for name in CORE]
    make.init(root / "aipass", [("alpha", "agents/alpha"), ("beta", "agents/beta"), *core])
    make.init(root / "other", [("gamma", "agents/gamma"), ("delta", "agents/delta")])
    (root / "home").mkdir()
    return Lab(place, root)


if __name__ == "__main__":
    if PLACE not in os.environ:
        sys.exit(f"{PLACE} says where to; it is not set")
    if environment() is None:
        install(Path(os.environ[PLACE]))
    print(f"AIPass {VERSION} is in {environment()}")
