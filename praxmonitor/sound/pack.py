"""Sound packs in the CESP 1.0 format: a directory with `openpeon.json` and the files that it names.

Source contract: https://github.com/PeonPing/openpeon, `spec/cesp-v1.md`. A pack is data from a stranger: nothing of it
is run, no path leaves its root, and a file that is not what it says it is gets refused with a reason.

CESP has no name for most of what we tell, and players may not invent any. So a pack may hold a second file beside the
manifest, `praxmonitor.json`: `{"tuned": true, "sounds": {"silence": {"sounds": [{"file": …}]}, "tool.shell": …}}`, with
a key of `SOUND_KEYS` each. `tuned` says that its sounds are notes, which may be played at each agent's pitch.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mailcore.exceptions import ConfigError
from mailcore.system import safe_open, user_directories
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARM_SOUNDS, FAMILIES, Sound, Urgency

MANIFEST = "openpeon.json"
MAX_FILE = 1_000_000
"""Bytes of one sound file. CESP says "1 MB"."""
MAX_PACK = 50_000_000
"""Bytes of all files of a pack together."""
MAX_FILES = 2_000
"""Files and directories of a pack."""
MAX_MANIFEST = 1_000_000
"""Bytes of each of a pack's two JSON files."""
MAX_CHOICE = 64
"""Sounds of one category, of which one is picked."""
EXTENSION = "praxmonitor.json"
"""The second file, for what CESP does not know."""
SOUND_KEYS = (
    *(sound.value for sound in Sound if sound is not Sound.TOOL),
    *(f"{Sound.TOOL}.{name}" for name in FAMILIES),
    *(f"{sound}.{urgency.word}" for sound in ALARM_SOUNDS for urgency in Urgency if urgency),
)
"""What a sound can be looked up by: `Cue.key`."""

_PACK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", re.ASCII)
_MAGIC = {
    ".wav": (b"RIFF",),
    ".mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    ".ogg": (b"OggS",),
}


class PackError(ConfigError):
    """A pack that cannot be used at all; the text names the file and the cause."""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A sound file of a pack that will not be played."""

    file: str
    """As the manifest names it, or its JSON if that is no name."""
    reason: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was read and checked."""

    root: Path
    name: str
    display_name: str
    version: str
    sounds: Mapping[str, tuple[Path, ...]]
    """Each of `SOUND_KEYS` is one; an empty tuple means that the pack has no sound for it."""
    refused: tuple[RefusedFile, ...]
    tuned: bool = False
    """Its sounds are notes: they may be transposed."""


@dataclass(slots=True)
class Picker:
    """Picks one of several files at random, never the same twice running."""

    rng: random.Random = field(default_factory=random.Random)
    _last: dict[tuple[Path, ...], Path] = field(default_factory=dict)

    def pick(self, choices: tuple[Path, ...]) -> Path | None:
        """One of `choices`, or `None` if there are none."""
        fresh = [file for file in choices if file != self._last.get(choices)] or list(choices)
        if not fresh:
            return None
        self._last[choices] = self.rng.choice(fresh)
        return self._last[choices]


def pack_homes(project: Path | None = None) -> tuple[Path, ...]:
    """Where packs lie: the project's own, the user's, those that ship. The first that has a name is taken."""
    homes = [home / ".openpeon" / "packs" for home in (project, user_directories.home()) if home is not None]
    return (*homes, sounds_dir())


def find_pack(name: str, project: Path | None = None) -> Path:
    """The directory of the pack called `name`. Raises `PackError` if there is none."""
    if not _PACK_NAME.fullmatch(name):
        raise PackError(f"{name!r} is no name of a sound pack: lower-case letters, digits, '-' and '_', 64 at most")
    homes = pack_homes(project)
    for home in homes:
        if (home / name / MANIFEST).is_file():
            return home / name
    raise PackError(f"no sound pack {name!r} in {', '.join(str(home) for home in homes)}")


def load_pack(root: Path) -> Pack:
    """Read and check the pack in `root`.

    Raises `PackError` for a manifest that cannot be used. A single bad file does not spoil the pack: it is left out
    and listed in `Pack.refused`.
    """
    path = root / MANIFEST
    manifest = _manifest(path)
    found = list(islice(root.rglob("*"), MAX_FILES + 1))
    if len(found) > MAX_FILES:
        raise PackError(f"{root}: a pack may have {MAX_FILES} files at most")
    total = sum(file.lstat().st_size for file in found if not file.is_dir())
    if total > MAX_PACK:
        raise PackError(f"{root}: {total} bytes in all; a pack may have {MAX_PACK} at most")
    ours = _ours(root / EXTENSION)
    refused: dict[RefusedFile, None] = {}
    sounds: dict[str, tuple[Path, ...]] = {}
    for key in SOUND_KEYS:
        taken: dict[Path, None] = {}
        for entry in _entries(manifest, ours, key, root):
            try:
                taken[checked_file(root, entry)] = None
            except PackError as error:
                name = entry.get("file") if isinstance(entry, dict) else entry
                refused[RefusedFile(name if isinstance(name, str) else json.dumps(name), str(error))] = None
        sounds[key] = tuple(taken)
    names = (manifest["name"], manifest["display_name"], manifest["version"])
    return Pack(root, *names, sounds, tuple(refused), ours.get("tuned") is True)


