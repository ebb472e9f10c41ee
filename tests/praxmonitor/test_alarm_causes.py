"""What a failure comes of, by the words that the programs print, and that the alarms of it bear that cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailcore.model.activity import Kind
from mailcore.model.run import MAX_RESULT, Phase, Run
from mailcore.observe.causes import CAUSE_WORDS, LONGEST, cause_of, cause_of_run
from mailcore.programs.base import Output
from mailcore.programs.claude import result
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.missing_directories import NOTHING
from tests.stories.made import HOME, story, working
from tests.stories.moves import fails, waits
from tests.stories.play import Stands, Story, play
from tests.stories.words import Life

WORDS = {
    # Claude Code
    "API Error: Unable to connect to API (ECONNREFUSED)": "network",
    "API Error: Unable to connect to API (ConnectionRefused)": "network",
    "API Error: Connection error.": "network",
    "API Error (Connection error.) · Retrying in 1 seconds… (attempt 1/10)": "network",
    "Unable to connect to Anthropic services": "network",
    "API error (FailedToOpenSocket), attempt 2 of 10": "network",
    "API 529 (overloaded_error)": "service",
    'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}': "service",
    "API Error: 500 Internal server error": "service",
    "Invalid API key · Please run /login": "auth",
    "API Error: 401 OAuth token has expired. Please run /login": "auth",
    "exit 1, error_max_turns": "turn limit",
    # Codex
    "stream disconnected before completion: error sending request for url (https://api.openai.com/v1)": "network",
    "failed to lookup address information: Temporary failure in name resolution": "network",
    "unexpected status 401 Unauthorized: Incorrect API key provided": "auth",
    "unexpected status 503 Service Unavailable": "service",
    "Selected model is at capacity": "service",
    # Gemini CLI
    "exception TypeError: fetch failed sending request": "network",
    "request to https://oauth2.googleapis.com/token failed, reason: getaddrinfo ENOTFOUND": "network",
    "getaddrinfo EAI_AGAIN generativelanguage.googleapis.com": "network",
    "connect ETIMEDOUT 142.250.74.74:443": "network",
    "API 503: The model is overloaded. Please try again later.": "service",
    "exit 41: it is not logged in": "auth",
    "API key not valid. Please pass a valid API key.": "auth",
    # the system
    "curl: (6) Could not resolve host: api.anthropic.com": "network",
    "OSError: [Errno 101] Network is unreachable": "network",
    "connect: No route to host": "network",
    "exit 1: OSError: [Errno 28] No space left on device": "disk",
    "ENOSPC: no space left on device, write": "disk",
    "write error: Disk quota exceeded": "disk",
    "cannot start claude: No such file or directory (claude)": "missing program",
    "@writer is a codex agent, and codex is not on PATH": "missing program",
    "sh: 1: gemini: command not found": "missing program",
    "spawn rg ENOENT": "missing program",
    "fork: Cannot allocate memory": "memory",
    "FATAL ERROR: Reached heap limit Allocation failed": "memory",
    # our own
    "its supervisor (PID 4711) died; what it ran is ended": "supervisor",
    # none of these
    "": "",
    "exit 1": "",
    "no sign of life in 90 s": "",
    "ended by SIGKILL": "",
    "Report: the test of the 5xx page fails": "",
    "the author of the network layer": "",
    "the disk layout is documented": "",
}


@pytest.mark.parametrize(("text", "cause"), WORDS.items())
def test_the_words_of_a_failure_tell_its_cause(text: str, cause: str) -> None:
    assert cause_of(text) == cause


def test_every_cause_has_words() -> None:
    assert {cause for cause, _ in CAUSE_WORDS} == set(WORDS.values()) - {""}


def test_what_stands_far_behind_in_a_text_tells_nothing() -> None:
    assert cause_of("x" * LONGEST + " no space left on device") == ""


def failed(reason: str, last: str = "") -> Run:
    return Run("r", "@a", "@b", "Report", "m", "claude", 1.0, phase=Phase.BOUNCED, reason=reason, result=last)


def test_the_last_words_of_a_program_count_only_where_they_are_an_error() -> None:
    assert cause_of_run(failed("exit 1, success", "API Error: Connection error.")) == "network claude"
    assert cause_of_run(failed("exit 1", "I could not test it: the network is unreachable in this sandbox.")) == ""
    assert cause_of_run(failed("exit 1: ENOSPC", "API Error: Connection error.")) == "disk"
    assert MAX_RESULT <= LONGEST


def test_claude_tells_a_failed_request_as_success_and_its_text_is_the_reason(tmp_path: Path) -> None:
    told = {
        "type": "result", "subtype": "success", "is_error": True, "api_error_status": None,
        "result": "API Error: Unable to connect to API (ECONNREFUSED)", "session_id": "s",
    }  # fmt: skip
    out = tmp_path / "out"
    out.write_text(json.dumps(told) + "\n")
    ending = result.ending(1, Output(out, tmp_path / "err"))
    assert not ending.success and not ending.limited
    assert cause_of(ending.cause) == "network" and ending.cause.startswith("exit 1, API Error: Unable to connect")


def alarms_of(told: Story) -> dict[AlarmKind, Alarm]:
    found: dict[AlarmKind, Alarm] = {}
    play(told, on_events=lambda due: found.update({e.alarm.kind: e.alarm for e in due.raised}))
    return found


@pytest.mark.parametrize(
    ("reason", "cause", "helps"),
    [
        ("exit 1: ENOSPC: no space left on device", "disk", "make room"),
        ("exit 1, Invalid API key · Please run /login", "auth", "log in"),
        ("cannot start claude: No such file or directory (claude)", "missing program", "install"),
        ("exit 1, error_max_turns", "turn limit", "max_turns"),
        ("exit 1", "", "copy story (y)"),
        ("exit 1; 20 attempts failed in a minute in this workspace, so none is repeated by itself "
         "([dispatch] fleet_failures)", "", "the breaker lets go by itself"),
    ],
)  # fmt: skip
def test_a_failure_bears_its_cause_and_says_what_lifts_it(reason: str, cause: str, helps: str) -> None:
    alarm = alarms_of(story("fails", 100, working(60).ends(70, "bounced", reason=reason)))[AlarmKind.BOUNCED]
    assert alarm.cause == cause and helps in alarm.remedy and "retry (r)" in alarm.remedy


def test_a_network_that_is_lost_names_its_agents_and_a_circle_its_members() -> None:
    lives = (waits("a", 50, "@b"), waits("b", 60, "@c"), waits("c", 70, "@b"))
    circle = alarms_of(story("behind a circle", 100, *lives))[AlarmKind.DEADLOCK]
    assert circle.agents == ("@b", "@c") and circle.address == "" and "; @a waits behind them" in circle.seen
    assert circle.what == "deadlock: @b waits for @c, @c for @b" and circle.id.startswith("@b @c ")
    lost = alarms_of(story("lost", 200, *(fails(name, 100) for name in "dcba")))[AlarmKind.NETWORK]
    assert (lost.cause, lost.agents) == ("network", ("@a", "@b", "@c", "@d"))
    assert "4 agents" in lost.what and "@a, @b, @c and 1 more" in lost.expected


def test_a_storm_bears_the_cause_of_its_errors() -> None:
    life = Life().starts(10).steady(20, 200)
    for number in range(12):
        life.does(100 + number, Kind.ERROR, f"ENOSPC: no space left on device, write {number}", source="log")
    assert alarms_of(story("storm", 200, life))[AlarmKind.STORM].cause == "disk"


def test_a_missing_directory_bears_what_it_lay_in() -> None:
    alarm = alarms_of(story("gone", 200, Life(), steps=((100, (Stands(HOME, NOTHING),)),)))[AlarmKind.GONE]
    assert alarm.cause == "mount /house"
