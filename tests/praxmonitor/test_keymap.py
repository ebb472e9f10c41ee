"""Keys of one's own: what a file may say, what is wrong with one in words, and that the screen follows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mailcore
import praxmonitor
from praxmonitor.__main__ import main
from praxmonitor.actions.key_names import key_named, spoken_key
from praxmonitor.actions.keymap import STANDARD, Keymap
from praxmonitor.actions.keymap_file import load_keymap
from praxmonitor.actions.scope import ACT, FLEET, MAIL, MOVE, VIEWS
from praxmonitor.actions.table import ACTIONS, BY_ID
from praxmonitor.app.app import PraxApp
from praxmonitor.app.keys import OwnKeys, own_keymap, view_scopes
from tests.praxmonitor.fake_feed import FakeFeed, app_on, fleet_screen, lighthouse, text_of, until, workspace

HOUSE, MAILCORE = (Path(package.__file__ or "").parent for package in (praxmonitor, mailcore))


def read(tmp_path: Path, text: str) -> tuple[Keymap, tuple[str, ...]]:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    return load_keymap(path, view_scopes().values())


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    keymap, troubles = read(tmp_path, '[keys]\nkill = "Q"\nfilter = ["/", "Ctrl+f"]\nsnooze = []\nretry = ""\n')
    assert troubles == ()
    assert keymap.keys("kill") == ("Q",) and keymap.spoken("filter") == ("/", "Ctrl+f")
    assert keymap.keys("snooze") == () == keymap.keys("retry") and keymap.first("snooze") == ""
    others = [action.id for action in ACTIONS if action.id not in keymap.changed]
    assert {each: keymap.keys(each) for each in others} == {each: STANDARD.keys(each) for each in others}


def test_no_file_is_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert own_keymap() == (STANDARD, ()) == load_keymap(tmp_path / "keys.toml", [])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[keys]\nkil = "Q"\n', 2, "no action 'kil'; did you mean kill?"),
        ('[keys]\n\nkill = "d"\n', 3, "kill: d is already dispatch (dispatch) in the same view"),
        ('[keys]\nkill = "Q"\nretry = "Q"\n', 3, "retry: Q is already kill (kill) in the same view"),
        ('[keys]\nkill = "Esc"\n', 2, "kill: Esc leaves dialogs and forms"),
        ('[keys]\nkill = "Ctrl+c"\n', 2, "kill: Ctrl+c leaves"),
        ('[keys]\nback = "b"\n', 2, "back: Esc has to be one of its keys"),
        ("[keys]\nquit = []\n", 2, "quit cannot be without a key"),
        ('[keys]\nkill = "Cmd+k"\n', 2, "kill: 'Cmd+k': a terminal sends Ctrl, Shift or Alt"),
        ('[keys]\nkill = "Ctrl+i"\n', 2, "kill: 'Ctrl+i': a terminal sends Tab for it"),
        ('[keys]\nkill = "Shift+x"\n', 2, "kill: 'Shift+x': write 'X'"),
        ('[keys]\nkill = "gg"\n', 2, "kill: no key is called 'gg'"),
        ("[keys]\nkill = 3\n", 2, "kill: a key in quotation marks, or a list of them, not 3"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_rest_holds(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    keymap, troubles = read(tmp_path, text + 'open = "O"\n')
    assert len(troubles) == 1 and troubles[0].startswith(f"{tmp_path / 'keys.toml'}:{line}: ")
    assert words in troubles[0]
    assert keymap.keys("open") == ("O",), "the rest holds"
    assert set(keymap.changed) <= {"open", "kill"}


def test_every_fault_is_told_not_only_the_first(tmp_path: Path) -> None:
    _, troubles = read(tmp_path, '[keys]\nkil = "Q"\nkill = "gg"\nwake = "m"\n[colours]\nred = 1\n')
    assert len(troubles) == 4
    assert [trouble.rpartition("keys.toml")[2][:2] for trouble in troubles] == [": ", ":2", ":3", ":4"]


@pytest.mark.parametrize("text", ["[keys", "keys = 3\n", "\xff"])
def test_a_file_that_is_no_keymap_leaves_the_table_and_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(text.encode("latin-1"))
    keymap, troubles = load_keymap(path, [])
    assert keymap == STANDARD and len(troubles) == 1 and str(path) in troubles[0]


def test_two_keys_change_places(tmp_path: Path) -> None:
    """Neither is in the other's way, whichever is read first."""
    keymap, troubles = read(tmp_path, '[keys]\nkill = "d"\ndispatch = "D"\n')
    assert troubles == () and keymap.keys("kill") == ("d",) and keymap.keys("dispatch") == ("D",)


