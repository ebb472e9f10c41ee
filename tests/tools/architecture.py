"""Write the list of rooms in docs/architecture.md from the packages; `--check` only says whether it is current.

Run it as `python -m tests.tools.architecture`. A room's sentence is the first of its docstring.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.mailcore.test_layers import MODULES, ROOMS, imports, ours, room

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: python -m tests.tools.architecture -->", "<!-- /rooms -->"


def rooms() -> str:
    """Every room in Markdown, from the ground up: what it is for, what it imports today, its modules."""
    return "\n".join(_entry(name) for name in ROOMS)


def _entry(name: str) -> str:
    said = (ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    modules = ours(name)
    used = {room(one) for path in modules.values() for one in imports(path)} - {name, ""}
    package = name.partition(".")[0]
    short = [one.removeprefix(f"{package}.") for one in sorted(used, key=ROOMS.index)]
    inner = [one.removeprefix(f"{name}.") for one in sorted(modules) if one != name]
    lines = [f"- **`{name}`**: {' '.join(said.split())}"]
    lines += [f"  - {' '.join(f'`{one}`' for one in inner)}"] if inner else []
    lines += [f"  - imports {', '.join(short)}"] if short else []
    return "\n".join(lines)


def written(page: str) -> str:
    """`page` with the list between its markers. ValueError if they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{rooms()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """0 if the list is current or was written, 1 if it is stale."""
    current = PAGE.read_text(encoding="utf-8")
    wanted = written(current)
    if current == wanted:
        return 0
    if "--check" in arguments:
        print("docs/architecture.md: the list of rooms is stale; run python -m tests.tools.architecture")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
