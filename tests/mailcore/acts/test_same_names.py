"""Both hosts have agents of the same names: what is typed says which is meant, what happens by itself knows it."""

from __future__ import annotations

import json

import pytest

from tests.mailcore.acts.conftest import Pair
from tests.mailcore.conftest import wait_until


@pytest.mark.parametrize("words", [["send"], ["dispatch"]])
def test_what_is_typed_says_which(pair: Pair, words: list[str]) -> None:
    done = pair.beta.mailcore(*words, "@writer", "hello", "the body", "--from", "@operator", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "ambiguous"
    done = pair.beta.mailcore(*words, "@writer.beta", "hello", "the body", "--from", "@operator", "--json")
    assert done.returncode == 0, done.stdout
    assert [mail.subject for mail in pair.beta.inbox("writer")] == ["hello"]


def test_the_end_of_a_run_is_told_to_who_asked(pair: Pair) -> None:
    pair.beta.limit(attempts=1)
    pair.beta.shell("writer", "exit 1")
    run = pair.beta.started("@editor", "@writer")
    pair.beta.over("writer", run)
    mails = wait_until(lambda: pair.beta.inbox("editor"), what="who asked is told")
    assert [mail.sender for mail in mails] == ["@writer"]
