"""What is kept of alarms across restarts: their history, mutes, latched failures; and the load that it tells of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from praxmonitor.alarms import history
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.alarm_mutes import AlarmMute, new_id
from praxmonitor.alarms.episode import ACKNOWLEDGED, AlarmEvents, Episode, ReportedEpisode
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.history import AlarmHistory, HistoryEntry, answered_entries, event_entries
from praxmonitor.alarms.statistics import DAY, STALE_AFTER, load_of
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.sound import Urgency

NOW = 1_800_000_000.0
FAILED = Alarm(AlarmKind.BOUNCED, "@writer", NOW, "bounced: Report", id="r1", cause="auth", agents=("@writer",))
EPISODE = Episode(FAILED, NOW)
MUTE = AlarmMute("ab12", NOW + 1e9, agent="@writer", why="being repaired", by="@operator", at=NOW)


def test_what_happened_and_what_was_answered_is_kept_in_order(tmp_path: Path) -> None:
    kept = AlarmHistory(tmp_path)
    kept.add(event_entries(AlarmEvents((EPISODE,)), NOW))
    kept.add(answered_entries([EPISODE], ACKNOWLEDGED, NOW + 5, "@operator"))
    kept.add(answered_entries([EPISODE], NOW + 99, NOW + 6, "@operator"))
    kept.add(answered_entries([EPISODE], 0.0, NOW + 7, "@operator"))
    kept.add(event_entries(AlarmEvents(over=(EPISODE,)), NOW + 9))
    kept.add([])
    found = list(AlarmHistory(tmp_path).entries())
    assert [(entry.event, entry.at - NOW, entry.by) for entry in found] == [
        ("raised", 0, ""), ("acknowledged", 5, "@operator"), ("snoozed", 6, "@operator"),
        ("asked again", 7, "@operator"), ("over", 9, ""),
    ]  # fmt: skip
    assert found[0] == HistoryEntry(NOW, "raised", FAILED.key, "bounced", "@writer", "medium", "bounced: Report")
    assert len(list(AlarmHistory(tmp_path).entries(since=NOW + 6))) == 3


def test_a_history_that_grew_too_long_keeps_its_newer_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_BYTES", 2000)
    kept = AlarmHistory(tmp_path)
    for number in range(100):
        kept.add([HistoryEntry(NOW + number, "raised", f"k{number}")])
    times = [entry.at for entry in kept.entries()]
    assert times == sorted(times) and times[-1] == NOW + 99 and 5 < len(times) < 60
    assert (tmp_path / history.FILE).stat().st_size < 2200


def test_broken_lines_of_a_history_cost_themselves_alone(tmp_path: Path) -> None:
    kept = AlarmHistory(tmp_path)
    kept.add([HistoryEntry(NOW, "raised", "one")])
    with (tmp_path / history.FILE).open("ab") as file:
        file.write(b'{"at": "never", "event": 1}\n\xff\xfe\nnot json\n{"at": 5')
    kept.add([HistoryEntry(NOW + 1, "over", "one")])
    assert [entry.event for entry in kept.entries()] == ["raised", "over"]


def test_secrets_and_escapes_of_an_alarm_s_text_do_not_reach_its_history(tmp_path: Path) -> None:
    evil = replace(FAILED, what="bounced: \x1b]0;x\x07 key sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    kept = AlarmHistory(tmp_path)
    kept.add(event_entries(AlarmEvents((replace(EPISODE, alarm=evil),)), NOW))
    text = (tmp_path / history.FILE).read_text()
    assert "sk-ant-api03-AAAA" not in text and json.loads(text)["what"].isprintable()


def test_mutes_survive_a_restart_and_are_ended_early(tmp_path: Path) -> None:
    store = AlarmStore(tmp_path)
    assert store.mutes() == ()
    store.change_mutes(lambda mutes: (*mutes, MUTE))
    assert AlarmStore(tmp_path).mutes() == (MUTE,) and store.mutes() is store.mutes()
    other = AlarmStore(tmp_path)
    other.change_mutes(lambda mutes: tuple(mute for mute in mutes if mute.id != MUTE.id))
    assert store.mutes() == (), "another screen ended it"
    over = replace(MUTE, until=1.0)
    assert store.change_mutes(lambda mutes: (*mutes, over)) == (), "what was over for long is not kept"


@pytest.mark.parametrize("text", ["", "[]", '{"mutes": 5}', '{"mutes": [5, {}, {"id": 1, "until": "x"}]}', "\xff"])
def test_a_broken_file_of_mutes_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "alarm_mutes.json").write_text(text, encoding="latin-1")
    assert AlarmStore(tmp_path).mutes() == ()


def test_ids_of_mutes_differ() -> None:
    taken: set[str] = set()
    for _ in range(300):
        taken.add(new_id(taken))
    assert len(taken) == 300


def test_a_latched_failure_survives_a_restart_until_it_is_acknowledged(tmp_path: Path) -> None:
    episodes, _ = advance(Episodes(), [FAILED], {}, NOW)
    AlarmStore(tmp_path).save_reported(episodes.by_key)
    reported = AlarmStore(tmp_path).reported()
    assert reported[FAILED.key] == ReportedEpisode(NOW, 1, float("inf"), FAILED)
    after, events = advance(Episodes(reported_before=reported), [], {}, NOW + 9)
    assert after.by_key[FAILED.key].latched and not events
    goes_on, events = advance(Episodes(reported_before=reported), [FAILED], {}, NOW + 9)
    assert not goes_on.by_key[FAILED.key].latched and not events
    answered, _ = advance(Episodes(reported_before=reported), [], {FAILED.key: ACKNOWLEDGED}, NOW + 9)
    assert not answered.by_key


def test_the_load_is_counted_and_too_much_is_said() -> None:
    assert load_of([], [], NOW).warnings == ()
    entries = [HistoryEntry(NOW - 30 * n, "raised", f"k{n}", "bounced", f"@a{n % 2}", "medium") for n in range(12)]
    entries += [HistoryEntry(NOW - DAY - 5, "raised", "old"), HistoryEntry(NOW - 5, "over", "k1")]
    load = load_of(entries, [EPISODE, replace(EPISODE, latched=True)], NOW)
    assert (load.last_ten_minutes, load.last_hour, load.last_day, load.most_in_ten_minutes) == (12, 12, 12, 12)
    assert (load.standing, load.urgencies["medium"]) == (1, 12)
    assert load.worst == (("bounced", "@a0", 6), ("bounced", "@a1", 6))
    assert load.warnings == ("12 alarms in ten minutes: more than 10, which nobody follows",)
    edge = [HistoryEntry(NOW - 600, "raised", "a"), HistoryEntry(NOW, "raised", "b")]
    assert (load_of(edge, [], NOW).last_ten_minutes, load_of(edge, [], NOW).most_in_ten_minutes) == (1, 1)
    spread = [HistoryEntry(NOW - 500 * n, "raised", f"k{n}") for n in range(8)]
    assert load_of(spread, [], NOW).warnings == ("8 alarms in an hour: more than one in ten minutes",)
    many = [replace(EPISODE, alarm=replace(FAILED, id=str(n))) for n in range(10)]
    assert load_of([], many, NOW).warnings == ("10 alarms standing: 10 or more",)


def test_what_stands_for_a_day_is_stale() -> None:
    old = replace(EPISODE, alarm=replace(FAILED, since=NOW - STALE_AFTER - 1), urgency=Urgency.LOW)
    load = load_of([], [old, EPISODE], NOW)
    assert load.stale == ("@writer bounced: Report",)
    assert load.warnings == ("1 alarm standing for more than a day",)
