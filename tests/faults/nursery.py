"""Commands whose N-th call that writes fails: `LD_PRELOAD=SHIM python -m tests.faults.nursery SHIM`.

Reads one JSON object a line (`cwd`, `words`, `at`, `kind`; see shim.c), runs `mailcore` in a fork of itself, which has
everything imported, and answers with `status` (negative: a signal), `calls`, `out`, `err`.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import sys
import tempfile
from typing import Any


def import_everything(without: str = "mailcore.mcp.server") -> None:
    """Each module of mailcore, save those below `without`."""
    import mailcore

    for module in pkgutil.walk_packages(mailcore.__path__, "mailcore."):
        if (
            not module.name.endswith(("__main__", ".portable"))
            and ".portable." not in module.name
            and not module.name.startswith(without)
        ):
            importlib.import_module(module.name)


def run(shim: ctypes.CDLL, wanted: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            status = 99
            try:
                os.close(ours)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.chdir(wanted["cwd"])
                from mailcore.cli import main

                shim.fault_arm(wanted["at"], wanted["kind"])
                status = main(wanted["words"])
                shim.fault_disarm()
                os.write(theirs, str(shim.fault_count()).encode())
            except BaseException:
                shim.fault_disarm()
                import traceback

                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(status)
        os.close(theirs)
        with open(ours, "rb") as pipe:
            calls = pipe.read()
        _, ended = os.waitpid(pid, 0)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode("utf-8", "replace"))
    status = os.waitstatus_to_exitcode(ended)
    return {"status": status, "calls": int(calls or 0), "out": said[0], "err": said[1]}


def main() -> None:
    shim = ctypes.CDLL(sys.argv[1])
    import_everything()
    for line in sys.stdin:
        print(json.dumps(run(shim, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
