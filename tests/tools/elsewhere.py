"""Run the tests marked `elsewhere` where outsiders run us: `python tests/tools/elsewhere.py [PYTHON]`, from a checkout.

PYTHON is the interpreter of an environment with the tests' requirements. One line for each place, with its count; a
place that cannot be tried here says why. Exit status 1 if a test failed anywhere, with the end of what pytest said.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
OTHER = "nobody"
LIMIT = 900.0
"""Seconds for one place; on an idle machine each takes 20 to 30."""
SHOWN = 40
"""Lines of a failure that are shown."""


class Untried(Exception):
    """This place is not to be had on this machine."""


def main(python: str) -> int:
    """Try every place, two at a time; 1 if a test failed in any."""
    with tempfile.TemporaryDirectory(prefix="elsewhere-") as name:
        work = Path(name)
        work.chmod(0o755)
        with ThreadPoolExecutor(2) as pool:
            tried = pool.map(lambda place: _try(place, work, os.path.abspath(python)), PLACES.items())  # noqa: PTH100
            failed = sum(tried)  # the lines come in the places' order
    return 1 if failed else 0


def _try(place: tuple[str, Callable[[Path, str], subprocess.CompletedProcess[str]]], work: Path, python: str) -> bool:
    name, run = place
    begun = time.monotonic()
    own = work / name.replace(" ", "-")
    own.mkdir()
    try:
        done = run(own, python)
    except Untried as why:
        print(f"{name}: not tried: {why}", flush=True)
        return False
    except subprocess.TimeoutExpired:
        print(f"{name}: FAILED: not over in {LIMIT:.0f} s", flush=True)
        return True
    lines = [line for line in done.stdout.splitlines() if line.strip()] or [done.stderr.strip() or "it said nothing"]
    failed, seconds = done.returncode != 0, time.monotonic() - begun
    print(f"{name}: {'FAILED: ' if failed else ''}{lines[-1].strip('= ')} ({seconds:.0f} s)", flush=True)
    if failed:
        print("\n".join(f"    {line}" for line in [*lines[-SHOWN:], *done.stderr.splitlines()[-SHOWN:]]), flush=True)
    return failed


def _words(python: str, base: Path) -> list[str]:
    return [python, "-m", "pytest", "-m", "elsewhere", "-p", "no:cacheprovider", f"--basetemp={base}", "tests/mailcore"]


def _environment(**more: str) -> dict[str, str]:
    """This one's, without what says that we are within something."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAILCORE_", "AIPASS_", "CLAUDE", "PYTEST_"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


def _run(words: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=LIMIT)


def _copy(to: Path) -> Path:
    """A copy of the checkout as it stands, without its environments."""
    skipped = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")
    return shutil.copytree(ROOT, to, symlinks=True, ignore=skipped)


def buffered(work: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Output that is a file or a pipe stays in Python's buffer: an agent's first line comes with its last."""
    environment = _environment()
    environment.pop("PYTHONUNBUFFERED", None)
    return _run(_words(python, work / "t"), ROOT, environment)


def second_user(work: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Who owns neither the installation nor anything of ours."""
    if os.getuid() != 0:
        raise Untried("only root can become another user")
    try:
        user = pwd.getpwnam(OTHER)
    except KeyError:
        raise Untried(f"there is no user {OTHER}") from None
    if shutil.which("setpriv") is None:
        raise Untried("no setpriv")
    checkout, home = _copy(work / "checkout"), work / "home"
    home.mkdir()
    for path in (work, checkout, home, *checkout.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    environment = _environment(HOME=str(home), USER=OTHER, LOGNAME=OTHER, TMPDIR=str(home), PATH="/usr/bin:/bin")
    environment = {k: v for k, v in environment.items() if not k.startswith("XDG_")}
    words = [*become, *_words(python, home / "t")]
    hidden = list(opened(python))
    if hidden:  # below a home directory, mostly: in a mount namespace of its own its way in is opened
        script = "set -e\n" + "\n".join(hidden) + f"\nexec {shlex.join(words)}"
        if _run(["unshare", "-m", "true"], work, environment).returncode:
            raise Untried(f"{python} is not to be reached by {OTHER}, and no mount namespace can be made")
        words = ["unshare", "-m", "sh", "-c", script]
    return _run(words, checkout, environment)


def opened(python: str) -> Iterator[str]:
    """The shell lines that let others reach this Python, its environment and what is installed there by link."""
    asked = "import mailcore, sys; print(sys.prefix, sys.base_prefix, mailcore.__path__[0], sep='\\n')"
    said = subprocess.run([python, "-P", "-c", asked], capture_output=True, text=True, cwd="/").stdout.split("\n")
    places = {Path(line) for line in said if line} | {Path(line).parent for line in said[2:3] if line}
    link = Path(python)
    while link.is_symlink():  # an environment's python, and what that leads to, wherever it lies
        link = link.parent / link.readlink()
        places.add(link.parent)
    shut: dict[Path, set[Path]] = {}
    for place in places:
        above = next((one for one in reversed(place.parents) if not one.stat().st_mode & 0o001), None)
        if above is not None:
            shut.setdefault(above, set()).add(place)
    for above, inside in shut.items():
        yield "k=$(mktemp -d); chmod 755 $k"
        tops = [one for one in sorted(inside) if not any(other in one.parents for other in inside)]
        for number, place in enumerate(tops):
            yield f"mkdir $k/{number}; mount --bind {shlex.quote(str(place))} $k/{number}"
        yield f"mount -t tmpfs -o mode=755 elsewhere {shlex.quote(str(above))}"
        for number, place in enumerate(tops):
            yield f"mkdir -p {shlex.quote(str(place))}; mount --bind $k/{number} {shlex.quote(str(place))}"


def cron(work: Path, python: str) -> subprocess.CompletedProcess[str]:
    """What a crontab's line finds, by crontab(5)."""
    home = work / "home"
    home.mkdir()
    environment = {"HOME": str(home), "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return _run(_words(python, work / "t"), ROOT, environment)


def worktree(work: Path, python: str) -> subprocess.CompletedProcess[str]:
    """The checkout a linked worktree, and the tests' workspaces within it."""
    if shutil.which("git") is None:
        raise Untried("no git")
    identity = ["-c", "user.name=elsewhere", "-c", "user.email=elsewhere@localhost", "-c", "commit.gpgsign=false"]
    main_, linked = _copy(work / "main"), work / "linked"
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "checkout"], ["worktree", "add", "-q", str(linked)]):
        done = _run(["git", *identity, *words], main_, _environment())
        if done.returncode:
            raise Untried(f"git {words[0]}: {done.stderr.strip()}")
    return _run(_words(python, linked / "t"), linked, _environment())


def pid_namespace(work: Path, python: str) -> subprocess.CompletedProcess[str]:
    """As in a container: other PIDs, a /proc of its own, and a shell as its first process."""
    into = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if shutil.which("unshare") is None or _run([*into, "true"], work, _environment()).returncode:
        raise Untried("no PID namespace can be made (root, or user namespaces)")
    script = f"{shlex.join(_words(python, work / 't'))}; exit $?"
    return _run([*into, "sh", "-c", script], ROOT, _environment())


PLACES = {
    "PYTHONUNBUFFERED unset": buffered,
    "second user": second_user,
    "cron": cron,
    "git worktree": worktree,
    "PID namespace": pid_namespace,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else sys.executable))
