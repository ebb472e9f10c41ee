"""One call of git: bounded in time and output, and told to run nothing that a repository's own settings name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

from mailcore.text.units import duration

GIT_PATIENCE = 5.0
"""Seconds that git has to answer."""
MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that are taken of an answer, unless its reader says otherwise."""

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


def _take(reading: int, most: int, taken: list[bytes]) -> None:
    """Read so many bytes and close the pipe: who writes more into it is ended by the system."""
    with os.fdopen(reading, "rb") as pipe:
        taken.append(pipe.read(most))
