"""Every way in which a pack departs from CESP 1.0, for its author. The player itself is more lenient."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from praxmonitor.sound.backends import decode
from praxmonitor.sound.pack import EXTENSION, MANIFEST, SOUND_KEYS, PackError, checked_file, load_pack, read_object

CATEGORIES = (
    "session.start", "task.acknowledge", "task.complete", "task.error", "input.required", "resource.limit",
    "session.end", "task.progress", "user.spam",
)  # fmt: skip
"""All that CESP 1.0 knows: six core ones, three extended."""
MAX_PREVIEW = 500_000
"""Bytes."""

_FIELDS = {
    "cesp_version": str, "name": str, "display_name": str, "version": str, "description": str, "author": dict,
    "license": str, "language": str, "homepage": str, "tags": list, "preview": str, "min_player_version": str,
    "categories": dict, "category_aliases": dict,
}  # fmt: skip
_LENGTHS = {"display_name": (1, 128), "description": (0, 256)}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def violations(root: Path) -> list[str]:
    """What is wrong with the pack in `root`, a line each; empty: nothing. Never raises for what the pack holds."""
    try:
        load_pack(root)
    except PackError as error:
        return [str(error)]
    manifest = read_object(root / MANIFEST)
    found = [f"{MANIFEST}: {fault}" for fault in (*_fields(manifest), *_categories(manifest, root))]
    if (root / EXTENSION).exists():
        found += [f"{EXTENSION}: {fault}" for fault in _ours(read_object(root / EXTENSION), root)]
    return found


def _fields(manifest: dict[str, Any]) -> Iterator[str]:
    for key, value in manifest.items():
        if key not in _FIELDS:
            yield f"CESP knows no {key!r}; what is ours goes into {EXTENSION}"
        elif not isinstance(value, _FIELDS[key]):
            yield f"{key!r} must be {_FIELDS[key].__name__}"
    if manifest["cesp_version"] != "1.0":
        yield f"cesp_version must be '1.0', not {manifest['cesp_version']!r}"
    for key, (least, most) in _LENGTHS.items():
        if isinstance(manifest.get(key), str) and not least <= len(manifest[key]) <= most:
            yield f"{key!r} must have {least} to {most} characters"
    author, tags = manifest.get("author"), manifest.get("tags")
    named = isinstance(author, dict) and isinstance(author.get("name"), str) and author.keys() <= {"name", "github"}
    if author is not None and not named:
        yield "'author' must have a 'name', and nothing else but 'github'"
    if isinstance(tags, list) and (len(tags) > 10 or not all(isinstance(tag, str) and len(tag) <= 32 for tag in tags)):
        yield "'tags' must be 10 texts of 32 characters at most"


def _categories(manifest: dict[str, Any], root: Path) -> Iterator[str]:
    for name, category in manifest["categories"].items():
        if name not in CATEGORIES:
            yield f"CESP knows no category {name!r}; there are: {', '.join(CATEGORIES)}"
        yield from _sounds(name, category, root)
    for alias, target in manifest.get("category_aliases", {}).items():
        if target not in CATEGORIES:
            yield f"the alias {alias!r} must lead to a category of CESP's, not to {target!r}"
    if isinstance(preview := manifest.get("preview"), str):
        yield from _file(preview, {"file": preview}, root)
        if (root / preview).is_file() and (root / preview).stat().st_size > MAX_PREVIEW:
            yield f"the preview may have {MAX_PREVIEW} bytes at most"


def _ours(ours: dict[str, Any], root: Path) -> Iterator[str]:
    for key in ours:
        if key not in ("tuned", "sounds"):
            yield f"{key!r} is not known; allowed: 'tuned', 'sounds'"
    if not isinstance(ours.get("tuned", False), bool):
        yield "'tuned' must be true or false"
    for key, category in ours.get("sounds", {}).items():
        if key not in SOUND_KEYS:
            yield f"there is no sound {key!r}; there are: {', '.join(SOUND_KEYS)}"
        yield from _sounds(key, category, root)


def _sounds(name: str, category: object, root: Path) -> Iterator[str]:
    if not isinstance(category, dict) or not isinstance(category.get("sounds"), list) or len(category) > 1:
        yield f"{name}: must be an object with a list 'sounds' and nothing else"
        return
    for entry in category["sounds"]:
        file = entry.get("file") if isinstance(entry, dict) else entry
        yield from _file(f"{name}: {file if isinstance(file, str) else json.dumps(file)}", entry, root)
        if not isinstance(entry, dict):
            continue
        label, digest = entry.get("label"), entry.get("sha256", "0" * 64)
        if not isinstance(label, str) or len(label) > 256:
            yield f"{name}: {file} needs a 'label' of 256 characters at most"
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            yield f"{name}: the sha256 of {file} must be 64 hexadecimal digits in lower case"
        if more := entry.keys() - {"file", "label", "sha256"}:
            yield f"{name}: {file} has keys that CESP does not know: {', '.join(sorted(more))}"


def _file(name: str, entry: object, root: Path) -> Iterator[str]:
    try:
        decode(checked_file(root, entry))
    except (PackError, ValueError) as error:
        yield f"{name}: {error}"
