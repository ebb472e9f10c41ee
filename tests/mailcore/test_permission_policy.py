"""What `[permissions]` allows and denies by itself: never more than what a pattern says of all that a tool is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from mailcore.config import Permissions
from mailcore.permissions.policy import decided_by_policy

HOME = Path("/repo")
"""The agent's directory."""


def decided(allow: list[str], deny: list[str], tool: str, tool_input: dict[str, Any], home: Path = HOME) -> bool | None:
    return decided_by_policy(Permissions(allow=tuple(allow), deny=tuple(deny)), tool, tool_input, home, str(home))


TABLE = [
    ("Bash", "git status", ["Bash(git status*)"], [], True),
    ("Bash", "git status --short", ["Bash(git status*)"], [], True),
    ("Bash", "git status; rm -rf .", ["Bash(git status*)"], [], None),
    ("Bash", "git status && curl x | sh", ["Bash(git status*)"], [], None),
    ("Bash", "git status $(rm -rf .)", ["Bash(git status*)"], [], None),
    ("Bash", "git status `id`", ["Bash(git status*)"], [], None),
    ("Bash", "git status > /etc/passwd", ["Bash(git status*)"], [], None),
    ("Bash", "git status\nrm -rf .", ["Bash(git status*)"], [], None),
    ("Bash", "git status $'x'", ["Bash(git status*)"], [], None),
    ("Bash", "make; make install", ["Bash(make; make install)"], [], True),
    ("Bash", "ls", ["Bash"], [], True),
    ("Bash", "ls | sh", ["Bash"], [], None),
    ("Bash", "cat a", ["Bash(cat [!x])"], [], None),
    ("Read", "/a/b", ["Read"], [], True),
    ("Read", "/etc/passwd", ["Read(/home/*)"], [], None),
    ("mcp__x__y", "", ["mcp__*"], [], True),
    ("Bash", "git push origin", ["Bash(git *)"], ["Bash(git push*)"], False),
    ("Bash", "true && git push origin", ["Bash"], ["Bash(git push*)"], False),
    ("Bash", "(git push)", [], ["Bash(git push*)"], False),
    ("Bash", "echo $(git push)", [], ["Bash(git push*)"], False),
    ("Bash", "git  push\torigin", [], ["Bash(git push*)"], False),
    ("Write", "/x", ["Read"], ["Bash"], None),
    ("Bash", "ls", ["Ba(sh", "", "("], [], None),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "words", "allow", "deny", "expected"), TABLE)
def test_policies(tool: str, words: str, allow: list[str], deny: list[str], expected: bool | None) -> None:
    key = "command" if tool == "Bash" else "file_path"
    assert decided(allow, deny, tool, {key: words}) is expected


PLACES = [
    ("/repo/docs/a", True), ("/repo/docs/x/../a", True), ("/repo//docs/a", True), ("docs/a", True),
    ("/repo/docs/../../x/.ssh/id", None), ("/etc/x;/repo/docs/y", None), ("/etc/x|(/repo/docs/y)", None),
    ("../repo2/docs/a", None), ("/repo/docs/..", None), ("docs/../../docs/a", None), ("/repo/docs2/a", None),
    ("~/docs/a", None), ("/repo/docs/\0a", None), ("/repo/docs/\ud800", None),
]  # fmt: skip


@pytest.mark.parametrize("key", ["file_path", "notebook_path", "path"])
@pytest.mark.parametrize(("path", "expected"), PLACES)
def test_a_place_is_allowed_by_where_it_lies(key: str, path: str, expected: bool | None) -> None:
    assert decided(["Write(/repo/docs/*)"], [], "Write", {key: path, "content": "x"}) is expected
    assert decided(["Write(docs/*)"], [], "Write", {key: path, "content": "x"}) is expected


def test_a_link_leads_an_allowance_nowhere_else_and_a_denial_follows_it(tmp_path: Path) -> None:
    home, secret = tmp_path / "repo", tmp_path / "secret"
    for directory in (home / "docs", secret):
        directory.mkdir(parents=True)
        (directory / "a").write_text("x")
    (home / "docs/out").symlink_to(secret)
    (home / "docs/in").symlink_to(home / "docs")
    (tmp_path / "known").symlink_to(home)
    allow = [f"Read({tmp_path}/known/docs/*)", "Read(docs/*)"]
    for path, expected in (("a", True), ("in/a", True), ("out/a", None), ("out/../secret/a", None), ("new", True)):
        for place in (f"docs/{path}", f"{home}/docs/{path}", f"{tmp_path}/known/docs/{path}"):
            assert decided(allow, [], "Read", {"file_path": place}, home) is expected, place
    for place in ("docs/out/a", f"{home}/docs/in/out/a", f"{secret}/a", f"{secret}/x/../a", f"/{secret}/a"):
        assert decided(["Read"], [f"Read({secret}/*)"], "Read", {"file_path": place}, home) is False, place


ADDRESSES = [
    ("https://docs.python.org/x", True), ("HTTPS://Docs.Python.Org/x", True), ("https://docs.python.org", True),
    ("https://evil.example/?leak=S&https://docs.python.org/x", None),
    ("https://evil.example/;https://docs.python.org/", None),
    ("https://docs.python.org@evil.example/", None), ("https://docs.python.org:x@evil.example/", None),
    ("https://docs.python.org.evil.example/", None), ("https://evil.example\\.docs.python.org/", None),
    ("http://docs.python.org/x", None), ("https://docs.python.org:8443/x", None), ("docs.python.org/x", None),
    ("https://evil.example/\n https://docs.python.org/", None), (" https://docs.python.org/", None),
]  # fmt: skip


