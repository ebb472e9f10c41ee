"""What the project says of itself stays true: its version and its changelog, the pages for contributors."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECTION = re.compile(r"^## (\d+\.\d+\.\d+) - (Unreleased|\d{4}-\d\d-\d\d)$", re.MULTILINE)


def test_the_newest_section_of_the_changelog_is_the_version() -> None:
    """One version for both packages: `--version` of either, and the head of a recording, take it from pyproject.toml."""
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = SECTION.findall(text)
    assert len(sections) == len(re.findall("^## ", text, re.MULTILINE)), "a section has a version and a date"
    assert sections[0][0] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert sections == sorted(sections, key=lambda each: tuple(map(int, each[0].split("."))), reverse=True)
    assert "Unreleased" not in [date for _, date in sections[1:]]
