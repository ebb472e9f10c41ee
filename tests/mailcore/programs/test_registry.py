"""Which programs there are, what a config may name, and what a program that does wrong comes to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.config import AgentConfig, Config, read_config
from mailcore.exceptions import ConfigError
from mailcore.programs import registry
from mailcore.programs.base import Ending, Home, Interactive, Output, Program, ProgramFailed, SessionFiles
from mailcore.programs.command import Command
from mailcore.programs.guarded import FILES, METHODS, CheckedFiles, CheckedProgram
from mailcore.programs.transcript_reader import Counted
from praxmonitor.__main__ import main as praxmonitor
from tests.mailcore.conftest import House
from tests.mailcore.programs.made import AGENT, NOWHERE, launch


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            '[agents]\nprogram = "gpt"\n',
            "[agents] program = 'gpt' is no program; there are claude, codex, gemini and command",
        ),
        ('[agents.writer]\nprogram = "cladue"\n', "[agents.writer] program = 'cladue' is no program; "),
        ('[agents.writer]\nprogram = "cladue"\n', "; did you mean claude?"),
    ],
)
def test_a_config_names_only_programs_that_there_are(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        registry.checked_config(read_config(path), path)
    assert str(path) in str(error.value) and named in str(error.value) and error.value.exit_status == 2
    path.write_text('[agents]\nprogram = "codex"\n[agents.a]\ncommand = ["x"]\n')
    assert registry.checked_config(read_config(path), path).agent("@a").program == "command"


@pytest.mark.parametrize("verb", [["guard"], ["status"], ["watch"], ["record", "x.rec"], ["alarms"], []])
def test_no_screen_opens_on_a_config_that_names_no_program(
    house: House, verb: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.extra = '[agents.x]\nprogram = "cladue"\n'
    house.configure()
    monkeypatch.chdir(house.root)
    assert praxmonitor(verb) == 2
    assert "[agents.x] program = 'cladue' is no program" in capsys.readouterr().err


def test_no_command_starts_an_agent_with_such_a_config_and_the_others_go_on(house: House) -> None:
    house.extra = '[agents.x]\nprogram = "cladue"\n'
    house.configure()
    for words in (["dispatch", "@writer", "s", "b"], ["wake", "@writer"]):
        refused = house.mailcore(*words, "--from", "@operator")
        assert refused.returncode == 2 and b"did you mean claude?" in refused.stderr
    assert house.mailcore("send", "@writer", "s", "b", "--from", "@operator").returncode == 0
    assert [c["name"] for c in house.json("doctor", status=4)["checks"] if "cladue" in c["finding"]] == ["config"]
    unknown = house.mailcore("dispatch", "@writer", "s", "b", "--with", "codx", "--from", "@operator")
    assert unknown.returncode == 2


def test_of_what_is_not_wanted_nothing_is_imported(house: House) -> None:
    script = (
        "import sys; from mailcore.cli import main\n"
        "assert main(['send', '@writer', 's', 'b', '--from', '@lead']) == 0\n"
        "assert main(['inbox', '@writer']) == 0\n"
        "print([m for m in sys.modules if m.startswith('mailcore.programs') or m == 'importlib.metadata'])\n"
        "from mailcore.programs.registry import program; program('command')\n"
        "of = ('mailcore.programs.cl', 'mailcore.programs.co', 'importlib.metadata')\n"
        "print([m for m in sys.modules if m.startswith(of)])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=house.root, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-2:] == ["[]", "['mailcore.programs.command']"], done.stderr


def test_who_asks_for_no_permissions_by_its_program() -> None:
    free = AgentConfig(permission_mode="bypass")
    assert registry.bypasses(free) and all(registry.bypasses(replace(free, program=name)) for name in registry.BUILT_IN)
    assert registry.bypasses(AgentConfig("claude", permission_mode="bypassPermissions"))
    assert not registry.bypasses(AgentConfig("codex", permission_mode="bypassPermissions"))
    assert not registry.bypasses(AgentConfig("no such", permission_mode="bypass"))


# What a program does wrong


class Odd(Command):
    """A program whose every method does what it is told."""

    name = "odd"

    def __init__(self, act: Callable[[], Any], files: Any = None) -> None:
        cast("Any", self).sessions_at = lambda *_: files
        for method in METHODS:
            setattr(self, method, lambda *_: act())


def calls(program: Program) -> list[Callable[[], object]]:
    output = Output(Path("/nonexistent"), Path("/nonexistent"))
    return [
        lambda: program.argv(launch()),
        lambda: program.traces(launch()),
        lambda: program.shows_life(launch(), output),
        lambda: program.ending(0, output),
        lambda: program.session("5e55", output),
        lambda: program.attach(AGENT, AgentConfig(), "5e55", NOWHERE),
        lambda: program.bypasses(AgentConfig()),
        lambda: program.output_reader("@a"),
    ]


@pytest.mark.parametrize(
    "error", [ValueError("no\x1b[31m"), OSError(2, "gone"), SystemExit(3), RecursionError(), KeyError(1)]
)
def test_whatever_a_program_raises_is_told_in_words(error: BaseException) -> None:
    def act() -> None:
        raise error

    for method, call in zip(METHODS, calls(CheckedProgram("odd", Odd(act))), strict=True):
        with pytest.raises(ProgramFailed, match=rf"program odd failed in {method}\(\): {type(error).__name__}") as told:
            call()
        assert str(told.value).isprintable()


ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary() | st.just(Path("/x")),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
ENDINGS = st.builds(Ending, success=ANY, cause=ANY, limited=ANY, result=ANY, cost=ANY, final=ANY) | st.builds(
    Ending, success=st.booleans(), cause=st.text(), cost=st.floats()
)


@settings(deadline=None)
@given(ANY | ENDINGS)
def test_whatever_a_program_gives_back_is_what_was_asked_for_or_told(value: Any) -> None:
    program = CheckedProgram("odd", Odd(lambda: value))
    expected: tuple[Any, ...] = (list, tuple, bool, Ending, str, list | None, bool, object)
    for kind, call in zip(expected, calls(program), strict=True):
        try:
            found = call()
        except ProgramFailed as error:
            assert "program odd failed in" in str(error)
            continue
        assert isinstance(found, kind)
        if isinstance(found, Ending):
            assert found.cause == str(found.cause) and abs(found.cost) < float("inf")
        if isinstance(found, list):
            assert found and all(isinstance(word, str) for word in found)


class OddFiles:
    """Session files whose every method fails."""

    whole = False
    root = Path("/nonexistent")

    def __init__(self) -> None:
        for method in FILES:
            setattr(self, method, self._fail)

    def _fail(self, *_: object) -> Any:
        raise ValueError("no")


def test_whatever_its_session_files_raise_is_told_in_words() -> None:
    sessions = CheckedProgram("odd", Odd(lambda: None, OddFiles())).sessions_at(NOWHERE)
    assert isinstance(sessions, CheckedFiles)
    path = Path("/nonexistent/x")
    asked: list[Callable[[], object]] = [
        lambda: sessions.places([path]), lambda: sessions.inner(path), lambda: sessions.found(path),
        lambda: sessions.is_session(path), lambda: sessions.cwd_of(path, [path]), lambda: sessions.time_of(b"x"),
        lambda: list(sessions.history([path], 0.0)), lambda: sessions.reader("@a", path, 0, Counted(1)),
    ]  # fmt: skip
    for method, ask in zip(FILES, asked, strict=True):
        with pytest.raises(ProgramFailed, match=rf"program odd failed in sessions\.{method}\(\): ValueError: no"):
            ask()


@settings(deadline=None)
@given(ANY)
def test_whatever_its_session_files_give_back_is_what_was_asked_for_or_told(value: Any) -> None:
    class Files(OddFiles):
        def _fail(self, *_: object) -> Any:
            return value

    sessions: SessionFiles | None = CheckedProgram("odd", Odd(lambda: None, Files())).sessions_at(NOWHERE)
    assert sessions is not None
    path = Path("/x")
    asked: list[tuple[type, Callable[[], object]]] = [
        (list, lambda: sessions.places([path])),
        (list, lambda: sessions.inner(path)),
        (list, lambda: sessions.found(path)),
        (bool, lambda: sessions.is_session(path)),
        (str, lambda: sessions.cwd_of(path, [path])),
        (float, lambda: sessions.time_of(b"x")),
        (list, lambda: list(sessions.history([path], 0.0))),
        (type(None), lambda: sessions.reader("@a", path, 0, Counted(1))),
    ]
    for kind, ask in asked:
        with suppress(ProgramFailed):
            assert isinstance(ask(), kind)


def test_a_session_id_is_never_an_option(tmp_path: Path) -> None:
    output = Output(tmp_path / "out", tmp_path / "err")
    for id in ("-rf", "--dangerously-skip-permissions", "../x", "a b", "a\0", "", "x" * 200):
        for name in registry.BUILT_IN:
            program = registry.program(name)
            assert program.attach(AGENT, AgentConfig(), id, tmp_path) is None
        odd = CheckedProgram("odd", Odd(partial(str, id)))
        with pytest.raises(ProgramFailed) if id else nullcontext():
            assert odd.session("given", output) == ""


def test_what_lacks_a_part_of_the_protocol_is_told() -> None:
    class Half:
        name = "half"

    with pytest.raises(ProgramFailed, match=r"program half failed in .*executables"):
        CheckedProgram("half", cast("Any", Half()))
    with pytest.raises(ProgramFailed, match="its name"):
        CheckedProgram("other", Command())


def test_a_plug_in_needs_no_home_and_no_statuses() -> None:
    class Plain(Odd):
        @property
        def home(self) -> Any:  # type: ignore[override]
            raise AttributeError

        @property
        def statuses_at(self) -> Any:
            raise AttributeError

    program = CheckedProgram("odd", Plain(lambda: None))
    assert program.home is None and program.statuses_at(NOWHERE) is None and program.sessions_at(NOWHERE) is None


@pytest.mark.parametrize("home", ["~/.odd", Home("A B", ".odd"), Home("", ".odd"), Home("ODD_HOME", cast("Any", 3))])
def test_a_home_is_a_variable_and_a_directory(home: Any) -> None:
    odd = Odd(lambda: None)
    odd.home = home
    with pytest.raises(ProgramFailed, match="where a Home is expected"):
        CheckedProgram("odd", odd)


def test_a_program_that_cannot_recognise_a_session_says_so() -> None:
    odd = Odd(lambda: None)
    odd.interactive = cast("Any", Interactive(("x",), lambda _words: cast("bool", 1 / 0)))
    kind = CheckedProgram("odd", odd).interactive
    with pytest.raises(ProgramFailed, match=r"interactive\.is_session\(\): ZeroDivisionError"):
        assert kind is not None and kind.is_session(["x"])


def test_which_programs_a_config_uses() -> None:
    config = Config(agents={"a": AgentConfig("no such"), "b": AgentConfig("codex")})
    assert [one.name for one in registry.used_programs(config)] == ["claude", "codex", "gemini", "command"]
    own = [registry.program(name).hooks for name in ("claude", "codex")]
    assert [registry.hooks_of(name) for name in ("claude", "codex", "gemini")] == [*own, None] and None not in own
    assert (
        registry.hooks_of("command")
        == registry.hooks_of("")
        == registry.hooks_of("no such")
        == registry.hooks_of("claude")
    )
