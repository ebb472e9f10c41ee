"""How the agents are listed: order, filter, columns and pulse as pure values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet, State, Status
from mailcore.model.message import Ack
from mailcore.model.run import Phase, Run
from praxmonitor.preferences.arrangement import GROUPS, SORTS, Arrangement
from praxmonitor.state.agent_filter import parse_filter
from praxmonitor.state.agent_order import arranged, group_of, sort_key
from praxmonitor.state.oldest_task import OldestTask, OldestTasks
from praxmonitor.state.pulse import CELLS, NO_PULSE, SPAN, follow_pulses, pulse_text
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from praxmonitor.text.lines import Line, width_of
from praxmonitor.widgets.table import COLUMNS, LEFT_OUT, TableRow, heading, known_columns, row_line
from tests.clock import NOON
from tests.praxmonitor.fake_feed import CONFIG, act, box, facts, lighthouse, mail, many

SNAPSHOT = next_snapshot(EMPTY, lighthouse(), NOON, CONFIG.alarms)


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def names(arrangement: Arrangement, fleet: Fleet = SNAPSHOT.fleet, *needing: str) -> list[str]:
    places = {address: place for place, address in enumerate(needing)}
    keys = {one.address: sort_key(one, SNAPSHOT.status(one.address), arrangement, NOON, places) for one in fleet.agents}
    return [one.address[1:] for one in arranged(fleet.agents, arrangement, keys)]


def shown(typed: str) -> list[str]:
    wanted = parse_filter(typed)
    assert not wanted.trouble
    return [one.address[1:] for one in SNAPSHOT.fleet.agents if wanted.shows(one, SNAPSHOT.status(one.address))]


def test_the_order_is_the_registrys_until_another_is_chosen() -> None:
    registry = [one.address[1:] for one in SNAPSHOT.fleet.agents]
    assert names(Arrangement()) == registry
    assert names(Arrangement(sort="name")) == sorted(registry)
    assert names(Arrangement(sort="attention first"))[:4] == ["editor", "checker", "builder", "reviewer"]
    needing = names(Arrangement(sort="attention first"), SNAPSHOT.fleet, "@reviewer", "@archivist")
    assert needing[:5] == ["reviewer", "archivist", "editor", "checker", "builder"], "who needs you, in that order"
    assert names(Arrangement(sort="unread"))[0] == "writer"
    assert names(Arrangement(sort="longest quiet"))[:2] == ["archivist", "reviewer"], "unknown stands last, old first"
    assert names(Arrangement(sort="longest in it"))[:2] == ["archivist", "builder"]
    assert names(Arrangement(sort="of a later version")) == registry, "what nobody knows chooses nothing"


def test_pinned_agents_stand_first_in_the_order_of_their_pins() -> None:
    pinned = Arrangement(sort="name", pinned=("@reviewer", "@archivist", "@gone"))
    assert names(pinned)[:3] == ["reviewer", "archivist", "builder"]
    assert names(Arrangement(pinned=("@archivist",)))[:2] == ["archivist", "writer"]


def test_groups_stand_together_and_those_of_no_group_last() -> None:
    by_program = names(Arrangement(group="program"))
    assert set(by_program[-2:]) == {"reviewer", "archivist"}, "they had no run"
    assert names(Arrangement(group="state"))[0] == "editor"
    assert {group_of(one, SNAPSHOT.status(one.address), "directory") for one in SNAPSHOT.fleet.agents} == {"agents"}


@given(st.sampled_from(SORTS), st.sampled_from(GROUPS), st.lists(st.sampled_from(["@writer", "@gone", "@editor"])))
def test_no_order_loses_or_doubles_an_agent(sort: str, group: str, pinned: list[str]) -> None:
    assert sorted(names(Arrangement(sort=sort, group=group, pinned=tuple(pinned)))) == sorted(names(Arrangement()))


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("state:failed", ["builder"]),
        ("state:wai", ["editor"]),
        ("!state:idle !state:working", ["writer", "editor", "checker", "builder", "planner", "reviewer"]),
        ("@edi", ["editor"]),
        ("chapter", ["writer", "editor"]),
        ("chapter !@writer", ["editor"]),
        ("CHAPTER", ["writer", "editor"]),
        ("limit:", []),
        ("nothing-of-this", []),
    ],
)
def test_a_filter_is_words_of_which_all_must_hold(typed: str, left: list[str]) -> None:
    assert shown(typed) == left


def test_who_waits_for_a_limit_is_found_by_it_and_by_the_account() -> None:
    run = SNAPSHOT.fleet.agents[0].run
    assert run is not None
    limited = structs.replace(SNAPSHOT.fleet.agents[0], run=replace(run, account="work"))
    status = Status(State.LIMITED, "until 03:30")
    assert parse_filter("limit:").shows(limited, status) and parse_filter("limit:work").shows(limited, status)
    assert not parse_filter("limit:home").shows(limited, status)
    assert not parse_filter("limit:").shows(limited, Status(State.WORKING, ""))


@pytest.mark.parametrize("typed", ["state:", "state:fialed", "!", "writer !"])
def test_a_bad_word_is_told_and_hides_nobody(typed: str) -> None:
    wanted = parse_filter(typed)
    assert wanted.trouble and wanted.shows(SNAPSHOT.fleet.agents[0], SNAPSHOT.status("@writer"))


hostile = st.text(max_size=60)


@given(st.lists(st.sampled_from([*COLUMNS, "unknown"])), st.integers(60, 300), hostile, st.booleans())
def test_every_choice_of_columns_fits_every_width(chosen: list[str], width: int, said: str, grouped: bool) -> None:
    one = structs.replace(
        SNAPSHOT.fleet.agents[0], activities=(act("writer", Kind.TOOL, said, 3),), mailbox=box(mail(1, said, said, 5))
    )
    row = TableRow(one, Status(State.WORKING, said, NOON - 5), NOON, group=said if grouped else None)
    assert width_of(row_line(row, width, chosen)) == width == width_of(heading(width, chosen, grouped))


def test_the_columns_stand_as_they_were_chosen_and_the_least_important_give_way() -> None:
    chosen = ("program", "task", "state", "unknown", "task")
    assert known_columns(chosen) == ("program", "task", "state")
    wide = text(heading(200, chosen))
    assert wide.index("program") < wide.index("task") < wide.index("state") and "since" not in wide
    assert "program" not in text(heading(60, [*COLUMNS])) and "task" in text(heading(60, [*COLUMNS]))
    assert set(LEFT_OUT) < set(COLUMNS)
    assert all("today" in text(heading(width)) for width in range(66, 200)), "texts are cut before the cost is left out"
    assert "last sign" in text(heading(88)), "and both are there beside the detail at 150 columns"


def test_an_error_is_told_from_its_beginning_in_the_table() -> None:
    """Seen by a stranger: the line was cut just before the error, after `exit 4:`."""
    builder = SNAPSHOT.fleet.agents[4]
    said = "Build the site (attempt 3/3): exit 4: OSError: no space left on device"
    builder = structs.replace(builder, activities=(act("builder", Kind.FAILED, said, 75),))
    assert "✗ OSError: no space" in text(row_line(TableRow(builder, SNAPSHOT.status("@builder"), NOON), 120))


def test_the_marked_are_seen_without_colours() -> None:
    row = TableRow(SNAPSHOT.fleet.agents[0], SNAPSHOT.status("@writer"), NOON)
    assert text(row_line(row, 80)).startswith("▎◆ writer")
    assert text(row_line(row._replace(marked=True), 80)).startswith("▎◆*writer")
    assert text(row_line(row._replace(marked=True, group="at work"), 80)).startswith("▎at work      ◆*writer")


def parked() -> AgentFacts:
    run = Run("r", "@writer", "@operator", "Write", "1", "command", NOON - 60, phase=Phase.WAITING, limited=True)
    return structs.replace(facts("writer"), run=replace(run, next_at=NOON + 3600))


def test_the_table_says_when_a_run_goes_on() -> None:
    assert (
        text(row_line(TableRow(parked(), Status(State.LIMITED, ""), NOON), 120, ["next", "task"])).split()[2] == "13:00"
    )
    planner = SNAPSHOT.fleet.agents[5]
    woken = TableRow(planner, SNAPSHOT.status("@planner"), NOON, every=600.0)
    assert text(row_line(woken, 120, ["next", "task"])).split()[2] == "12:08", "by its timer"


def doing(*ago: float) -> Fleet:
    done = tuple(act("writer", Kind.LOG, "x", seconds) for seconds in ago)
    return Fleet(SNAPSHOT.fleet.root, (facts("writer", activities=done),))


def test_the_pulse_counts_by_spans_and_says_what_it_does_not_know() -> None:
    fleet = doing(400, 5, 4, 3, 2)
    pulses = follow_pulses({}, None, fleet, NOON)
    drawn = pulse_text(pulses["@writer"], NOON)
    assert len(drawn) == CELLS and drawn.startswith(NO_PULSE * 3), "before the screen was opened"
    assert "▁" in drawn and drawn.rstrip()[-1] in "▂▃"
    later = pulse_text(pulses["@writer"], NOON + 3 * SPAN)
    assert later.endswith("   ") and later[:-3] == drawn[3:], "it moves to the left, and nothing was done since"
    assert pulse_text(pulses["@writer"], NOON + 99 * SPAN) == " " * CELLS


def test_the_pulse_counts_nothing_twice_and_forgets_nobody_who_rests() -> None:
    first = doing(5, 4)
    pulses = follow_pulses({}, None, first, NOON)
    assert follow_pulses(pulses, first, first, NOON) is pulses
    second = doing(5, 4, 3)
    assert sum(follow_pulses(pulses, first, second, NOON)["@writer"].counts) == 3
    quiet = Fleet(first.root, (*second.agents, facts("editor")))
    assert sum(follow_pulses(pulses, second, quiet, NOON)["@writer"].counts) == 2, "the same facts are not looked at"


def test_the_pulse_of_thousands_stays_in_its_cells() -> None:
    pulses = follow_pulses({}, None, doing(*(n / 100 for n in range(3000, 0, -1))), NOON)
    assert "█" in pulse_text(pulses["@writer"], NOON) and len(pulses["@writer"].counts) == CELLS


def test_the_oldest_task_is_the_one_that_nobody_has_answered() -> None:
    fresh, old = (replace(mail(n, "@planner", "Task", ago), is_task=True) for n, ago in ((1, 60.0), (2, 900.0)))
    answered = replace(mail(3, "@planner", "Task", 9999), is_task=True, ack=Ack("done"))
    letter = mail(4, "@planner", "a letter", 99999)
    fleet = Fleet(
        SNAPSHOT.fleet.root,
        (facts("a", mailbox=box(fresh, letter)), facts("b", mailbox=box(old, answered)), facts("c")),
    )
    tasks = OldestTasks()
    assert tasks.of(fleet) == OldestTask("@b", NOON - 900)
    done = structs.replace(fleet, agents=(fleet.agents[0], facts("b", mailbox=box(answered))))
    assert tasks.of(done) == OldestTask("@a", NOON - 60), "what changed is looked at anew"
    assert OldestTasks().of(many(3)) is None
