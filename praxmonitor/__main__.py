"""`praxmonitor`: the screen, and its subcommands, each imported when used."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.text.terminal import print_error, print_line

if TYPE_CHECKING:
    from praxmonitor.cli.screen_options import ScreenOptions

SUBCOMMANDS = {
    "status": "praxmonitor.cli.status",
    "sounds": "praxmonitor.cli.sounds",
    "demo": "praxmonitor.cli.demo",
    "record": "praxmonitor.cli.record",
    "replay": "praxmonitor.cli.replay",
    "watch": "praxmonitor.cli.watch",
    "alarms": "praxmonitor.cli.alarms",
    "errors": "praxmonitor.cli.errors",
    "mute": "praxmonitor.cli.mute",
    "guard": "praxmonitor.cli.guard",
    "keys": "praxmonitor.cli.keys",
    "completion": "praxmonitor.cli.completion",
}
"""Name → the module whose `main(argv) -> int` it is. A first word that is none of these is the path, a directory."""

USAGE = """\
praxmonitor [PATH…] [--theme NAME] [--mute]  the screen of the workspaces that the PATHs are in (default: here)
  … --read-only   nothing can be changed, and nothing is written   --ascii   no sign that is not ASCII
  … --no-motion   nothing blinks or glides                         NO_COLOR=1 praxmonitor   no colours
praxmonitor status [PATH] [--json]           the same in plain text, once
praxmonitor watch [PATH] [@AGENT…] [--jsonl] what happens, line by line, for pipes, logs and screen readers
praxmonitor alarms [PATH] [--json] [--follow]   what wants you, and why; exit status 1 if there is anything
praxmonitor alarms ack|snooze|unack KEY|@agent|all   answer them; --history and --stats tell what was
praxmonitor errors [PATH] [--json] [--all]   errors that agents report, in groups; exit status 1 if one is new
praxmonitor mute add|list|end                hide some for a while: by agent, kind, task, cause or text
praxmonitor guard [PATH] [--mute]            the alarms without a screen: sounds, lines, your own command
praxmonitor record [PATH] FILE [--bodies]    write down what happens, until Ctrl-C; mail bodies only if told so
praxmonitor replay FILE [--speed X]          play a recording on the screen
praxmonitor sounds list|play|check [PACK]    the sound packs there are; hear one, or see what is wrong with it:
                                             the one in use, or PACK
