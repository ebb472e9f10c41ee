"""`praxmonitor errors`: lines for people, JSON and exit status for scripts."""

from __future__ import annotations

import json
import time

import pytest
from msgspec.structs import replace

from mailcore.dispatch.runs.away_summary import headline, summarize, summary_lines
from mailcore.errors.store import changing_errors, errors_file
from praxmonitor.__main__ import main
from tests.clock import NOON
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_errors import each_state


def keep(house: House, *, hostile: str = "") -> None:
    """A group in each state, as if it were now."""
    by = time.time() - NOON
    with changing_errors(house.workspace) as at_hand:
        for each in each_state():
            moved = replace(
                each, title=hostile or each.title, first_at=each.first_at + by, last_at=each.last_at + by,
                muted_until=each.muted_until + by if each.muted_until else 0.0,
            )  # fmt: skip
            at_hand.book = at_hand.book.with_group(moved)


def told(house: House, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["errors", str(house.root), *words])
    out = capsys.readouterr()
    return status, out.out + out.err


def test_what_is_open_is_listed_what_nobody_took_up_first(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    keep(house)
    status, said = told(house, capsys)
    assert status == 1
    places = [said.index(word) for word in ("KeyError", "ValueError", "panic: runtime", "1 back again, 1 new")]
    assert places == sorted(places)
    assert "npm ERR" not in said and "EADDRINUSE" not in said and "2 more muted or resolved: --all" in said
    assert "asked: @checker (src/report/parse.py:41 lies in its branch)" in said and "12×" in said
    assert "from @checker, @planner" in said
    status, said = told(house, capsys, "--all")
    assert status == 1 and "npm ERR" in said and "done: the old server is stopped first" in said
    status, said = told(house, capsys, "--all", "--since", "10s")
    assert status == 0 and "npm ERR" in said and "KeyError" not in said


def test_json_has_all_of_each(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    keep(house)
    status, said = told(house, capsys, "--json", "--all")
    value = json.loads(said)
    assert status == 1 and value["want"] == 2 and value["hidden"] == 0 and value["workspace"] == str(house.root)
    back = next(one for one in value["errors"] if one["state"] == "back")
    assert back["count"] == 7 and back["owner"] == "@checker" and back["sample"]["frames"][1]["line"] == 41
    assert back["last_at"][4] == "-" and back["sample"]["at"][4] == "-" and back["history"][0]["at"][4] == "-"
    assert back["muted_until"] is None and "Traceback" in back["sample"]["sample"][0]


def test_where_there_is_none_and_where_it_cannot_be_read(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(house, capsys) == (0, "no open errors\n")
    errors_file(house.workspace).write_text("{torn")
    status, said = told(house, capsys)
    assert status == 2 and str(errors_file(house.workspace)) in said and "restore it" in said
    status, said = told(house, capsys, "--json")
    assert status == 2 and "restore it" in json.loads(said)["trouble"]
    assert main(["errors", "/nowhere-at-all"]) == 2


def test_hostile_words_are_harmless(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    keep(house, hostile="\x1b[2J\x1b]0;owned\x07evil\nsecond line\u202e")
    for words in ((), ("--json", "--all"), ("--all",)):
        _, said = told(house, capsys, *words)
        assert "evil" in said and "\x1b" not in said and "\u202e" not in said and "\nsecond" not in said


def test_status_and_alarms_tell_of_errors_too(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(house.root)]) == 0
    assert "errors:" not in capsys.readouterr().out
    keep(house)
    assert main(["status", str(house.root)]) == 0
    said = capsys.readouterr().out
    assert "errors: 1 back again, 1 new (praxmonitor errors lists them)" in said
    assert "@checker error back: ValueError" in said
    assert main(["status", str(house.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["errors"]
    assert told == {"new": 1, "investigating": 1, "muted": 1, "resolved": 1, "back": 1}
    assert main(["alarms", str(house.root)]) == 1
    assert "@checker error back: ValueError" in capsys.readouterr().out


def test_since_you_were_away_tells_of_what_is_new_or_back(house: House) -> None:
    now = time.time()
    assert not summarize(house.workspace, now - 60)
    keep(house)
    found = summarize(house.workspace, now - 3600)
    assert "1 error back again, 1 new error" in headline(found, now)
    first, second = summary_lines(found)
    assert (
        "@checker error back again, 7×: ValueError" in first.text and "@writer error new, 12×: KeyError" in second.text
    )
    assert (first.fingerprint, first.address) == ("000000000005", "")
    assert len(summarize(house.workspace, now - 300).errors) == 1, "what is older and new was told of before"
