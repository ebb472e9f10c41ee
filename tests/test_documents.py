"""What the project says of itself stays true: its version, its links, the files and the rooms that it names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mailcore.model.fleet import State

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "bench" / "README.md"]
OF_FILES = ("AGENTS.md", "CONTRIBUTING.md", "docs/architecture.md")
"""Pages in which each word that looks like a file of ours is one."""
SECTION = re.compile(r"^## (\d+\.\d+\.\d+) - (Unreleased|\d{4}-\d\d-\d\d)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
FILE = re.compile(r"(?<![\w./])(?:mailcore|praxmonitor|tests|docs|sounds|themes)/[\w/.-]*\w")


def test_the_newest_section_of_the_changelog_is_the_version() -> None:
    """One version for both packages: `--version` of either, and a recording's head, take it from pyproject.toml."""
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = SECTION.findall(text)
    assert len(sections) == len(re.findall("^## ", text, re.MULTILINE)), "a section has a version and a date"
    assert sections[0][0] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert sections == sorted(sections, key=lambda each: tuple(map(int, each[0].split("."))), reverse=True)
    assert "Unreleased" not in [date for _, date in sections[1:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", OF_FILES)
def test_each_file_that_is_named_exists(page: str) -> None:
    named = set(FILE.findall((ROOT / page).read_text()))
    assert len(named) > 10
    assert {name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*"))} == set()


def test_the_list_of_rooms_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.architecture", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_state_is_told() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert [state for state in State if f"`{state}`" not in page] == []
