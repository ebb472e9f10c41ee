"""One call of git: bounded in time and output, and told to run nothing that a repository's own settings name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Timer

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
    late: list[bool] = []
    try:
        with subprocess.Popen(
            ["git", *TAMED, *words], cwd=cwd, env={**environment, **(variables or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as git:  # fmt: skip
            assert git.stdout is not None and git.stderr is not None

            def give_up() -> None:
                late.append(True)
                git.kill()

            timer = Timer(GIT_PATIENCE, give_up)
            timer.start()
            try:
                data = git.stdout.read(most + 1)
                if len(data) > most:
                    git.kill()
                    return data[:most], False
                said = git.stderr.read(4096).decode("utf-8", "replace").strip()
                status = git.wait()
            finally:
                timer.cancel()
            if late:
                raise NoAnswer(f"git said nothing within {GIT_PATIENCE:g} s")
            if status:
                raise NoAnswer(said or f"git: exit {status}")
            return data, True
    except (OSError, subprocess.SubprocessError) as error:
        raise NoAnswer(f"git: {getattr(error, 'strerror', None) or error}") from error