def test_who_loses_a_key_gives_back_what_the_other_took(tmp_path: Path) -> None:
    """`compose` cannot be called so: its usual key is its own again, and then `kill` cannot have that."""
    keymap, troubles = read(tmp_path, '[keys]\nkill = "m"\ncompose = "gg"\n')
    assert len(troubles) == 2 and dict(keymap.changed) == {}


def test_a_key_may_mean_two_things_in_two_views(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[keys]\norder = "R"\n')
    apart = [(VIEWS, MOVE, FLEET, ACT), (VIEWS, MOVE, MAIL, ACT)]
    assert load_keymap(path, apart)[1] == ()
    assert "R is already reply" in load_keymap(path, [(FLEET, MAIL)])[1][0]


def test_what_shares_a_key_in_the_table_may_go_on_to(tmp_path: Path) -> None:
    """One key for several actions of a view: the moment decides, as it does in the table."""
    _, troubles = read(tmp_path, '[keys]\nopen = ["enter", "F8"]\nread = ["enter", "F8"]\n')
    assert troubles == ()


def test_the_file_may_be_written_with_the_names_that_are_shown() -> None:
    for action in ACTIONS:
        for key in action.default_keys:
            assert key_named(spoken_key(key)) == key
    assert key_named("PgDn") == "pagedown" == key_named("page_down")


def test_the_keys_of_the_table_are_keys() -> None:
    """None that a file could not name, and none that leaves a dialog."""
    for action in ACTIONS:
        for key in action.default_keys:
            assert key_named(key) == key
            assert key != "escape" or action.id == "back"


def test_every_view_is_looked_at() -> None:
    assert {"FleetScreen", "AgentScreen", "MailScreen", "StreamScreen"} <= set(view_scopes())


@pytest.mark.anyio
async def test_the_screen_follows_the_keymap(tmp_path: Path) -> None:
    """Key, footer, help and palette."""
    keymap, _ = read(tmp_path, '[keys]\nhelp = "F1"\nfilter = "F2"\nnext_need = "F4"\ncompose = []\n')
    app = on(keymap)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await until(pilot, lambda: "F1 help" in text_of(app).splitlines()[-1], "the footer has it")
        assert " m mail" not in text_of(app).splitlines()[-1]
        assert " F4 next" in text_of(app).splitlines()[-1]
        await pilot.press("n", "question_mark", "m")
        assert fleet_screen(app).selected == "@writer" and len(app.screen_stack) == 1, "the usual keys mean nothing"
        await pilot.press("f4")
        await until(pilot, lambda: fleet_screen(app).selected != "@writer", "the next that needs the operator")
        await pilot.press("colon", *"next")
        await until(pilot, lambda: "F4 · the next thing" in text_of(app), "the palette says it")
        await pilot.press("escape", "f1")
        await until(pilot, lambda: "  F2  " in text_of(app), "the help says it")
        assert ": mail" in text_of(app), "what has no key is in the palette"


def on(keymap: Keymap) -> PraxApp:
    """The screen with these keys."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    app.keymap = keymap
    return app


@pytest.mark.anyio
async def test_what_is_wrong_with_the_keys_stands_in_the_header() -> None:
    app = on(STANDARD)
    app.own_troubles = ("keys.toml:2: no action 'kil'",)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "keys.toml:2: no action 'kil'" in text_of(app), "it is told")
        assert "writer" in text_of(app)


@pytest.mark.anyio
async def test_the_file_is_followed_while_the_screen_is_open_and_a_bad_one_changes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.toml"
    monkeypatch.setattr("praxmonitor.app.keys.keymap_path", lambda: path)
    app = on(STANDARD)
    app.own_keys = OwnKeys()

    def footer() -> str:
        return text_of(app).splitlines()[-1]

    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "? help" in footer(), "the usual keys")
        await pilot.press("4")
        await until(pilot, lambda: app.screen is app.get_screen("stream"), "another view")
        path.write_text('[keys]\nhelp = "F1"\nview_fleet = "F2"\n')
        await until(pilot, lambda: "F1 help" in footer(), "the file's hold")
        assert app.notices[-1].text == "keys.toml changed: its keys hold"
        path.write_text('[keys]\nhelp = "F3"\nkil = "Q"\n')
        await until(
            pilot, lambda: "no action 'kil'; did you mean kill?; the keys from before hold" in text_of(app), "told"
        )
        path.write_text("[keys\n")
        await until(pilot, lambda: "keys.toml: Expected ']'" in text_of(app), "no TOML", 8)
        assert "the usual keys hold" not in text_of(app) and "F1 help" in footer()
        await pilot.press("f2")
        await until(pilot, lambda: "F1 help" in footer() and fleet_screen(app).is_current, "also in a view made before")
        path.unlink()
        await until(pilot, lambda: "? help" in footer() and "keys.toml" not in text_of(app), "none: the usual keys")
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen.is_modal, "they hold")


def test_the_command_prints_what_holds_and_what_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[keys]\nkill = "Q"\nkil = "Y"\n')
    assert main(["keys", "--file", str(path)]) == 1
    out, err = capsys.readouterr()
    assert any(line.split()[:2] == ["*kill", "Q"] for line in out.splitlines())
    assert all(action.id in out for action in BY_ID.values())
    assert f"{path}:3: no action 'kil'" in err
    path.write_text('[keys]\nkill = "Q"\n')
    assert main(["keys", "--file", str(path)]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_said_names_the_key_that_holds() -> None:
    own = Keymap({"hold": ("f7",), "undo_close": ("ctrl+o",), "deny": ("f8",), "kill": ()})
    assert own.respelled("held: release (H) it first") == "held: release (F7) it first"
    assert own.respelled("open again (U), then reply") == "open again (Ctrl+o), then reply"
    assert own.respelled("approve (Y) or deny (N) it") == "approve (Y) or deny (F8) it"
    assert own.respelled("kill (D) it") == "kill (D) it", "it has no key now: the palette finds it by its label"
    assert STANDARD.respelled("release (H)") == "release (H)"


def mentions() -> Iterator[tuple[str, str]]:
    """Each text of ours that names a key in brackets, by where it stands."""
    firsts = {STANDARD.first(action.id) for action in ACTIONS} - {""}
    named = re.compile(rf" \((?:{'|'.join(map(re.escape, firsts))})\)")
    for path in HOUSE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                for found in named.finditer(node.value):
                    yield f"{path.name}:{node.lineno}", node.value[: found.end()]


def test_each_key_that_a_text_names_follows_the_label_of_its_action() -> None:
    """Else it could not be respelled where the operator's own keys hold."""
    labels = {
        f"{label} ({STANDARD.first(action.id)})"
        for action in ACTIONS
        for label in filter(None, (action.label, action.held_label))
    }
    texts = list(mentions())
    assert texts and [(where, text) for where, text in texts if not text.endswith(tuple(labels))] == []


def test_mailcore_names_no_key() -> None:
    assert [path.name for path in MAILCORE.rglob("*.py") if "retry (r)" in path.read_text(encoding="utf-8")] == []


def test_several_wrong_entries_are_one_line_of_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.toml"
    monkeypatch.setattr("praxmonitor.app.keys.keymap_path", lambda: path)
    path.write_text('[keys]\nkil = "Q"\nfoo = "Y"\nbar = "Z"\n')
    assert own_keymap()[1] == ("keys.toml: 3 entries do not hold; praxmonitor keys tells",)
    path.write_text('[keys]\nkil = "Q"\n')
    assert len(own_keymap()[1]) == 1 and own_keymap()[1][0].startswith("keys.toml:2: no action 'kil'")