praxmonitor keys [--file FILE] [--json]      every key of the screen; what is wrong with your keys.toml
praxmonitor demo [--dir PATH] [--seed N]     a workspace that shows everything, with programs but no AI account
praxmonitor demo … --record FILE             record it too
praxmonitor demo --headless --seconds N [--json]   the same without a terminal; prints the status at its end
praxmonitor completion bash|zsh|fish         the script by which a shell completes all of this
praxmonitor -C DIR …                         any of them for the workspace that DIR is in; MAILCORE_ROOT likewise
praxmonitor --version | --help               (praxmonitor status --help and the like say more, with examples)
"""

EXAMPLES = {
    "status": ("praxmonitor status", "praxmonitor status ~/project --json", "praxmonitor status --watched"),
    "sounds": ("praxmonitor sounds list", "praxmonitor sounds play wood", "praxmonitor sounds check ./my-pack"),
    "demo": (
        "praxmonitor demo",
        "praxmonitor demo --headless --seconds 20 --json",
        "praxmonitor demo --record d.jsonl",
    ),
    "record": ("praxmonitor record today.jsonl.gz", "praxmonitor record ~/project bug.jsonl --seconds 60"),
    "replay": ("praxmonitor replay today.jsonl.gz --speed 8",),
    "watch": ("praxmonitor watch", "praxmonitor watch ~/project @writer --jsonl"),
    "alarms": (
        "praxmonitor alarms || echo 'somebody wants you'",
        "praxmonitor alarms --follow --json",
        "praxmonitor alarms ack @writer",
        "praxmonitor alarms snooze all --for 30m",
        "praxmonitor alarms --history --since 2d",
    ),
    "errors": (
        "praxmonitor errors || echo 'an error is new, or back again'",
        "praxmonitor errors --all --since 2d",
        "praxmonitor errors --json | jq '.errors[] | {title, count, owner}'",
    ),
    "mute": (
        "praxmonitor mute add --agent @writer --kind silence --for 2h --why 'a long build'",
        "praxmonitor mute list",
        "praxmonitor mute end --all",
    ),
    "completion": (
        'praxmonitor completion bash   # eval "$(praxmonitor completion bash)" in ~/.bashrc',
        "praxmonitor completion fish | source",
    ),
    "guard": ("praxmonitor guard", "praxmonitor guard ~/project --mute"),
    "keys": ("praxmonitor keys", "praxmonitor keys --file ./keys.toml"),
}
"""Subcommand → command lines that stand at the end of its `--help`."""

SWITCHES = ("--mute", "--ascii", "--no-motion", "--read-only")
"""Of the screen, in the order of `ScreenOptions`."""
INTERRUPTED = 130
"""The exit status after Ctrl-C, where a command does not end in order at it: 128 and SIGINT's number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line. Exit status: 0 done, 2 for a call that makes no sense or no workspace there, 130 Ctrl-C."""
    if os.getpid() == 1:
        from mailcore.system.pid1 import stay
        from mailcore.workspace.variables import SUPERVISES

        stay(SUPERVISES)
    if argv is None and sys.getfilesystemencoding() != "utf-8":
        from mailcore.system.python_child import restart_in_utf8

        restart_in_utf8()
    if os.environ.get("PYTHONPATH"):  # as in mailcore's own command
        from mailcore.system.python_child import put_pythonpath_last

        put_pythonpath_last()
    if isinstance(sys.stdout, io.TextIOWrapper):  # agents write in any script, whatever this terminal's can hold
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`: what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _main(words: list[str]) -> int:
    if words[:1] == ["_complete"]:
        from mailcore.cli.completing import answer_shell

        answer_shell(Path(__file__).parent / "cli" / "command_line.json", words[1:])
        return 0
    if words and words[0] == "-C":
        from mailcore.exceptions import MailcoreError
        from mailcore.workspace.find import ROOT, find_workspace

        if len(words) < 2:
            sys.stderr.write(f"praxmonitor: -C needs a directory\n\n{USAGE}")
            return 2
        try:
            os.environ[ROOT] = str(find_workspace(Path(words[1])).root)
        except MailcoreError as error:
            print_error(f"praxmonitor: {error}")
            return error.exit_status
        words = words[2:]
    if words and words[0] in SUBCOMMANDS:
        try:
            return int(import_module(SUBCOMMANDS[words[0]]).main(words[1:]))
        except SystemExit as left:  # argparse has printed its help, or what is wrong
            if not left.code:
                print_line("\nexamples:\n" + "".join(f"  {line}\n" for line in EXAMPLES[words[0]]), end="")
            raise
    if "--help" in words or "-h" in words:
        print_line(USAGE, end="")
        return 0
    if "--version" in words:
        from importlib.metadata import version

        print_line(f"praxmonitor {version('praxmonitor')}")
        return 0
    try:
        paths, options = _options(words)
    except ValueError as error:
        print_error(f"praxmonitor: {error}", more=f"\n{USAGE}")
        return 2
    # Until all is imported there is no garbage to look for; the screen looks for it again from its first paint on.
    gc.set_threshold(1_000_000)
    from mailcore.exceptions import MailcoreError
    from praxmonitor.cli.screen import open_screen

    try:
        return open_screen(*paths, options=options)
    except MailcoreError as error:
        print_error(f"praxmonitor: {error}")
        return error.exit_status


def _options(words: list[str]) -> tuple[list[Path], ScreenOptions]:
    paths: list[Path] = []
    theme, switches = "", dict.fromkeys(SWITCHES, False)
    rest = iter(words)
    for word in rest:
        if word in switches:
            switches[word] = True
        elif word == "--theme":
            theme = next(rest, "")
            if not theme:
                raise ValueError("--theme needs a name")
        elif word.startswith("--theme="):
            theme = word.partition("=")[2]
        elif word.startswith("-"):
            raise ValueError(f"no option {word}")
        elif not Path(word).is_dir():
            from difflib import get_close_matches

            meant = get_close_matches(word, SUBCOMMANDS, 1)
            hint = f"; did you mean {meant[0]}?" if meant else ""
            raise ValueError(f"no such command or directory: {word!r}{hint}")
        else:
            paths.append(Path(word))
    from praxmonitor.cli.screen_options import ScreenOptions

    return paths, ScreenOptions(theme, *switches.values())


if __name__ == "__main__":
    sys.exit(main())
