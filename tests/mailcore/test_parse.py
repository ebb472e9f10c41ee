"""Words that begin with `-`: a text where one is due, else an option, and a mistyped one is never a text."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mailcore.cli import VERBS
from mailcore.cli.call import verb_parser
from mailcore.cli.parse import parse
from mailcore.exceptions import UsageError
from tests.mailcore.conftest import House

TEXTS = ["- a list\n- of two", "-5 °C", "--- a/file\n+++ b/file", "-h is help", "-C is a compiler's", "--force", "-x",
         "--from the start", "--json is a form", "-", "--", "–"]  # fmt: skip


@pytest.mark.parametrize("text", [text for text in TEXTS if text not in ("-", "--")])
@pytest.mark.parametrize("verb", ["send", "reply", "dispatch"])
def test_a_body_may_begin_with_a_dash(house: House, verb: str, text: str) -> None:
    house.mailcore("hold", "@writer", "--from", "@operator")
    if verb == "reply":
        house.mailcore("send", "@lead", "s", "b", "--from", "@writer")
        words = ["reply", house.inbox("@lead")[0].id, text, "--from", "@lead"]
    else:
        words = [verb, "--from", "@lead", "@writer", "s", text]
    done = house.mailcore(*words)
    assert done.returncode == 0, done.stderr
    assert house.inbox("@writer")[0].body == text


@pytest.mark.parametrize("text", TEXTS)
def test_after_two_dashes_everything_is_a_text(house: House, text: str) -> None:
    done = house.mailcore("send", "@writer", "--from", "@lead", "--json", "--", text, text, stdin=b"said")
    assert json.loads(done.stdout)["delivered"], done.stdout
    mail = house.inbox("@writer")[0]
    assert (mail.subject, mail.body) == (text, "said" if text == "-" else text)


@pytest.mark.parametrize(
    "words",
    [
        ["send", "@writer", "s", "b", "--urgnt"],
        ["send", "@writer", "s", "b", "--prioritty=high"],
        ["dispatch", "@writer", "s", "b", "--qeue"],
        ["hold", "@writer", "--al"],
        ["forward", "1", "@writer", "--not"],
        ["inbox", "--frm", "@lead"],
        ["close", "1", "--al"],
    ],
)
def test_a_mistyped_option_is_no_text(house: House, words: list[str]) -> None:
    done = house.mailcore(*words, "--from", "@lead")
    assert (done.returncode == 2 and words[-1].split("=")[0].encode() in done.stderr) or b"--frm" in done.stderr
    assert b"\0" not in done.stderr and b"\\x00" not in done.stderr
    assert house.inbox("@writer") == () and not (house.agent("@writer").mail_dir / ".hold").exists()


@pytest.mark.parametrize("before", [["--json"], ["--from", "@lead"], ["--from=@lead", "--json"], ["-C", "."]])
def test_options_may_stand_before_the_verb(house: House, before: list[str]) -> None:
    after = [] if any("@lead" in word for word in before) else ["--from", "@lead"]
    done = house.mailcore(*before, "send", "@writer", "s", *after, "--", "--body")
    assert done.returncode == 0 and (done.stdout[:1] == b"{") == ("--json" in before)
    assert [(m.sender, m.body) for m in house.inbox("@writer")] == [("@lead", "--body")]


def test_a_closed_standard_input_is_said(house: House) -> None:
    script = f"{sys.executable} -m mailcore.cli send @writer s - --from @lead <&-"
    done = house.mailcore("-c", script, program=("sh",))
    assert done.returncode == 2 and b"standard input" in done.stderr and b"Traceback" not in done.stderr


def test_a_choice_after_the_end_of_options_is_a_choice() -> None:
    """As another host of a link has verbs carried out: all words of its stand there."""
    parser, _ = verb_parser("queue", VERBS["queue"][0])
    assert parse(parser, "queue", ["--", "cancel", "1a2b"]).what == "cancel"
    with pytest.raises(UsageError, match="invalid choice"):
        parse(parser, "queue", ["--", "burn", "1a2b"])


def test_no_word_of_a_verb_takes_the_place_of_an_option_that_all_have(house: House, tmp_path: Path) -> None:
    """A positional argument called as the destination of `-C` made `queue` forget which workspace was meant."""
    for verb in VERBS:
        if VERBS[verb][0] == "mailcore.mcp.verb":
            continue
        actions = verb_parser(verb, VERBS[verb][0])[0]._actions
        words = {action.dest for action in actions if not action.option_strings}
        assert not words & {action.dest for action in actions if action.option_strings}, verb
    done = house.mailcore("queue", "-C", str(house.root), "cancel", "abcd", "--from", "@operator", cwd=tmp_path)
    assert b"no start" in done.stderr, done.stderr
