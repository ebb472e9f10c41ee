"""Writes docs/identity.md: every way in and what it is let into, from the table that the tests run.

Run it as `python -m tests.tools.identity_docs`; with `--check` it only says whether the page is current.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mailcore.identity.table import CLASSES, WAYS, table

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"
BEGINNING = """\
# Who is calling

<!-- Written by tests/tools/identity_docs.py from tests/mailcore/identity/table.py: do not edit by hand. -->

Every `mailcore` command asks who calls. In this order: the run whose supervisor is above the caller, beside which no
other name is taken; the key that a client of the MCP server presents ([MCP](mcp.md)); `--from @a`, which is only
declared; the name that AIPass's router gives; the passport, or the registered branch, that the working directory lies
in; a person's own terminal with no sign of an agent in environment, ancestors or session (`[operator] assume = false`
turns that off). `mailcore whoami --explain` says what was looked at. What proved the sender stands in each mail
(`sender_proof`) and in the audit (`proof`); who only declared it is shown as `@operator (declared)`.

Below, {ways} ways in and {classes} classes of verbs; each of the {cases} cases is a test with real processes. *Look* is
what needs no name (`tasks`, `runs`, `agents`, …), *all mail* another's mailbox (so `search` and `thread` find in all
mailboxes, else in what the caller got or sent), *own mail* reading one's own, *kill*
that of another's run, *prune* of what one may; in an agent's hands that is its own archive. @lead is held by the
operator, and `release` lets it go.

"""


def page() -> str:
    """The page as it should be."""
    numbers = {"ways": len(WAYS), "classes": len(CLASSES), "cases": len(WAYS) * len(CLASSES)}
    return BEGINNING.format(**numbers) + table() + "\n"


def main(argv: Sequence[str]) -> int:
    """0, or with `--check` 1 if the page is not as it should be."""
    if "--check" not in argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
    if not current:
        print("docs/identity.md is not current: python -m tests.tools.identity_docs", file=sys.stderr)
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
