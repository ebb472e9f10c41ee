"""The real AIPass beside ours, in an environment of its own: `PRAX_AIPASS_VENV=DIR python -m tests.faults.aipass_lab`.

A plain install cannot send mail or dispatch (contract section 8): it needs a home with a registry above its package. So
a lab is a workspace named `aipass`, made by mailcore itself, with a copy of the package in `src/aipass`. Its core
agents have the passports that AIPass ships; @alpha and @beta are made by AIPass's own `spawn`; `claude` is a stand-in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailcore.workspace import create
from mailcore.workspace.find import Workspace, load_workspace

VERSION = "2.8.28"
PLACE = "PRAX_AIPASS_VENV"


@dataclass(frozen=True, slots=True)
class Lab:
    """An AIPass home with agents @alpha and @beta, and another project beside it with @gamma and @delta."""

    environment: Path
    """The venv that AIPass is installed in."""
    root: Path

    @property
    def home(self) -> Workspace:
        return load_workspace(self.root / "aipass" / "AIPASS_REGISTRY.json")

    @property
    def project(self) -> Workspace:
        return load_workspace(self.root / "other" / "OTHER_REGISTRY.json")

    @property
    def variables(self) -> dict[str, str]:
        """Nothing of ours, and a HOME of its own."""
        return {
            "PATH": f"{self.root / 'bin'}:{self.environment / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "AIPASS_HOME": str(self.home.root),
            "PYTHONPATH": str(self.home.root / "src"),
        }

    def drone(self, directory: Path, *words: str) -> str:
        """Run `drone @ai_mail …` in an agent's directory; what it printed."""
        done = self.ran(directory, "@ai_mail", *words)
        assert done.returncode == 0, f"{' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def ran(self, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """The same for any of AIPass's agents, whatever the exit status."""
        command = [str(self.environment / "bin" / "drone"), *words]
        return subprocess.run(command, cwd=directory, env=self.variables, capture_output=True, text=True, timeout=60)

    def python(self, directory: Path, program: str, *words: str) -> subprocess.Popen[str]:
        """Start a Python program in AIPass's environment, with pipes."""
        command = [str(self.environment / "bin" / "python"), "-c", program, *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=directory, env=self.variables, stdin=pipe, stdout=pipe, text=True)


def environment() -> Path | None:
    """Where AIPass is installed, by the environment variable; None if it is not."""
    place = os.environ.get(PLACE)
    return Path(place).absolute() if place and (Path(place) / "bin" / "drone").exists() else None


def wanted() -> Path:
    """The same, for a test: skipped, saying why, where AIPass is not installed; in CI that is a failure."""
    place = environment()
    if place is None:
        missing = f"no AIPass: set {PLACE} and run `python -m tests.faults.aipass_lab`"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return place


def install(place: Path) -> None:
    """Make the venv and install AIPass into it."""
    venv.create(place, with_pip=True)
    subprocess.run([str(place / "bin" / "pip"), "install", "-q", f"aipass=={VERSION}"], check=True)


def build(place: Path, root: Path) -> Lab:
    """Make a lab in `root` from the environment at `place`."""
    (package,) = place.glob("lib/python*/site-packages/aipass")
    home, source = root / "aipass", root / "aipass" / "src" / "aipass"
    left_out = {"tests", "logs", ".seedgo"}  # of the core agents; the templates of `spawn` have some of the same names

    def ignored(directory: str, names: list[str]) -> set[str]:
        return left_out & set(names) if Path(directory).parent == package else set()

    shutil.copytree(package, source, ignore=ignored)
    core = sorted(seed.parents[1].name for seed in package.glob("*/.aipass/passport.seed.json"))
    for name in core:
        (source / name / ".trinity").mkdir(exist_ok=True)
        shutil.copy(source / name / ".aipass" / "passport.seed.json", source / name / ".trinity" / "passport.json")
    (home / "pyproject.toml").write_text(f'[project]\nname = "aipass"\nversion = "{VERSION}"\n')
    create.create_workspace(home, [(name, f"src/aipass/{name}") for name in core])
    create.create_workspace(root / "other", [("gamma", "agents/gamma"), ("delta", "agents/delta")])
    for directory in ("home", "bin"):
        (root / directory).mkdir()
    claude = root / "bin" / "claude"
    program = Path(__file__).with_name("stand_in_claude.py").read_text()
    claude.write_text(f"#!{sys.executable}\n{program}")  # run by its own name, by which both look for sessions
    claude.chmod(0o755)
    lab = Lab(place, root)
    for name in ("alpha", "beta"):
        identity = ("--role", "tester", "--purpose", "to be worked beside", "--traits", "calm")
        made = lab.ran(home, "@spawn", "create", "specialist", str(home / "agents" / name), *identity)
        assert made.returncode == 0, made.stdout + made.stderr
    return lab


if __name__ == "__main__":
    if PLACE not in os.environ:
        sys.exit(f"{PLACE} says where to; it is not set")
    if environment() is None:
        install(Path(os.environ[PLACE]))
    print(f"AIPass {VERSION} is in {environment()}")
