"""Write the key table of docs/keys.md from the table of actions; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from praxmonitor.actions.keymap import STANDARD
from praxmonitor.actions.table import ACTIONS, SCOPES

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"
BEGIN, END = "<!-- keys -->", "<!-- /keys -->"


def table() -> str:
    """The table in Markdown."""
    lines = ["| where | key | what | id |", "| --- | --- | --- | --- |"]
    for scope in SCOPES:
        for number, action in enumerate(action for action in ACTIONS if action.scope is scope):
            keys = " ".join(f"`{key}`" for key in STANDARD.spoken(action.id)) or "palette"
            lines.append(f"| {'' if number else scope.title} | {keys} | {action.help} | `{action.id}` |")
    return "\n".join(lines)


def written(page: str) -> str:
    """`page` with the table between its markers. ValueError if they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/keys.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """0 if the table is current or was written, 1 if it is stale or has no place."""
    current = PAGE.read_text(encoding="utf-8")
    try:
        wanted = written(current)
    except ValueError as error:
        print(error)
        return 1
    if current == wanted:
        return 0
    if "--check" in arguments:
        print("docs/keys.md: the key table is stale; run python tests/tools/keys_table.py")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
