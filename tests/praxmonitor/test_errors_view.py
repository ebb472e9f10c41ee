"""The view of errors: what it lists and in which order, the whole of one, the filter, its words where there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from mailcore.model.error_group import ErrorGroup, ErrorGroups, GroupEntry, GroupState, StackFrame
from mailcore.model.fleet import Fleet
from praxmonitor.actions.keymap import Keymap
from praxmonitor.app.app import PraxApp
from praxmonitor.feed.playback import Playback
from praxmonitor.state.error_listing import NO_PLACES, listed
from praxmonitor.text.error_lines import group_line, how_often, whole_lines
from praxmonitor.text.error_looks import read_error_filter, tally_words
from praxmonitor.text.lines import width_of
from praxmonitor.views.errors import ErrorsScreen
from tests.clock import NOON
from tests.praxmonitor.fake_errors import each_state, event, group, many_errors, with_errors
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;aGk=\x07[bold]evil[/]\u202etxt.exe\nsecond \x9bline"
NEW, BACK, LOOKED_AT, MUTED, RESOLVED = (
    GroupState.NEW, GroupState.BACK, GroupState.INVESTIGATING, GroupState.MUTED, GroupState.RESOLVED,
)  # fmt: skip


def titles(groups: Sequence[ErrorGroup]) -> list[str]:
    return [one.title for one in groups]


def test_what_nobody_has_taken_up_stands_first_then_what_was_seen_last() -> None:
    states = [one.state for one in listed(each_state(), NO_PLACES, NOON)[0]]
    assert states == [NEW, BACK, LOOKED_AT, MUTED, RESOLVED], "of the first two the one that was seen last"
    lapsed = replace(each_state()[3], muted_until=NOON - 1)
    assert [one.state for one in listed((lapsed, each_state()[4]), NO_PLACES, NOON)[0]] == [MUTED, BACK], (
        "it is new again"
    )


def test_no_row_jumps_while_more_of_them_happen() -> None:
    a, b, c = (group(n, NEW, name, ago=10.0 * n) for n, name in enumerate("abc", 1))
    _, before = listed((c, a, b), NO_PLACES, NOON)
    assert titles(listed((a, replace(c, last_at=NOON), b), before, NOON)[0]) == ["a", "b", "c"], "c happened again"
    new = group(4, NEW, "new", ago=900.0)
    assert titles(listed((a, c, b, new), before, NOON)[0]) == ["new", "a", "b", "c"], "what comes is seen"
    assert titles(listed((replace(a, state=LOOKED_AT), b, c), before, NOON)[0]) == ["b", "c", "a"], "taken up"
    settled = (replace(a, state=RESOLVED), b, c)
    _, at_rest = listed(settled, before, NOON)
    assert titles(listed((replace(a, state=BACK), b, c), at_rest, NOON)[0]) == ["a", "b", "c"], "what is back is seen"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("", "KeyError ValueError panic"),
        ("LITERAL", "ValueError"),
        ("!keyerror", "ValueError panic"),
        ("@checker", "ValueError"),
        ("@wri", "KeyError panic"),
        ("!@writer", "ValueError"),
        ("state:back", "ValueError"),
        ("state:r", "Error:"),
        ("state:muted", "npm"),
        ("!state:muted", "Error: KeyError ValueError panic"),
        ("state:back_again python", "ValueError"),
        ("state:", "KeyError ValueError panic"),
        ("state:dance", "KeyError ValueError panic"),
        ("nothing-of-that", ""),
    ],
)
def test_only_what_was_typed_is_shown_and_what_is_settled_if_its_state_is_named(typed: str, shown: str) -> None:
    wanted = read_error_filter(typed)
    found = {one.title.split()[0] for one in each_state() if wanted.shows(one, NOON)}
    expected = {"KeyError": "KeyError:", "ValueError": "ValueError:", "panic": "panic:"}
    assert found == {expected.get(word, word) for word in shown.split()}
    assert ("no state" in wanted.trouble) is (typed == "state:dance")
    assert ("which state" in wanted.trouble) is (typed == "state:")
    assert len([one for one in each_state() if read_error_filter("", settled=True).shows(one, NOON)]) == 5


def test_the_row_of_one_that_is_muted_says_until_when() -> None:
    muted = each_state()[3]
    for width in (56, 76, 120):
        assert "until 12:30  npm ERR!" in "".join(text for text, _ in group_line(muted, NOON, width))
    rows = (replace(muted, muted_until=0.0), replace(muted, muted_until=NOON - 1), each_state()[0])
    assert not any("until" in text for row in rows for text, _ in group_line(row, NOON, 120)), "no end, over, not muted"


def test_counts_in_words_and_in_six_cells() -> None:
    assert tally_words(each_state(), NOON) == "1 back again, 1 new, 1 investigating"
    assert tally_words((), NOON) == tally_words(each_state()[:1], NOON) == "no open errors"
    assert [how_often(n) for n in (1, 1204, 9999, 10_000, 12_345_678)] == ["1×", "1,204×", "9,999×", "10k×", "9999k×"]


@pytest.mark.parametrize("width", [20, 56, 76, 96, 200])
def test_hostile_words_become_lines_that_fit_and_are_harmless(width: int) -> None:
    """Escape sequences are seen, and not obeyed; a line of theirs stays one, whatever it holds."""
    sample = replace(
        event(HOSTILE, "@evil\x1b[m", 5, sample=(HOSTILE, "\r\r\rprogress\x08", "x" * 5000, *["line"] * 200)),
        frames=(StackFrame(HOSTILE, 3, HOSTILE), *[StackFrame("a.py")] * 80), path=f"/a/{HOSTILE}",
    )  # fmt: skip
    bad = replace(
        group(1, BACK, HOSTILE, "@evil\x1b[m"), sample=sample, owner=HOSTILE, owner_why=HOSTILE, kind=HOSTILE,
        resolution=HOSTILE * 50, runs=(HOSTILE,), message_id=HOSTILE,
        history=(GroupEntry(NOON, HOSTILE, HOSTILE),) * 40, fingerprint="f" * 12,
    )  # fmt: skip
    lines = [group_line(bad, NOON, width), *whole_lines(bad, NOON, width)]
    assert all(text.isprintable() for line in lines for text, _ in line)
    assert all(width_of(line) <= width for line in lines[1:] if "a.py" not in str(line)) or width < 30
    said = "\n".join("".join(text for text, _ in line) for line in lines)
    assert "�[2J" in said and "and 143 lines more" in said and "and 51 more" in said and len(lines) < 300


def test_the_whole_of_one_tells_what_is_known_and_says_what_is_not() -> None:
    back = each_state()[4]
    said = "\n".join("".join(text for text, _ in line) for line in whole_lines(back, NOON, 100))
    for part in (
        "state     ! back again after it was resolved 11:55:00", "count     7 times (python)",
        "@checker 5×, @planner 2×",
        "asked     @checker: src/report/parse.py:41 lies in its branch", "mail      0000abce; open it: thread (t)",
        "done      rows without a number are skipped", "  Traceback (most recent call last):",
        "    return [int(cell) for cell in row]", "src/report/parse.py:41  rows", "came back after it was resolved",
        "resolved: rows without a number are skipped (by @checker)", "investigate (I), resolve (R) or mute (m) it",
        "where     checker/logs/checker.log", "byte 4,096 (log)",
    ):  # fmt: skip
        assert part.strip() in said or part in said, part
    frames = [line for line in said.splitlines() if re.match(r"  src/", line)]
    assert [line.split(":")[0].strip() for line in frames] == ["src/report/parse.py", "src/report/main.py"]
    bare = group(9, NEW, "KeyError", sample=None, runs=(), history=())
    told = "\n".join("".join(text for text, _ in line) for line in whole_lines(bare, NOON, 100))
    assert "asked     nobody yet" in told and "mail" not in told and "frames" not in told and "history" not in told
    long = replace(back, sample=event("x", "@a", 5, sample=("line",) * 61))
    assert "and 1 line more, in the log" in str(whole_lines(long, NOON, 100))
    own = whole_lines(back, NOON, 100, Keymap({"resolve_error": ("f5",)}).respelled)
    assert "resolve (F5)" in str(own)


async def opened(fleet: Fleet, pilot: Pilot[None]) -> ErrorsScreen:
    app = pilot.app
    assert isinstance(app, PraxApp)
    await until(pilot, lambda: app.snapshot.fleet.agents == fleet.agents, "it was read")
    await pilot.press("7")
    await until(pilot, lambda: isinstance(app.screen, ErrorsScreen), "the errors are in front")
    view = app.screen
    assert isinstance(view, ErrorsScreen)
    await until(pilot, lambda: "reading" not in text_of(app), "it is drawn")
    return view


def app_of(fleet: Fleet, **more: object) -> PraxApp:
    return app_on(FakeFeed(fleet), workspace(fleet), **more)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_it_lists_what_is_open_and_the_rest_on_demand() -> None:
    fleet = with_errors(None, *each_state(), warnings=4)
    app = app_of(fleet)
    async with app.run_test(size=(120, 36)) as pilot:
        view = await opened(fleet, pilot)
        drawn = text_of(app)
        assert "1 back again, 1 new, 1 investigating; 2 not shown (v)  4 warnings besides" in drawn
        assert "+ new" in drawn and "12×" in drawn and "@checker +1" in drawn and "→ @checker" in drawn
        assert "npm ERR" not in drawn and "EADDRINUSE" not in drawn
        await pilot.press("v")
        await until(pilot, lambda: "npm ERR" in text_of(app) and "EADDRINUSE" in text_of(app), "all are shown")
        assert view.chosen is not None and view.chosen.title == "KeyError: 'title'", "the cursor stays"
        await pilot.press("v")
        await until(pilot, lambda: "npm ERR" not in text_of(app), "and are not again")


@pytest.mark.anyio
async def test_the_whole_of_one_takes_the_place_of_the_list_and_gives_it_back() -> None:
    fleet = with_errors(None, *each_state())
    app = app_of(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        view = await opened(fleet, pilot)
        await pilot.press("j", "right")
        await until(pilot, lambda: "frames, the innermost first" in text_of(app), "the whole is read")
        assert "panic: runtime" not in text_of(app) and view.panel.lines.has_focus and view.selected == "@checker"
        await pilot.press("j", "j")
        await until(pilot, lambda: view.panel.lines.scroll_offset.y == 2, "it is scrolled")
        await pilot.press("left")
        await until(pilot, lambda: "panic: runtime" in text_of(app) and view.list.lines.has_focus, "the list is back")
        await pilot.press("enter")
        await until(pilot, lambda: view.whole and view.panel.lines.has_focus, "Enter opens it too")
        assert view.panel.lines.scroll_offset.y == 0, "from its top"
        await pilot.press("enter")
        await until(pilot, lambda: app.navigation.current == "agent", "Enter in it goes to its agent")
        assert getattr(app.screen, "selected", "") == "@checker"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is view and view.whole, "it stays as it was left")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.navigation.current == "fleet", "Esc: the list, then out")


@pytest.mark.anyio
async def test_on_a_wide_screen_the_whole_stands_beside_the_list() -> None:
    fleet = with_errors(None, *each_state())
    app = app_of(fleet)
    async with app.run_test(size=(200, 50)) as pilot:
        view = await opened(fleet, pilot)
        await until(pilot, lambda: "KeyError" in view.panel.lines.text, "it is explained")
        await pilot.press("j")
        await until(pilot, lambda: "rows without a number" in view.panel.lines.text, "the next one is")
        assert view.list.lines.has_focus and "panic: runtime" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not view.panel.lines.display and view.list.lines.display, "the list alone")


@pytest.mark.anyio
async def test_the_filter_is_typed_told_and_dropped() -> None:
    fleet = with_errors(None, *each_state())
    app = app_of(fleet)
    async with app.run_test(size=(120, 36)) as pilot:
        view = await opened(fleet, pilot)
        await pilot.press("slash", *"@checker")
        await until(pilot, lambda: "KeyError" not in text_of(app) and "ValueError" in text_of(app), "one is left")
        assert "only @checker" in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: view.list.lines.has_focus, "the list has the keys")
        await pilot.press("slash", *"zz", "enter")
        await until(pilot, lambda: "None of 5 errors is shown" in text_of(app), "it says that none is shown, and why")
        assert "v shows" in text_of(app) and "Esc drops the filter" in text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: "KeyError" in text_of(app) and app.screen is view, "Esc drops it")
        await pilot.press("slash", *"state:dance")
        await until(pilot, lambda: "no state 'dance'" in text_of(app), "what means nothing is told")
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query_one("#line", Input).has_class("-open"), "the line is closed")
        assert "KeyError" in text_of(app)


@pytest.mark.anyio
@pytest.mark.parametrize("settled", [RESOLVED, MUTED])
async def test_what_is_settled_under_the_cursor_stays_there_until_the_cursor_moves(settled: GroupState) -> None:
    a, b, c = (group(n, NEW, name, ago=10.0 * n) for n, name in enumerate(("first", "second", "third"), 1))
    fleet = with_errors(None, a, b, c)
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        view = await opened(fleet, pilot)
        await pilot.press("j")
        for count in (8, 9):
            feed.put(with_errors(fleet, replace(a, count=count), replace(b, state=settled), c))
            await until(pilot, lambda: f"{count}×" in text_of(app), "it is drawn anew")  # noqa: B023
            assert titles(view._groups) == ["first", "second", "third"], "in its place"
            assert view.chosen is not None and view.chosen.title == "second" and view.chosen.state is settled
        await pilot.press("j")
        await until(pilot, lambda: titles(view._groups) == ["first", "third"], "it is hidden")
        assert view.selected == "@checker" and "▸ + new" in text_of(app) and "1 not shown (v)" in text_of(app)
        feed.put(with_errors(fleet, a, replace(b, state=settled), replace(c, state=settled)))
        await until(pilot, lambda: view.chosen and view.chosen.state is settled, "another one")
        await pilot.press("1", "7")
        await until(pilot, lambda: titles(view._groups) == ["first"], "a view that was left is in order")
        await pilot.press("v", "j")
        await until(pilot, lambda: view.chosen and view.chosen.state is settled, "one that is settled is chosen")
        await pilot.press("v")
        await until(pilot, lambda: titles(view._groups) == ["first"], "what is hidden on purpose is hidden")


@pytest.mark.anyio
async def test_the_whole_of_one_stays_on_it_whatever_becomes_of_it() -> None:
    a, b = group(1, NEW, "first", ago=10), group(2, NEW, "second", ago=20)
    fleet = with_errors(None, a, b)
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(100, 30)) as pilot:
        view = await opened(fleet, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: view.whole, "the whole is read")
        feed.put(with_errors(fleet, replace(a, state=RESOLVED, resolved_at=NOON - 5), b))
        await until(pilot, lambda: "✓ resolved" in view.panel.lines.text, "it tells of it")
        assert view.whole and view.chosen is not None and view.chosen.title == "first"
        await pilot.press("v", "v")
        await until(pilot, lambda: view.chosen and view.chosen.title == "first", "no key changes what is read")
        feed.put(with_errors(fleet, b))
        await until(pilot, lambda: titles(view._groups) == ["second"], "it is forgotten")
        assert not view.whole, "then the list is back, not the whole of another"


@pytest.mark.anyio
async def test_while_one_reads_nothing_jumps_and_a_view_that_comes_back_is_in_order() -> None:
    a, b = group(1, NEW, "first", ago=10), group(2, NEW, "second", ago=20)
    fleet = with_errors(None, a, b)
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        view = await opened(fleet, pilot)
        feed.put(with_errors(fleet, a, replace(b, count=50, last_at=NOON)))
        await until(pilot, lambda: "50×" in text_of(app), "it happened again")
        assert titles(view._groups) == ["first", "second"]
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen.is_modal, "a dialog")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is view, "closed")
        assert titles(view._groups) == ["first", "second"], "a dialog is no other view"
        await pilot.press("1", "7")
        await until(pilot, lambda: titles(view._groups) == ["second", "first"], "in order again")
        assert view.chosen is not None and view.chosen.title == "first", "the cursor is on the same one"


@pytest.mark.anyio
@pytest.mark.parametrize("known", [None, ErrorGroups()])
async def test_where_there_is_none_it_says_in_words_what_would_stand_here(known: ErrorGroups | None) -> None:
    fleet = replace(lighthouse(), errors=known)
    app = app_of(fleet)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        view = await opened(fleet, pilot)
        said = " ".join(text_of(app).split())
        assert "No errors are known." in said and "Here stands each error that agents report" in said
        assert "no open errors" in said and view.selected == "" and view.chosen is None
        for key in ("enter", "I", "R", "m", "L", "t", "y"):
            app.notices.clear()
            await pilot.press(key)
            await until(pilot, lambda: app.notices, f"{key} says why not")
            assert app.notices[-1].text == "no error is chosen" and app.screen is view, key


@pytest.mark.anyio
async def test_a_file_that_cannot_be_read_is_told_with_its_remedy_above_what_was_known() -> None:
    trouble = "/x/.praxmonitor/errors.json: line 1 column 3: expected ':'; restore it, or delete it"
    fleet = with_errors(None, *each_state(), trouble=trouble)
    app = app_of(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(fleet, pilot)
        assert "errors.json: line 1 column 3" in text_of(app) and "restore it" in text_of(app)
        assert "KeyError" in text_of(app)


@pytest.mark.anyio
async def test_a_recording_that_tells_of_no_errors_says_so() -> None:
    fleet = lighthouse()
    app = app_of(fleet, playback=Playback(NOON))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(fleet, pilot)
        assert "The recording tells of no errors." in text_of(app)


@pytest.mark.anyio
async def test_an_open_breaker_is_told() -> None:
    fleet = with_errors(None, *each_state())
    assert fleet.errors is not None
    fleet = replace(fleet, errors=replace(fleet.errors, breaker_at=NOON - 60))
    app = app_of(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(fleet, pilot)
        assert "too many agents were asked" in text_of(app)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36), (200, 50)])
async def test_it_fits_every_size_with_many_and_hostile_ones(size: tuple[int, int]) -> None:
    bad = replace(group(1, BACK, f"evil{HOSTILE}", ago=1), sample=event(HOSTILE, "@checker", 1, sample=(HOSTILE,) * 9))
    fleet = with_errors(None, bad, *many_errors())
    app = app_of(fleet)
    async with app.run_test(size=size) as pilot:
        view = await opened(fleet, pilot)
        view.select_group(bad.fingerprint)
        await until(pilot, lambda: view.chosen is bad, "it is chosen")
        for key in ("enter", "escape"):
            drawn = text_of(app)
            assert "evil" in drawn and "\x1b" not in drawn and "\u202e" not in drawn and "? help" in drawn
            await pilot.press(key)
            await until(pilot, lambda: view.whole is (key == "enter"), "the whole is read, or the list")  # noqa: B023
        await pilot.press("G")
        await until(pilot, lambda: view.list.index == len(view._groups) - 1, "the last one is reached")
