"""Run by a way in: calls every class of verbs in this one process, as it came in, and writes what became of each.

`python driver.py OUT PHRASE [--from @a | --client]`; `--client`: as calls of a client that the MCP server serves, with
the key that the environment names.
"""

from __future__ import annotations

import contextvars
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

CALLS: dict[str, list[str]] = {
    "look": ["tasks"],
    "all mail": ["inbox", "@lead"],
    "send": ["send", "@lead", "sent", "b"],
    "dispatch": ["dispatch", "@lead", "given", "b"],
    "hold": ["hold", "@editor", "for now"],
    "approve": ["approve", "4", "yes"],
    "release": ["release", "@lead"],
    "kill": ["kill", "@lead"],
    "prune": ["prune", "--older", "9000d", "--dry-run"],
    "trust": ["trust"],
}
"""Class of verbs → one of it. Message 4 asks the operator for approval, @lead is held by the operator."""
OWN = {"@writer": "1", "@editor": "2", "@operator": "3"}
"""Whose mailbox → a message in it."""
PROVED = ("approve", "release", "kill", "prune", "trust")
"""Classes that ask for the operator's passphrase, where one is wanted."""
CLIENT = "--client"
PASSED = ("not_running", "no_message")
"""Codes of errors that nobody meets who is not let in."""


def call(words: list[str]) -> dict[str, Any]:
    """What one verb gives, or its error."""
    served = None
    if CLIENT in words:
        from mailcore.identity.client_keys import PresentedKey
        from mailcore.mcp.tools import Served

        served = Served(PresentedKey.of(os.environ))
        words = [word for word in words if word != CLIENT]
    from mailcore.cli import VERBS
    from mailcore.cli.call import perform
    from mailcore.exceptions import MailcoreError

    verb, *rest = words
    try:
        value = contextvars.copy_context().run(perform, verb, VERBS[verb][0], rest, served)[0]
    except MailcoreError as error:
        return {"error": error.code, "said": str(error)}
    return value if isinstance(value, dict) else {"result": value}


def main(out: Path, declared: list[str], phrase: str) -> None:
    """All of it. `declared`: `--from @a`, or nothing; `phrase`: a file with the operator's passphrase, or empty."""
    found: dict[str, Any] = {"who": call(["whoami", *declared])}
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        for name, words in CALLS.items():
            proof = []
            if phrase and name in PROVED:
                proof = ["--proof-fd", str(os.open(phrase, os.O_RDONLY))]
            said = call([*words, *declared, *proof])
            found[name] = {"in": said.get("error", PASSED[0]) in PASSED, **said}
        own = [who for who, number in OWN.items() if "error" not in call(["read", number, *declared])]
        found["own mail"] = {"in": bool(own), "whose": own}
    part = out.with_suffix(".part")
    part.write_text(json.dumps(found, default=str))
    part.chmod(0o666)
    os.replace(part, out)  # noqa: PTH105


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[3:], sys.argv[2])
