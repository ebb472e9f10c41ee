"""Write docs/config.md from the schema of config.toml; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from mailcore.config.reference import TABLES, ConfigKey, keys, section_text, title
from mailcore.config.toml_text import toml

PAGE = Path(__file__).parents[2] / "docs" / "config.md"
BEGINNING = """\
# config.toml

What `.praxmonitor/config.toml` of a workspace can say. Without the file, and without a key, the default holds. A whole
number has at most TOML's 64 bits. `mailcore config` prints what holds in a workspace and from where, `mailcore config
--explain KEY` all about one key. This page comes from `mailcore/config/schema.py` and `agents.py`, by
`python tests/tools/config_docs.py`.
"""


def document() -> str:
    """The page in Markdown."""
    parts = [BEGINNING]
    for section in TABLES:
        parts.append(f"## {title(section)}\n\n{section_text(section)}\n\n| key | what it means | default | allowed |")
        parts[-1] += "\n| --- | --- | --- | --- |\n" + "".join(_row(key) for key in keys(section))
    return "\n".join(parts)


def _row(key: ConfigKey) -> str:
    default = "" if key.table else f"`{toml(key.default)}`"
    said = key.meaning if key.example is None else f"{key.meaning} Example: `{toml(key.example)}`."
    if key.unit:
        said += f" In {key.unit}."
    cells = (f"`[{key.name}]`" if key.table else f"`{key.key}`", said, default, key.allowed)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def main(arguments: list[str]) -> int:
    """0 if the page is current or was written, 1 if it is stale."""
    wanted = document()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    if "--check" in arguments:
        print("docs/config.md is stale; run python tests/tools/config_docs.py")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
