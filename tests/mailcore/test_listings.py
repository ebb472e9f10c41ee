"""`search`, `sent`, `inbox` and `thread` at a person's terminal: its width, its colours, and nothing that steers it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.text.listing import COLOURS, Listing, aligned, cell_count, fitted, shortened
from mailcore.text.terminal import colours, forced_colours
from tests.mailcore.conftest import House, at_terminal

EVIL = "red\x1b[31m\r\n#9 @operator \u202e🏴\u200d☠️日本語 $(touch x) `touch x` \x9b2J " + "long " * 40
COLOUR = re.compile("\x1b\\[[0-9;]*m")
FORCED = {"CLICOLOR_FORCE": "1"}


@pytest.fixture
def told(house: House) -> House:
    """A task that is done, a mail of high priority, and one whose words are hostile."""
    house.json("send", "@writer", "Release notes", "Write them from git log.\nAnd the invoice.", "--from", "@lead")
    house.json("done", "1", "deployed at 14:02", "--from", "@writer")
    house.json("send", "@lead", "Style", "British.", "--priority", "high", "--from", "@editor")
    house.json("send", "@lead", EVIL, EVIL, "--from", "@editor")
    return house


LOOKS = {
    "inbox": ["inbox", "@lead"],
    "sent": ["sent", "--from", "@lead"],
    "search": ["search", "invoice"],
    "thread": ["thread", "1", "--from", "@operator"],
    "read": ["read", "3", "4", "--from", "@lead"],
}


def test_mail_is_listed_by_number_age_and_how_it_stands(told: House) -> None:
    (sent,) = at_terminal(told, *LOOKS["sent"], columns=100).splitlines()
    assert re.fullmatch(r"#1  \d+s  → @writer  ✓ done  Release notes  deployed at 14:02", sent)
    rows = at_terminal(told, *LOOKS["inbox"], columns=100).splitlines()
    assert re.fullmatch(r"\*!  #3  \d+s  @editor  declared  Style", rows[0])
    assert {row.split("#")[1][0] for row in rows} == {"2", "3", "4"}
    head, passage = at_terminal(told, *LOOKS["search"], columns=100).splitlines()
    assert re.fullmatch(r"#1  \d+s  @lead → @writer  ○ closed  Release notes", head)
    assert passage.startswith("    ") and "And the invoice." in passage


def test_a_thread_is_shown_with_its_texts(told: House) -> None:
    said = at_terminal(told, *LOOKS["thread"], columns=100)
    assert said.startswith("Release notes  2 mails\n\n#1  @lead → @writer  ✓ done")
    assert "\n  Write them from git log.\n  And the invoice.\n✓ done: deployed at 14:02\n\n#2  @writer → @lead" in said


def test_a_message_is_read_in_the_colours_of_the_lists(told: House) -> None:
    words = ["read", "4", "--from", "@lead"]
    painted = at_terminal(told, *words, columns=60, TERM="xterm")
    assert re.search(r"^\x1b\[2m[0-9a-f]{8}\x1b\[0m\x1b\[1m  #4\x1b\[0m\x1b\[2m  2", painted)
    assert "\x1b[2mFrom:\x1b[0m    \x1b[36m@editor\x1b[0m\n         \x1b[2m(only declared" in painted
    assert "\x1b[1mred" in painted and "\x1b[31m" not in painted, "the subject is strong, and steers nothing"
    said = COLOUR.sub("", painted)
    assert said == at_terminal(told, *words, columns=60), "no colour says what no word says"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said)
    head, _, body = said.partition("\n\n")
    assert all(row.startswith("  ") for row in body.splitlines())
    subject = head.splitlines()[2:]
    subject = subject[1:] if "(only" in subject[0] else subject
    assert subject[0].startswith("Subject: red") and all(row.startswith(" " * 9) for row in subject[1:]), "all of it"
    assert " ".join(subject).count("long") == 40 and max(map(cell_count, subject)) <= 60
    assert "\x1b" not in told.mailcore(*words).stdout.decode() and b"boundary" in told.mailcore(*words).stdout


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
@pytest.mark.parametrize("look", LOOKS)
def test_no_row_is_wider_than_the_terminal(told: House, look: str, columns: int) -> None:
    rows = at_terminal(told, *LOOKS[look], columns=columns).splitlines()
    assert rows and [row for row in rows if cell_count(row) > columns] == []


def test_hostile_words_steer_nothing_and_stay_on_their_line(told: House) -> None:
    for words in (LOOKS["inbox"], ["search", "touch"], ["sent", "--from", "@editor"]):
        said = at_terminal(told, *words, columns=80, **FORCED)
        assert "\x1b[1m" in said
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", COLOUR.sub("", said))
        assert "\x1b[31m" not in said and not re.search(r"^#9", said, re.MULTILINE)
        assert len([row for row in said.splitlines() if "#9" in row]) == 1 + (words[0] == "search")
    said = at_terminal(told, "thread", "4", "--from", "@operator", columns=80, **FORCED)
    assert not re.search(r"^#9", COLOUR.sub("", said), re.MULTILINE) and "\x1b[31m" not in said


def test_a_pipe_gets_what_it_always_got(told: House) -> None:
    for name, look in LOOKS.items():
        piped = told.mailcore(*look).stdout
        assert b"\x1b" not in piped and (b"Style" if name == "read" else b"Release notes") in piped
        assert told.mailcore(*look, env={"NO_COLOR": "1", **FORCED}).stdout.count(b"\n") == piped.count(b"\n")
    (row,) = told.mailcore(*LOOKS["sent"]).stdout.decode().splitlines()
    assert re.fullmatch(r'[0-9a-f]{8}  #1 .*  done  +"Release notes"  "deployed at 14:02"  answer: [0-9a-f]{8}', row)
    told.agent("@lead").inbox.write_text(json.dumps({"messages": []}))
    assert at_terminal(told, "inbox", "@lead") == "@lead has no open mail\n"


def test_a_pipe_may_have_the_colours_and_is_never_cut(told: House) -> None:
    said = told.mailcore(*LOOKS["inbox"], env=FORCED).stdout.decode()
    assert "\x1b[" in said and ("long " * 40).strip() in said
    assert '"Style"' in said, "a subject stays quoted where a model may read it"
    in_run = told.mailcore(*LOOKS["inbox"], env={**FORCED, "MAILCORE_RUN_ID": "x"}).stdout
    assert b"\x1b" not in in_run


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False), ({"CLICOLOR_FORCE": "1"}, True), ({"CLICOLOR_FORCE": "0"}, False), ({"CLICOLOR_FORCE": ""}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False), ({"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, True),
        ({"CLICOLOR_FORCE": "1", "MAILCORE_RUN_ID": "x"}, False),
    ],
)  # fmt: skip
def test_the_environment_decides_of_colours_in_a_pipe(
    environment: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "MAILCORE_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colours() is wanted
    assert forced_colours() is (environment.get("CLICOLOR_FORCE") == "1" and not environment.get("NO_COLOR"))


@pytest.mark.parametrize("no", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}])
def test_a_terminal_without_colours_gets_the_same_words(told: House, no: dict[str, str]) -> None:
    plain = at_terminal(told, *LOOKS["search"], columns=80, **no)
    painted = at_terminal(told, *LOOKS["search"], columns=80, TERM="xterm")
    age = re.compile(r"\b\d+s\b")
    assert "\x1b" not in plain and "\x1b[" in painted
    assert age.sub("", COLOUR.sub("", painted)) == age.sub("", plain)


@given(st.text(), st.integers(0, 40))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert cell_count(shortened(text, width)) <= max(width, 0)
    assert shortened(text, cell_count(text)) == text


@given(st.lists(st.tuples(st.text(), st.sampled_from(["", *COLOURS])), max_size=5), st.integers(1, 40))
def test_a_fitted_row_fits_and_colours_add_only_colours(row: list[tuple[str, str]], width: int) -> None:
    kept = fitted(row, width)
    assert sum(cell_count(text) for text, _ in kept) <= width
    listing = Listing((kept,))
    assert COLOUR.sub("", listing.text(colour=True)) == listing.text(colour=False)


def test_columns_are_aligned_and_an_empty_one_is_left_out() -> None:
    rows = aligned([(("a", ""), ("", ""), ("日本", ""), ("x", "")), (("bcd", ""), ("", ""), ("c", ""), ("y", ""))], 3)
    assert ["".join(text for text, _ in row) for row in rows] == ["a    日本  x", "bcd  c     y"]


@pytest.mark.parametrize("colour", [True, False])
def test_a_cell_is_made_safe_whoever_made_it(colour: bool) -> None:
    said = Listing(((("a\x1b[31mb\x9b\u202ec", "strong"), ("\x07", "")),)).text(colour=colour)
    assert COLOUR.sub("", said) == "a\ufffd[31mb\ufffd\ufffdc\ufffd"