def _ours(path: Path) -> dict[str, Any]:
    """Our own file of a pack; empty if it has none."""
    if not path.exists() and not path.is_symlink():
        return {}
    ours = read_object(path)
    if not isinstance(ours.get("sounds", {}), dict):
        raise PackError(f"{path}: 'sounds' must be an object")
    return ours


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; PackError if there is none."""
    try:
        manifest = json.loads(safe_open.read_bytes(path, most=MAX_MANIFEST))
    except OSError as error:
        raise PackError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PackError(f"{path}: not JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise PackError(f"{path}: must be a JSON object")
    return manifest


def _manifest(path: Path) -> dict[str, Any]:
    manifest = read_object(path)
    for key in ("cesp_version", "name", "display_name", "version"):
        if not isinstance(manifest.get(key), str):
            raise PackError(f"{path}: '{key}' must be a string")
    if not re.fullmatch(r"1\.\d+", manifest["cesp_version"], re.ASCII):
        raise PackError(f"{path}: cesp_version {manifest['cesp_version']!r} is not supported; this player reads 1.x")
    if not _PACK_NAME.fullmatch(manifest["name"]):
        raise PackError(f"{path}: 'name' must be 1 to 64 of a-z, 0-9, '-', '_', and start with a letter or digit")
    if not _SEMVER.fullmatch(manifest["version"]):
        raise PackError(f"{path}: 'version' must be a semantic version such as 1.0.0")
    for key in ("categories", "category_aliases"):
        if not isinstance(manifest.get(key, None if key == "categories" else {}), dict):
            raise PackError(f"{path}: '{key}' must be an object")
    return manifest


def _entries(manifest: dict[str, Any], ours: dict[str, Any], key: str, root: Path) -> list[Any]:
    """The `sounds` list for this key, our own file's before CESP's category; empty if the pack has none. A category is
    for an event, and for no alarm of one urgency."""
    name = Sound(key).category if key in set(Sound) else None
    category, path = ours.get("sounds", {}).get(key), root / EXTENSION
    if category is None and name is not None:
        category, path = _category(manifest, name), root / MANIFEST
    if category is None:
        return []
    if not isinstance(category, dict) or not isinstance(category.get("sounds"), list):
        raise PackError(f"{path}: the category of '{key}' must be an object with a list 'sounds'")
    if len(category["sounds"]) > MAX_CHOICE:
        raise PackError(f"{path}: '{key}' has {len(category['sounds'])} sounds; {MAX_CHOICE} at most")
    return list(category["sounds"])


def _category(manifest: dict[str, Any], name: str) -> object:
    """`categories`, then `category_aliases`, which may point from this name or from an older one to it."""
    categories, aliases = manifest["categories"], manifest.get("category_aliases", {})
    older = [alias for alias, target in aliases.items() if target == name]
    for key in (name, aliases.get(name), *older):
        if isinstance(key, str) and key in categories:
            return categories[key]
    return None


def checked_file(root: Path, entry: object) -> Path:
    """The path of the file that a manifest's entry names, if it may be played; `PackError` with the reason if not."""
    file = entry.get("file") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(file, str):
        raise PackError("'file' must be a string")
    parts = file.split("/")
    if ".." in parts or not all(_FILE_NAME.fullmatch(part) for part in parts):
        raise PackError("must be a relative path of names made of a-z, A-Z, 0-9, '.', '_', '-'")
    path = root / file
    if not path.resolve().is_relative_to(root.resolve()):
        raise PackError("leads out of the pack")
    try:
        if not path.is_file():
            raise PackError("no such file")
        if path.stat().st_size > MAX_FILE:
            raise PackError(f"{path.stat().st_size} bytes; {MAX_FILE} at most")
        data = safe_open.read_bytes(path, most=MAX_FILE)
    except OSError as error:
        raise PackError(error.strerror or str(error)) from error
    magic = _MAGIC.get(path.suffix.lower())
    if magic is None:
        raise PackError("must be .wav, .mp3 or .ogg")
    if not data.startswith(magic):
        raise PackError(f"its first bytes are not those of a {path.suffix.lower()} file")
    digest = entry.get("sha256")
    if digest is not None and hashlib.sha256(data).hexdigest() != digest:
        raise PackError("its sha256 is not the one the manifest gives")
    return path
