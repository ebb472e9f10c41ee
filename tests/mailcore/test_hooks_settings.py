"""Our entries in a settings file: all else stays as it is, and taking them out undoes exactly putting them in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from mailcore.hooks import settings
from mailcore.hooks.line import HOOK_MARK, HookEntry, hook_entries
from mailcore.hooks.settings import HookPlan
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex

EVENTS = Claude.hooks.events

OURS = set(EVENTS)
THEIRS = {"matcher": "Bash", "hooks": [{"type": "command", "command": "echo mine"}]}


def handler(note: str) -> Callable[[HookEntry, str], dict[str, Any]]:
    def one(entry: HookEntry, made: str) -> dict[str, Any]:
        return {"type": "command", "command": f"{HOOK_MARK}{made}; {note}{entry.role} {entry.event}", "timeout": 10}

    return one


line = HookPlan(hook_entries(Claude.hooks), handler(""))
other = HookPlan(hook_entries(Claude.hooks), handler("an older "))
fewer = HookPlan(hook_entries(Codex.hooks), handler(""))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
groups = st.lists(json_values | st.just(THEIRS), max_size=3)
hooks = st.dictionaries(st.sampled_from(EVENTS), groups, max_size=4).flatmap(
    lambda known: st.dictionaries(st.text(max_size=6).filter(lambda k: k not in OURS), json_values, max_size=2).map(
        lambda unknown: {**unknown, **known}
    )
)
objects = st.dictionaries(st.text(max_size=8).filter(lambda key: key != "hooks"), json_values, max_size=4)
whole = st.tuples(objects, st.none() | hooks, objects).map(
    lambda parts: {**parts[0], **({} if parts[1] is None else {"hooks": parts[1]}), **parts[2]}
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Any settings, laid out in any way: indented, on one line, spaced oddly, with a byte order mark."""
    value = draw(whole)
    layout = draw(st.sampled_from([None, 0, 1, 2, 4, "\t"]))
    apart = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\r\n ")]))
    text = json.dumps(value, indent=layout, ensure_ascii=draw(st.booleans()), separators=apart)
    space = st.text(" \t\r\n", max_size=3)
    if text.startswith("{") and len(value):
        text = text[0] + draw(space) + text[1:-1] + draw(space) + text[-1]
    else:
        text = "{" + draw(space) + "}"
    return draw(st.sampled_from(["", "\ufeff"])) + draw(space) + text + draw(space)


def without_ours(value: dict[str, Any]) -> dict[str, list[Any]]:
    """What other people's entries in the hooks are, by event."""
    found = {}
    for event, found_groups in value.get("hooks", {}).items():
        theirs = isinstance(found_groups, list)
        kept = [e for e in found_groups if HOOK_MARK not in json.dumps(e)] if theirs else found_groups
        if kept not in ([],):
            found[event] = kept
    return found


@how(deadline=None)
@given(texts(), st.sampled_from([line, fewer]))
def test_taking_out_undoes_putting_in_byte_for_byte(text: str, line: HookPlan) -> None:
    put = settings.add_our_entries(text, line)
    before, after = settings.parse_settings(text), settings.parse_settings(put)
    assert settings.is_complete(put, line) and not settings.is_complete(text, line)
    assert {k: v for k, v in after.items() if k != "hooks"} == {k: v for k, v in before.items() if k != "hooks"}
    assert [k for k in after if k in before] == list(before)
    assert without_ours(after) == without_ours(before)
    assert settings.add_our_entries(put, line) == put
    assert settings.remove_our_entries(put)[0] == text


@how(deadline=None)
@given(texts())
def test_what_another_release_put_in_is_renewed_and_then_goes_without_a_trace(text: str) -> None:
    renewed = settings.add_our_entries(settings.add_our_entries(text, other), line)
    assert settings.is_complete(renewed, line) and settings.remove_our_entries(renewed)[0] == text


