"""The config.toml of a new workspace: every key in a comment, with its default, or an example where that is empty."""

from __future__ import annotations

from mailcore.config.reference import TABLES, ConfigKey, example, keys, section_text
from mailcore.config.toml_text import key_name, toml

BEGINNING = """\
# The settings of this workspace. Every key stands here in a comment, with the value that holds anyway, or an example
# where nothing does. To change one take the # off its line and off the [section] above it, or write both below; a
# [section] stands once. `mailcore config` prints what holds and from where, `mailcore config --explain KEY` all about
# one key. A time is in seconds.
"""
COLUMN = 44
"""Where the words begin that say what a key means."""
MAX_WIDTH = 120


def template() -> str:
    """The text of the file."""
    return "\n".join([BEGINNING, *(_section(section) for section in TABLES)])


def _section(section: str) -> str:
    lines = [f"# {section_text(section).splitlines()[0]}"]
    found = keys(section)
    plain = [_line(key) for key in found if not key.table]
    if section.startswith("agents"):
        lines += ["#[agents]", *plain, "# One agent: what stands here counts more than [agents]."]
    lines += [f"#[{section}]", *plain]
    for key in found:
        if key.table:
            values = key.example.items()
            lines += [f"#[{key.name}]", f"# {key.meaning}", *(f"#{key_name(name)} = {toml(v)}" for name, v in values)]
    return "\n".join(lines) + "\n"


def _line(key: ConfigKey) -> str:
    set_to = f"#{example(key)}"
    of = f" ({key.unit})" if key.unit not in ("", "seconds") else ""
    for meaning in (key.meaning, f"{key.meaning.partition('. ')[0].rstrip('.')}."):
        line = f"{set_to:<{COLUMN - 2}}  # {meaning}{of}"
        if len(line) <= MAX_WIDTH:
            return line
    return f"# {meaning}{of}\n{set_to}"
