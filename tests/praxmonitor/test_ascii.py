"""Where a terminal has no UTF-8, or no colours: on a real one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from rich.cells import cell_len

import praxmonitor
from mailcore.mail import post
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.ascii import NO_TWIN, TWINS, as_ascii
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace
from tests.praxmonitor.pty_screen import SEQUENCE, output, screen_of

WITHOUT_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def drawn_signs() -> Iterator[tuple[str, str]]:
    """(file, sign) of each sign outside of ASCII in a text of ours, docstrings aside."""
    for path in sorted(Path(praxmonitor.__file__).parent.rglob("*.py")):
        if path.name in ("ascii.py", "lines.py") and path.parent.name == "text":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {
            node.value
            for parent in ast.walk(tree)
            for node in ast.iter_child_nodes(parent)
            if isinstance(node, ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
                yield from ((path.name, sign) for sign in node.value if not sign.isascii())


def test_each_sign_that_we_draw_has_its_twin() -> None:
    signs = list(drawn_signs())
    assert len(signs) > 50, "the search finds them"
    assert sorted({(name, sign) for name, sign in signs if as_ascii(sign) == NO_TWIN}) == []


def test_no_two_states_have_one_twin() -> None:
    twins = [as_ascii(look.glyph) for look in LOOKS.values()]
    assert len(set(twins)) == len(twins) == len(LOOKS)
    assert all(len(twin) == 1 and twin.isascii() for twin in (*twins, *TWINS.values()))


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("plain", "plain"),
        ("● writer · 2m… →", "* writer . 2m~ >"),
        ("╭─ x ─╮", "+- x -+"),
        ("Müller café", "Muller cafe"),
        ("漢字!", "????!"),
        ("e\u0301a", "ea"),
        ("✉ Привет", "M ??????"),
    ],
)
def test_a_line_is_as_wide_in_ascii(text: str, twin: str) -> None:
    assert as_ascii(text) == twin and cell_len(as_ascii(text)) == cell_len(text)


@pytest.mark.anyio
async def test_every_widget_is_drawn_in_ascii() -> None:
    """The form, a dialog with its border, a notification, the palette."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    app.appearance.ascii = True
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        for keys in (("m",), ("question_mark",), ("colon", "k"), ("exclamation_mark",), ("S",)):
            app.notify("Grüße — 漢字 …")
            await pilot.press(*keys)
            await until(pilot, lambda: len(app.screen_stack) > 1, "the dialog is open")
            await pilot.pause(0.1)
            assert text_of(app).isascii(), [sign for sign in text_of(app) if not sign.isascii()]
            while len(app.screen_stack) > 1:
                await pilot.press("escape")


@pytest.mark.parametrize(
    ("words", "environment"), [((), WITHOUT_UTF8), (("--ascii",), {})], ids=["no UTF-8", "--ascii"]
)
def test_without_utf8_all_that_is_written_is_ascii(
    house: House, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    post.send_mail(house.workspace, "@editor", ["@operator"], "Grüße an 東京 — jetzt", "Schön.")
    with screen_of(house, *words, **environment) as terminal:
        seen = output(terminal, b"1 for you")
        terminal.send(b"i\r")
        seen += output(terminal, b"an ????")
        terminal.send(b"?")
        seen += output(terminal, b"/ search")
        terminal.send(b"?q")
        terminal.expect(pexpect.EOF)
        seen += bytes(terminal.before or b"")
    assert terminal.wait() == 0
    assert seen.isascii(), sorted(set(re.findall(rb"[\x80-\xff]+", seen)))
    assert b"+-" in SEQUENCE.sub(b"", seen), "borders too"


def test_no_color_sends_no_colour_but_greys(house: House) -> None:
    """What is selected is reversed; a state has its glyph and its word."""
    house.shell("writer", "sleep 300")
    with screen_of(house, NO_COLOR="1", COLORTERM="truecolor") as terminal:
        seen = output(terminal, b"no task")
    triples = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)(?=[;m])", seen)  # the last sequence may have been cut in two
    assert triples and all(red == green == blue for red, green, blue in triples)
    assert re.search(rb"\x1b\[(?:\d+;)*7(?:;\d+)*m", seen), "what is selected is reversed"
    line = next(line for line in SEQUENCE.sub(b"", seen).decode(errors="replace").splitlines() if "idle" in line)
    assert "○" in line, "glyph and word"


@pytest.mark.anyio
@pytest.mark.parametrize("still", [True, False])
async def test_without_motion_no_cursor_blinks(still: bool) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    app.appearance.still = still
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        assert (app.animation_level == "none") or not still
        await pilot.press("slash")
        await until(pilot, lambda: hasattr(app.focused, "cursor_blink"), "the filter has the focus")
        assert getattr(app.focused, "cursor_blink", None) is not still
