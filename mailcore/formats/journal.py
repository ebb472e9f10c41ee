"""Append-only JSONL: one object a line, one write a line, a torn tail tolerated."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mailcore.formats.timestamps import utc_time
from mailcore.system import safe_open, writing


def now() -> str:
    """The present moment as the journals write it: ISO, UTC, microseconds."""
    return utc_time(time.time())


def append_record(path: Path, record: dict[str, Any], *, durable: bool = False) -> None:
    """Add one record with the present time under `at`, in one write, so that writers never interleave.

    If an earlier writer was killed in mid-line, the torn line is closed first and thereby skipped by every reader.
    A symlink is not followed: OSError, as of whatever the disk refuses.
    """
    writing.append(path, encode(record), durable=durable)


def encode(record: dict[str, Any]) -> bytes:
    """The line of one record, with the present time under `at`."""
    return json.dumps({"at": now(), **record}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def parse_records(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """The objects among `lines`; what is torn, foreign or no object is skipped."""
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def first_record(path: Path) -> dict[str, Any]:
    """The first record of a journal, however long that is; empty where there is none. OSError as of `read_records`."""
    try:
        with os.fdopen(safe_open.descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)[0], "rb") as file:
            return next(iter(parse_records([file.readline(safe_open.MAX_WHOLE_FILE)])), {})
    except (FileNotFoundError, NotADirectoryError):
        return {}


def read_records(path: Path) -> list[dict[str, Any]]:
    """Every record of a journal; empty where there is no file. OSError if it cannot be read, or is a link."""
    try:
        return parse_records(safe_open.read_bytes(path, links=False).splitlines())
    except (FileNotFoundError, NotADirectoryError):
        return []
