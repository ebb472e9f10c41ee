"""One call of git: bounded in time and output, and told to run nothing that a repository's own settings name."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

from mailcore.text.units import duration

GIT_PATIENCE = 5.0
"""Seconds that git has to answer."""
MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that are taken of an answer, unless its reader says otherwise."""
ACT_PATIENCE = 600.0
"""Seconds that it has to change something: a project's hooks may run its tests."""
ACT_OUTPUT = 64 * 1024
"""Bytes of what it says then, its end."""
_OWN = frozenset({
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_SSH",
})  # fmt: skip
"""Variables that say who somebody is, and name no other repository."""

TAMED = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat")
"""Of what `ls-files`, `check-ignore` and `cat-file` heed: fsmonitor is a command, which they would run."""


class NoAnswer(Exception):
    """Git is not there, or does not say; the text says why."""


def run_git(
    *words: str, cwd: Path, variables: Mapping[str, str] | None = None, most: int = MOST_OUTPUT
) -> tuple[bytes, bool]:
    """What git prints, at most `most` bytes of it, and whether that is all. NoAnswer where it fails or takes too long.

    `variables`: of git's own, such as GIT_DIR; those of this process are not handed on.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # What a repository lacks it would fetch, by a command that it names itself.
    environment |= {"LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    reading, writing = os.pipe()
    taken: list[bytes] = []
    reader = Thread(target=_take, args=(reading, most + 1, taken), daemon=True)
    reader.start()
    try:
        done = subprocess.run(
            ["git", *TAMED, *words], cwd=cwd, env={**environment, **(variables or {})}, timeout=GIT_PATIENCE,
            stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"git said nothing within {duration(GIT_PATIENCE)}") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise NoAnswer(f"git: {getattr(error, 'strerror', None) or error}") from error
    finally:
        os.close(writing)
        reader.join()
    if len(taken[0]) > most:
        return taken[0][:most], False
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[:4096]
        raise NoAnswer(said or f"git: exit {done.returncode}")
    return taken[0], True


def act_with_git(*words: str, cwd: Path, patience: float = ACT_PATIENCE) -> str:
    """Have git change something, as a person at a shell would: with the repository's own settings and hooks.

    For what somebody asks for by name in a workspace that this user trusts, never for a look. Nobody is asked for a
    password or a text. What git prints, both streams; NoAnswer, with what it said, where it fails or takes too long.
    """
    return act_with("git", *words, cwd=cwd, patience=patience)


def act_with(*words: str, cwd: Path, patience: float = ACT_PATIENCE) -> str:
    """The same of another program that works on a repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _OWN}
    environment |= {"LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GH_PROMPT_DISABLED": "1"}
    with tempfile.TemporaryFile() as file:  # a pipe would be waited for as long as what a hook left behind holds it
        try:
            status = subprocess.run(
                words, cwd=cwd, env=environment, timeout=patience, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NoAnswer(f"{words[0]} was not done within {duration(patience)}") from None
        except OSError as error:
            raise NoAnswer(f"{words[0]}: {error.strerror or error}") from error
        file.seek(max(0, file.seek(0, os.SEEK_END) - ACT_OUTPUT))
        said = file.read().decode("utf-8", "replace").strip()
    if status:
        raise NoAnswer(said or f"{words[0]}: exit {status}")
    return said


def _take(reading: int, most: int, taken: list[bytes]) -> None:
    """Read so many bytes and close the pipe: who writes more into it is ended by the system."""
    with os.fdopen(reading, "rb") as pipe:
        taken.append(pipe.read(most))
