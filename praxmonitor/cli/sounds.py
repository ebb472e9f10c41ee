"""`praxmonitor sounds`: the packs there are, what one sounds like, what its alarms mean, what is wrong with one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mailcore.config import Sound as SoundConfig
from mailcore.config import read_config
from mailcore.exceptions import MailcoreError, NoWorkspace
from mailcore.observe.activities import neutral
from mailcore.text.terminal import print_error, print_line
from mailcore.text.units import duration
from mailcore.workspace.find import workspace_here
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.urgency import URGENCY_OF
from praxmonitor.cli.arguments import Parser
from praxmonitor.sound import ALARM_SOUNDS, ALARMS_ALONE, Cue, Sound, Urgency, mutes
from praxmonitor.sound.gate import BURST, BURST_PAUSE, gate_rules
from praxmonitor.sound.pack import MANIFEST, SOUND_KEYS, PackError, find_pack, load_pack, pack_homes
from praxmonitor.sound.player import STARTING, Player

SOUND_LENGTH = 1.3
"""Seconds for each event: as long as the longest that ships."""
DEVICE_TIMEOUT = 10.0
"""Seconds within which the player says whether there is a device."""
PLAYED = tuple(key for key in SOUND_KEYS if key not in ALARMS_ALONE)
"""The keys of all that is ever heard."""


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor sounds", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="the packs of this project, the user's, and those that ship")
    play = verbs.add_parser("play", help="play a pack's sounds, one after the other")
    play.add_argument("pack", nargs="?", help="its name, or its directory; without: the one in use")
    play.add_argument(
        "sounds", nargs="*", metavar="SOUND", help=f"only these, or all that begin so: {', '.join(PLAYED)}"
    )
    play.add_argument("--agent", type=int, default=0, metavar="N", help="events at the pitch of the Nth agent, from 0")
    verbs.add_parser("alarms", help="what each alarm sounds like: its kind by the melody, its urgency by the rhythm")
    check = verbs.add_parser("check", help="every way in which a pack departs from CESP 1.0")
    check.add_argument("pack", nargs="?", help="its name, or its directory; without: the one in use")
    return parser


def main(argv: Sequence[str]) -> int:
    """Exit 0; 2: the call makes no sense; 3: sound is muted; 4: the pack is not right, or there is no device."""
    parser = command_parser()
    arguments = parser.parse_args(argv)
    try:
        project, config = _here()
        if arguments.verb == "list":
            return _list(project, config.pack)
        if arguments.verb == "alarms":
            return _alarms()
        root = _pack(arguments.pack, project) if arguments.pack else find_pack(config.pack, project)
        if arguments.verb == "check":
            return _check(root)
        return _play(root, arguments.sounds, arguments.agent, config, project)
    except MailcoreError as error:
        print_error(f"praxmonitor sounds: {neutral(str(error), 1000)}")
        return error.exit_status


def _here() -> tuple[Path | None, SoundConfig]:
    """The workspace's directory and settings; none and the defaults outside of any."""
    try:
        workspace = workspace_here()
    except NoWorkspace:
        return None, SoundConfig()
    return workspace.root, read_config(workspace.config_file).sound


def _pack(name: str, project: Path | None) -> Path:
    return Path(name) if (Path(name) / MANIFEST).is_file() else find_pack(name, project)


def _list(project: Path | None, active: str) -> int:
    seen: set[str] = set()
    for home in pack_homes(project):
        for path in sorted(home.glob(f"*/{MANIFEST}")):
            name = path.parent.name
            mark = " " if name in seen else "*" if name == active else " "
            try:
                pack = load_pack(path.parent)
                files = {file for files in pack.sounds.values() for file in files}
                summary = f"{pack.display_name} {pack.version}, {len(files)} sounds"
                summary += f", {len(pack.refused)} refused" if pack.refused else ""
            except PackError as error:
                summary = f"cannot be used: {error}"
            hidden = " (hidden by the one above)" if name in seen else ""
            print_line(f"{mark} {neutral(f'{name:<16} {summary}  {path.parent}{hidden}', 1000)}")
            seen.add(name)
    return 0


def _alarms() -> int:
    for sound in ALARM_SOUNDS:
        for urgency in Urgency:
            if urgency:
                key, pulses = Cue(sound, urgency=urgency).key, f"{urgency.pulses} pulses"
                kinds = ", ".join(_kinds(sound, urgency)) or "no alarm today"
                print_line(f"{key:<16} {pulses:<10} {kinds}")
    return 0


def _kinds(sound: Sound, urgency: Urgency) -> Iterator[str]:
    """The kinds of alarm that sound so, and after how long: `waiting after 15 min`."""
    for kind in AlarmKind:
        for seconds, reached in URGENCY_OF[kind]:
            if kind.sound is sound and reached is urgency:
                yield f"{kind} after {duration(seconds)}" if seconds else str(kind)


def _check(root: Path) -> int:
    from praxmonitor.sound.pack_check import violations

    found = violations(root)
    for line in found:
        print_line(neutral(line, 1000))
    verdict = (
        f"{len(found)} things are not as CESP 1.0 wants them" if found else "CESP 1.0, and all of it can be played"
    )
    print_line(neutral(f"{root}: {verdict}", 1000))
    return 4 if found else 0


def _keys(name: str) -> list[str]:
    """The sound of this name, and those whose name begins with it and a dot: of a kind of alarm each urgency."""
    return [key for key in PLAYED if key == name or key.startswith(f"{name}.")]


def _cue(key: str, agent: int) -> Cue:
    name, _, rest = key.partition(".")
    urgency = next((each for each in Urgency if each and each.word == rest), Urgency.NONE)
    return Cue(Sound(name), voice=agent, family="" if urgency else rest, urgency=urgency)


def _play(root: Path, names: Sequence[str], agent: int, config: SoundConfig, project: Path | None) -> int:
    if unknown := [name for name in names if not _keys(name)]:
        raise PackError(f"there is no sound {unknown[0]!r}; there are: {', '.join(PLAYED)}")
    stored = mutes.load_mutes(mutes.mutes_path(project)) if project is not None else mutes.Mutes()
    if stored.all(time.time()):
        print_error("praxmonitor sounds: all sound is muted; M on the screen switches it on")
        return 3
    settled = threading.Event()
    player = Player(root, replace(gate_rules(config), quiet=None), backend=config.backend, on_ready=settled.set)
    player.start()
    try:
        if player.backend == STARTING and not settled.wait(DEVICE_TIMEOUT):
            player.reason = f"no answer in {duration(DEVICE_TIMEOUT)}"
        if player.reason or player.backend in (STARTING, "none", "bell"):
            print_error(f"praxmonitor sounds: no device: {neutral(player.reason or player.backend, 1000)}")
            return 4
        print_line(f"on {player.backend}:")
        for key in (key for name in names for key in _keys(name)) if names else PLAYED:
            cue = _cue(key, agent)
            print_line(f"  {key}", flush=True)
            player.play(cue)
            threading.Event().wait(BURST[cue.urgency] + BURST_PAUSE if cue.urgency else SOUND_LENGTH)
    finally:
        player.close()
    return 0
