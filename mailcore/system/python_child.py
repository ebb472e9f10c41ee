"""Children of ours that run Python: nothing of the project that they run in is imported by them.

`python -m` alone puts the working directory first on sys.path, where a project's `random.py` lies, and PYTHONPATH
comes before the standard library.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LAST = (
    "import sys, os, runpy; sys.path += os.environ['PYTHONPATH'].split(os.pathsep); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
"""For a mailcore that is found by PYTHONPATH only: what that names comes last, so that it hides nothing."""


def child(module: str, *words: str) -> list[str]:
    """The command line that runs a module of ours with `words`.

    Without the working directory (`-P`) and the PYTHON… variables (`-E`), which stay in its environment for what it
    starts.
    """
    start = ["-c", _LAST, module] if _by_variable() else ["-m", module]
    return [sys.executable, "-P", "-E", "-Xutf8", *start, *words]


def restart_in_utf8() -> None:
    """Restart this process with UTF-8 for words and file names, where the locale has another encoding.

    With that of `LC_ALL=C` or a Latin one no mail in other letters could be sent, nor its file be found.
    """
    os.execv(sys.executable, [sys.executable, "-Xutf8", *sys.orig_argv[1:]])


def put_pythonpath_last() -> None:
    """Let what PYTHONPATH names come last in this process too. Call it before what is imported late."""
    entries = {*_pythonpath(), ""}
    sys.path[:] = [
        *(entry for entry in sys.path if entry not in entries),
        *(entry for entry in sys.path if entry in entries),
    ]


def _pythonpath() -> list[str]:
    """The places that PYTHONPATH names; an empty one is the working directory."""
    value = os.environ.get("PYTHONPATH", "")
    try:
        return [os.path.abspath(one) for one in value.split(os.pathsep)] if value else []  # noqa: PTH100
    except FileNotFoundError:  # the working directory is gone
        return [one for one in value.split(os.pathsep) if os.path.isabs(one)]  # noqa: PTH117


def _by_variable() -> bool:
    """True if it is PYTHONPATH that leads to this package."""
    entries = _pythonpath()
    return bool(entries) and str(Path(__file__).parents[2]) in entries
