"""What limit a program met, and when it is lifted: as fields say, else words, else unknown; it is never invented."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mailcore.model.limit import FARTHEST_RESET, SERVICE, Certainty, Limit
from mailcore.programs.base import Ending, Output
from mailcore.programs.claude.limits import printed_limits
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.codex.limits import SessionLimits, failure_limit
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.gemini.limits import quota_limit
from mailcore.programs.limit_values import field_delay, field_share, field_time, words_time
from mailcore.programs.registry import program
from tests.mailcore.programs.made import FIXTURES, is_sound, output

CASES = [json.loads(line) for line in Path(__file__).with_name("limit_cases.jsonl").read_text().splitlines()]
"""A case a line: `words` with which a run failed or a `line` that a program wrote, when, in which zone the machine is;
the scope (null: no limit at all), the reset (null: unknown) and how sure that is."""
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll", "America/Argentina/Buenos_Aires",
)  # fmt: skip
MODEL = "gemini-2.5-flash"


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where programs keep their sessions, and afterwards the machine's own time zone again."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    yield
    monkeypatch.undo()
    time.tzset()


def moment(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def printed(program_name: str, words: str, status: int | None) -> tuple[int, str]:
    """The exit code and the output of a run of that program which failed with such words."""
    match program_name:
        case "claude":
            result = {"type": "result", "subtype": "success", "is_error": True, "result": words}
            return 1, json.dumps({**result, "api_error_status": status})
        case "codex":
            return 1, json.dumps({"type": "turn.failed", "error": {"message": words}})
        case _:
            begun = json.dumps({"type": "init", "model": MODEL})
            failed = {"type": "result", "status": "error", "error": {"type": "unknown", "message": words}}
            return (status or 0) & 0xFF, f"{begun}\n{json.dumps(failed)}"


def met(case: dict[str, Any], tmp_path: Path) -> Limit | None:
    """The limit that is met in a case."""
    name, seen_at = case["program"], moment(case["seen"])
    if "line" in case and not case.get("printed"):
        line = json.dumps(case["line"]).encode()
        reader: Any = ClaudeTranscript("@a", Path("s.jsonl")) if name == "claude" else CodexRollout("@a", Path("s"))
        if case["line"]["type"] == "rate_limit_event":
            reader = program(name).output_reader("@a")
        return next((one for one in reader.read(line, seen_at) if isinstance(one, Limit)), None)
    if "line" in case:
        code, text = 1, json.dumps(case["line"])
    else:
        code, text = printed(name, case["words"], case.get("status", 429))
    ended = ending(name, code, output(tmp_path, text + "\n"), seen_at)
    assert ended.limited and not ended.success
    assert ending("command", code, output(tmp_path, f"a wrapper\n{text}\n"), seen_at).limit == ended.limit
    return ended.limit


def ending(name: str, code: int, files: Output, seen_at: float) -> Ending:
    os.utime(files.stdout, (seen_at, seen_at))
    home = program(name).home
    return program(name).ending(code, dataclasses.replace(files, home=home.usual() if home is not None else None))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['program']}: {case.get('words') or case['line']}"[:90])
def test_the_reset_of_a_limit_is_right_or_unknown(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", case["zone"])
    time.tzset()
    found = met(case, tmp_path)
    if case["scope"] is None:
        assert found is None
        return
    assert found is not None and is_sound(found, case["program"])
    assert (found.scope, found.certainty) == (case["scope"], case["certainty"])
    assert found.resets_at == pytest.approx(moment(case["resets"]), abs=1e-3), datetime.fromtimestamp(found.resets_at)
    assert found.reached is case.get("reached", True) and found.model == case.get("model", found.model)
    assert found.used == pytest.approx(case.get("used"))
    assert found.seen_at == moment(case["seen"])


def test_there_are_cases_of_every_kind() -> None:
    kinds = {(case["program"], case["certainty"], "words" in case) for case in CASES if case["scope"] is not None}
    assert len(CASES) >= 60 and len(kinds) >= 11


CLAUDES = {
    "five_hour": ("5 h", ""), "seven_day": ("week", ""), "opus": ("week of opus", "opus"),
    "fable": ("week of fable", "fable"), "credits": ("week", ""), "transient": (SERVICE, ""),
    "overloaded": (SERVICE, ""), "unavailable": (SERVICE, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CLAUDES)
def test_claudes_limits_as_captured(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one run what it printed, as an object and as a stream, and what it wrote into its session file."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    kinds = ("result.json", "stream.jsonl", "session.jsonl")
    result, stream, written = ((FIXTURES / f"claude-code/limits/{name}.{kind}").read_bytes() for kind in kinds)
    line = json.loads(written)
    seen_at = moment(line["timestamp"])
    scope, model = CLAUDES[name]

    (kept,) = (one for one in ClaudeTranscript("@a", Path("s.jsonl")).read(written, seen_at) if isinstance(one, Limit))
    assert (kept.scope, kept.model, kept.reached, kept.seen_at) == (scope, model, True, seen_at)
    assert kept.certainty is (Certainty.UNKNOWN if scope == SERVICE else Certainty.REPORTED)
    assert kept.resets_at == (line.get("quotaLimits") or {}).get("resetsAt", 0)

    alone = ending("claude", 1, output(tmp_path, result), seen_at)
    assert alone.limited and alone.limit is not None and (alone.limit.scope, alone.limit.model) == (scope, model)
    if scope != SERVICE:  # its words are as exact as the minute
        assert alone.limit.certainty is Certainty.READ and 0 <= kept.resets_at - alone.limit.resets_at < 60

    session = tmp_path / "claude/projects/-work-agents-writer" / f"{line['sessionId']}.jsonl"
    session.parent.mkdir(parents=True)
    session.write_bytes(b'{"type":"user"}\n' + written + b'{"type":"last-prompt"}\n')
    assert ending("claude", 1, output(tmp_path, result), seen_at).limit == kept
    session.write_bytes(written.replace(b"You've hit your ", b"You've hit your former "))
    assert ending("claude", 1, output(tmp_path, result), seen_at).limit == alone.limit, "it met another one before"
    session.unlink()

    streamed = ending("claude", 1, output(tmp_path, stream), seen_at).limit
    assert streamed is not None and (streamed.scope, streamed.certainty) == (kept.scope, kept.certainty)
    assert abs(streamed.resets_at - kept.resets_at) < 2  # of another run, a moment later
    fewer = b"".join(raw for raw in stream.splitlines(keepends=True) if b'"type": "assistant"' not in raw)
    assert ending("claude", 1, output(tmp_path, fewer), seen_at).limit in (streamed, replace(streamed, used=1.0))
    reader = program("claude").output_reader("@a")
    assert reader is not None
    told = [one for raw in stream.splitlines() for one in reader.read(raw, seen_at) or ()]
    assert all(isinstance(one, Limit) and is_sound(one, "claude") for one in told)
    assert len(told) == (0 if scope == SERVICE else 2 if name in ("five_hour", "seven_day", "credits") else 3)
    wrapped = ending("command", 1, output(tmp_path, stream), seen_at)
    assert wrapped.limited and wrapped.limit == streamed


CODEXES = {
    "five_hour": ("5 h", True), "week": ("week", True), "model": ("1 h of gpt-6.1-codex-sonic", True),
    "later": ("", False), "credits": ("", False), "rate": ("", False), "overloaded": (SERVICE, False),
}  # fmt: skip


@pytest.mark.parametrize("name", CODEXES)
def test_codexs_limits_as_captured(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    events, rollout = (FIXTURES / f"codex/limits/{name}.{kind}.jsonl" for kind in ("exec", "rollout"))
    lines = rollout.read_bytes().splitlines()
    seen_at = moment(json.loads(lines[-1])["timestamp"])
    scope, reported = CODEXES[name]

    reader = CodexRollout("@a", Path("s.jsonl"))
    told = [one for raw in lines for one in reader.read(raw, seen_at) if isinstance(one, Limit)]
    (kept,) = (one for one in told if one.reached)
    assert kept.scope == scope and (kept.certainty is Certainty.REPORTED) is reported

    alone = ending("codex", 1, output(tmp_path, events.read_bytes()), seen_at)
    assert alone.limited and alone.limit is not None
    if reported:
        assert alone.limit.certainty is Certainty.READ and 0 <= kept.resets_at - alone.limit.resets_at < 60
    else:
        assert alone.limit.scope == scope and alone.limit.resets_at == 0.0

    thread = json.loads(lines[0])["payload"]["id"]
    session = tmp_path / f"codex/sessions/2026/11/29/rollout-2026-11-29T14-00-27-{thread}.jsonl"
    session.parent.mkdir(parents=True)
    session.write_bytes(rollout.read_bytes())
    better = ending("codex", 1, output(tmp_path, events.read_bytes()), seen_at).limit
    assert better is not None and better.words == alone.limit.words
    assert (better.scope, better.certainty, better.resets_at) == (scope, kept.certainty, kept.resets_at)
    assert ending("command", 1, output(tmp_path, events.read_bytes()), seen_at).limit == better


def test_geminis_quota_as_captured(tmp_path: Path) -> None:
    events = (FIXTURES / "gemini/stream-quota-hour.jsonl").read_bytes()
    seen_at = moment("2026-11-28T23:02:38.819+00:00")
    found = ending("gemini", 173, output(tmp_path, events), seen_at + 5).limit
    assert found is not None and (found.scope, found.model, found.certainty) == (MODEL, MODEL, Certainty.READ)
    assert (found.seen_at, found.resets_at) == pytest.approx((seen_at, seen_at + 3600))
    assert ending("command", 173, output(tmp_path, events), seen_at + 5).limit == found


@pytest.mark.parametrize("code", [0, 1, 173, 243, 247])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "You've hit your session limit · resets 3:30am (UTC)",
        "exceeded retry limit, last status: 429",
        '{"type": "log"}',
    ],
)
def test_of_a_command_that_prints_text_no_limit_is_invented(tmp_path: Path, code: int, text: str) -> None:
    found = program("command").ending(code, output(tmp_path, f"{text}\n", b"HTTP 429 rate limit"))
    assert (found.success, found.limited, found.limit) == (code == 0, False, None)


def test_a_run_that_went_on_after_a_limit_met_none(tmp_path: Path) -> None:
    failed = (FIXTURES / "codex/limits/five_hour.exec.jsonl").read_text()
    found = ending("codex", 0, output(tmp_path, failed + '{"type":"turn.completed"}\n'), time.time())
    assert (found.success, found.limited, found.limit) == (True, False, None)
    result = '{"type":"result","subtype":"success","is_error":false,"result":"Weekly limit reached"}\n'
    found = ending("claude", 0, output(tmp_path, result), time.time())
    assert (found.success, found.limited, found.limit) == (True, False, None)


SEEN = st.integers(0, 4_000_000_000).map(float)
PIECES = (
    "resets ", "try again ", "retry ", "at ", "in ", "on ", "after ", "Dec ", "Feb ", "29", "3rd", ", ", "2027 ", "12",
    ":", "30", "pm", " am",
    " (", "Europe/Berlin", "UTC", ")", "hours ", "2 d ", "9999999 ", "T", "2026-12-03", "Z", "|",
)  # fmt: skip
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@settings(max_examples=1500, deadline=None)
@given(TEXTS, SEEN | st.floats(), st.sampled_from((*ZONES, None)), st.floats(0, 1e9))
@example("resets 12:30am", float("nan"), None, 0.0)
@example("retry in " + "9" * 400 + " days", 0.0, "UTC", 0.0)
@example("resets Dec 31, 9999, 11:59pm (UTC)", 253_402_300_000.0, "Europe/Berlin", 0.0)
def test_words_never_lead_into_the_past_and_never_raise(
    text: str, seen_at: float, zone: str | None, window: float
) -> None:
    for words in (text, f"resets {text}", f"try again at {text}"):
        at = words_time(words, seen_at, zone=ZoneInfo(zone) if zone else None, window=window)
        assert at == 0.0 or seen_at < at <= seen_at + min(FARTHEST_RESET, window + 60 if window else FARTHEST_RESET)


def shown(at: float, zone: ZoneInfo, form: str) -> str:
    local = datetime.fromtimestamp(at, zone)
    text = local.strftime("%H:%M" if form == "24 h" else "%I:%M%p").removeprefix("0" if form != "24 h" else "")
    return text.lower() if form == "claude" else f"{text[:-2]} {text[-2:]}" if form == "codex" else text


@settings(max_examples=1500, deadline=None)
@given(SEEN, st.integers(1, 23 * 60), st.sampled_from(ZONES), st.sampled_from(("claude", "codex", "24 h")))
def test_a_clock_time_is_read_as_the_next_moment_that_the_zones_clocks_show_so(
    seen_at: float, minutes: int, name: str, form: str
) -> None:
    zone, at = ZoneInfo(name), (seen_at // 60 + minutes) * 60
    words = shown(at, zone, form)
    for found in (
        words_time(f"resets {words} ({name})", seen_at),
        words_time(f"try again at {words}.", seen_at, zone=zone),
    ):
        assert seen_at < found <= at and shown(found, zone, form) == words
        # Only clocks that are set back show it twice.
        turned = datetime.fromtimestamp(seen_at, zone).utcoffset() != datetime.fromtimestamp(at, zone).utcoffset()
        assert found == at or turned


@settings(max_examples=1500, deadline=None)
@given(SEEN, st.integers(1, 39 * 1440), st.sampled_from(ZONES), st.booleans())
def test_a_date_and_time_is_read_as_the_moment_that_it_names(
    seen_at: float, minutes: int, name: str, has_year: bool
) -> None:
    zone, at = ZoneInfo(name), (seen_at // 60 + minutes) * 60
    local = datetime.fromtimestamp(at, zone)
    date = f"{local:%b} {local.day}" + (f", {local.year}" if has_year else "")
    found = words_time(f"resets {date}, {shown(at, zone, 'claude')} ({name})", seen_at)
    again = datetime.fromtimestamp(found, zone).replace(fold=0, tzinfo=None)
    assert seen_at < found <= at and again == local.replace(fold=0, tzinfo=None)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING, SEEN)
def test_whatever_a_field_holds_it_is_a_moment_ahead_or_unknown(one: Any, two: Any, three: Any, seen_at: float) -> None:
    for at in (field_time(one, seen_at), field_delay(one, seen_at)):
        assert at == 0.0 or seen_at < at <= seen_at + FARTHEST_RESET
    assert (used := field_share(one)) is None or 0.0 <= used <= 100.0
    info = {"status": "rejected", "resetsAt": one, "rateLimitType": two, "utilization": three, "unifiedWindows": two}
    window = {"used_percent": one, "window_minutes": two, "resets_at": three, "resets_in_seconds": two}
    error = {"isApiErrorMessage": True, "type": "assistant", "apiErrorStatus": one, "error": two, "quotaLimits": info}
    rates = {"type": "token_count", "rate_limits": {"primary": window, "secondary": one, "limit_name": two}}
    found = [
        *printed_limits({"type": "rate_limit_event", "rate_limit_info": info}, seen_at),
        *printed_limits({**error, "message": {"content": [{"text": "You've hit your limit"}]}}, seen_at),
        *printed_limits({**error, "message": one}, seen_at),
    ]
    assert all(is_sound(limit, "claude") for limit in found)
    rates |= {"rate_limit_reached_type": one if isinstance(one, str) else "x" * 1000}
    found = [*SessionLimits().read(rates, seen_at), *SessionLimits().read({**rates, "rate_limits": one}, seen_at)]
    failed = failure_limit({"type": "usage_limit_reached", "resets_at": one, "resets_in_seconds": two}, seen_at)
    assert failed is not None and all(is_sound(limit, "codex") for limit in (*found, failed))
    assert is_sound(quota_limit(429, f"Suggested retry after {one}s.\n retry in {two}s", "", "", seen_at), "gemini")
