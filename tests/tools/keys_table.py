"""Write the README's key table from the table of actions; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from praxmonitor.actions.table import ACTIONS, SCOPES

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- keys -->", "<!-- /keys -->"


def table() -> str:
    """The table in Markdown."""
    lines = ["| where | key | what |", "| --- | --- | --- |"]
    for scope in SCOPES:
        for number, action in enumerate(action for action in ACTIONS if action.scope is scope):
            keys = " ".join(f"`{key}`" for key in action.keys) or "`:`"
            lines.append(f"| {'' if number else scope.title} | {keys} | {action.help} |")
    return "\n".join(lines)


def written(readme: str) -> str:
    """`readme` with the table between its markers. ValueError if they are not there."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """0 if the table is current or was written, 1 if it is stale or has no place."""
    current = README.read_text(encoding="utf-8")
    try:
        wanted = written(current)
    except ValueError as error:
        print(error)
        return 1
    if current == wanted:
        return 0
    if "--check" in arguments:
        print("README.md: the key table is stale; run python tests/tools/keys_table.py")
        return 1
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