@pytest.mark.parametrize("change", [
    lambda group: group["hooks"][0].pop("timeout"),
    lambda group: group["hooks"][0].update(timeout=1),
    lambda group: group["hooks"][0].update({"type": "prompt"}),
    lambda group: group["hooks"][0].update({"async": True}),
    lambda group: group.update(matcher="Bash"),
])  # fmt: skip
def test_an_entry_that_says_otherwise_when_or_for_how_long_is_renewed(change: Callable[[Any], Any]) -> None:
    text = settings.new_settings(line, "file")
    for event in line.events:
        changed = json.loads(text)
        change(changed["hooks"][event][-1])
        assert not settings.is_complete(json.dumps(changed), line)
        renewed = settings.add_our_entries(json.dumps(changed, indent=2), line)
        assert settings.is_complete(renewed, line) and json.loads(renewed)["hooks"] == json.loads(text)["hooks"]


@how(deadline=None)
@given(texts(), st.randoms(use_true_random=False))
def test_what_others_rewrote_meanwhile_stays(text: str, chance: Any) -> None:
    """Claude Code writes the whole file anew when a permission is given; a person adds hooks of their own."""
    changed = settings.parse_settings(settings.add_our_entries(text, line))
    changed["permissions"] = {"allow": ["Bash(ls)"]}
    event = chance.choice(EVENTS)
    changed["hooks"][event].insert(chance.randrange(len(changed["hooks"][event]) + 1), THEIRS)
    taken, made = settings.remove_our_entries(json.dumps(changed, indent=2))
    assert made in settings.MADE and settings.our_commands(taken) == []
    rest = settings.parse_settings(taken)
    assert rest["permissions"] == {"allow": ["Bash(ls)"]} and THEIRS in rest["hooks"][event]
    assert HOOK_MARK not in taken


@how(deadline=None)
@given(st.sampled_from(["file", "directory"]))
def test_a_new_file_says_what_was_made(made: str) -> None:
    text = settings.new_settings(line, made)
    assert settings.is_complete(text, line) and settings.add_our_entries(text, line) == text
    taken, said = settings.remove_our_entries(text)
    assert settings.is_empty(taken) and said == made
    assert settings.remove_our_entries(settings.add_our_entries(settings.new_settings(other, made), line)) == (
        taken,
        made,
    )


def test_our_handler_in_somebody_s_group_goes_alone() -> None:
    group = {"matcher": "*", "hooks": [THEIRS["hooks"][0], line.handler(HookEntry("Stop"), "event")]}
    text = json.dumps({"hooks": {"Stop": [group]}}, indent=2)
    assert json.loads(settings.remove_our_entries(text)[0]) == {
        "hooks": {"Stop": [{**group, "hooks": THEIRS["hooks"]}]}
    }


def test_the_layout_of_the_file_is_kept() -> None:
    text = '{\n    "model": "x",\n    "hooks": {\n        "Stop": [\n            1\n        ]\n    }\n}\n'
    put = settings.add_our_entries(text, line)
    assert put == json.dumps(json.loads(put), indent=4) + "\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{"a": 1,}', "is not JSON"),
        ("// a comment\n{}", "is not JSON"),
        ("[]", "no JSON object"),
        ('{"hooks": []}', '"hooks" is no object'),
        ('{"hooks": null}', '"hooks" is no object'),
        ('{"hooks": {"Stop": {}}}', '"Stop" is no list'),
        ('{"a": ' + "[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_broken_is_refused(text: str, why: str) -> None:
    # An event whose groups are no list holds none of ours: there is nothing to take out.
    take_out = (lambda: settings.remove_our_entries(text),) if "Stop" not in why else ()
    for act in (lambda: settings.add_our_entries(text, line), *take_out):
        with pytest.raises(settings.BrokenSettings, match=why):
            act()


@how(deadline=None)
@given(st.text(max_size=60) | texts().map(lambda text: text[:-2]))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        put = settings.add_our_entries(text, line)
    except settings.BrokenSettings:
        return
    assert settings.remove_our_entries(put)[0] == text