@pytest.mark.parametrize("pattern", ["https://docs.python.org/*", "https://docs.python.org*", "https://docs.*.org/*"])
@pytest.mark.parametrize(("url", "expected"), ADDRESSES)
def test_an_address_is_allowed_by_its_host_and_its_whole_text(pattern: str, url: str, expected: bool | None) -> None:
    assert (
        decided([f"WebFetch({pattern})"], [], "WebFetch", {"url": url, "prompt": "https://docs.python.org/"})
        is expected
    )


@pytest.mark.parametrize("rest", ["me/../x", "me/%2e%2E/x", "me/.%2e/x", "me\\..\\x", "x/me/"])
def test_within_a_host_an_address_goes_nowhere_else(rest: str) -> None:
    allow = ["WebFetch(https://github.com/me/*)"]
    assert decided(allow, [], "WebFetch", {"url": "https://github.com/me/x?y=../z"}) is True
    assert decided(allow, [], "WebFetch", {"url": f"https://github.com/{rest}"}) is None


@pytest.mark.parametrize("url", ["https://evil.example/x", "https://me@EVIL.example/x", "https://evil.example:443/x",
                                 "https://evil.example./x", "HTTPS://evil.example/x"])  # fmt: skip
def test_an_address_that_is_denied_is_denied_however_it_is_written(url: str) -> None:
    assert decided(["WebFetch"], ["WebFetch(https://evil.example/*)"], "WebFetch", {"url": url}) is False


@pytest.mark.parametrize(("given", "expected"), [
    ({"path": "/repo/docs", "pattern": "*.md"}, True),
    ({"path": "/repo/docs", "pattern": "../../**"}, None),
    ({"path": "/repo/docs", "pattern": "/etc/*"}, None),
    ({"path": "/repo/docs", "pattern": "{/etc,x}/*"}, None),
    ({"path": "/repo/docs", "pattern": "{..,x}/*"}, None),
    ({"file_path": "/repo/docs/a", "path": "/etc/passwd"}, None),
    ({"path": "/repo/docs/a", "url": "file:///etc/passwd"}, None),
    ({"path": ["/etc"], "file_path": "/repo/docs/a"}, None),
    ({"command": ["cat", "/etc/passwd"], "path": "/repo/docs/a"}, None),
    ({"pattern": "/repo/docs/../../etc/*"}, None),
    ({"pattern": "/repo/docs/*"}, True),
    ({}, None),
])  # fmt: skip
def test_all_that_a_tool_is_given_has_to_be_allowed(given: dict[str, Any], expected: bool | None) -> None:
    assert decided(["Glob(/repo/docs*)"], [], "Glob", given) is expected


def test_a_denial_looks_at_all_that_a_tool_is_given() -> None:
    for given in (
        {"file_path": "/repo/a", "path": "/secret/x"},
        {"path": "/repo/../secret/x"},
        {"path": "/repo", "pattern": "/secret/*"},
        {"path": "/secret/\ud800"},
        {"path": "/secret/\0"},
    ):
        assert decided(["Grep"], ["Grep(/secret/*)"], "Grep", given) is False, given
    assert decided(["Bash"], ["Bash(rm *)"], "Bash", {"command": ["rm", "-rf", "x y"]}) is False
    assert decided([], ["Read(~/.ssh/*)"], "Read", {"file_path": str(Path.home() / ".ssh/id")}) is False


def test_a_denial_is_of_words() -> None:
    for command in ("/usr/bin/git push", 'g""it push', "sh push.sh"):
        assert decided([], ["Bash(git push*)"], "Bash", {"command": command}) is None, "it is asked for"


@hypothesis.given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(";&|<>`\n$("))
def test_a_chain_is_never_allowed_by_the_pattern_of_its_beginning(head: str, tail: str, joint: str) -> None:
    command = f"git status{head}{joint}{'(' if joint == '$' else ''}{tail}"
    assert decided(["Bash(git status*)"], [], "Bash", {"command": command}) is None


@hypothesis.given(
    st.lists(
        st.sampled_from(["/repo/docs", "/etc", "x", "..", ".", "/", ";", "&", "|", "(", ")", "\n", "@"]), max_size=8
    )
)
def test_no_place_is_allowed_but_what_lies_there(parts: list[str]) -> None:
    for path in ("/".join(parts), "".join(parts)):
        if decided(["Read(/repo/docs/*)"], [], "Read", {"file_path": path}):
            assert os.path.normpath(HOME / path).startswith("/repo/docs/")


@hypothesis.given(st.text(max_size=30), st.text(max_size=30))
def test_nothing_is_granted_by_default(tool: str, words: str) -> None:
    assert decided([], [], tool, {"command": words}) is None


@pytest.mark.parametrize("odd", ["~a\0b", "~\ud800/x", "\0", "\ud800", "~" + "a" * 5_000, "/" * 5_000])
def test_a_name_that_no_file_can_have_keeps_no_denial_from_being_seen(odd: str) -> None:
    deny, allow = ["Read(secret/*)"], ["Read(docs/*)"]
    assert decided(allow, deny, "Read", {"file_path": odd}) is None
    assert decided(allow, deny, "Read", {"file_path": odd, "path": "docs/a"}) is None
    assert decided(allow, deny, "Read", {"file_path": odd, "path": "secret/a"}) is False
