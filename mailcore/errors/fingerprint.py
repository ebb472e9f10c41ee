"""What makes two errors one: a short hash of what stays the same in both.

Of an error with a traceback these are what was raised, its message without values, and the innermost frame of the
application's own, as function and file: line numbers move from version to version, and who called differs. Of one
without, its kind and its message.
"""

from __future__ import annotations

import hashlib
import re

from mailcore.errors.application_frames import application_frames, portable_path
from mailcore.errors.normalise import normalise
from mailcore.model.error_group import ErrorEvent, StackFrame

_COMPILERS = frozenset({"typescript", "native", "rust", "java", "go"})
_FILE_ALONE = frozenset({"rust", "shell"})
"""Their functions are told only where a backtrace was asked for, or never."""
_RAISED = re.compile(r"(?:[\w.]{1,200}\.)?[A-Z]\w{0,100}(?=: |$)")
_NOISE = re.compile(
    r"::h[0-9a-f]{16}$|\.func\d[\d.]*|\{\{closure\}\}|\$lambda\$?\w*|lambda\$|\$\d+|<locals>\.?|\(\*?|\)|0x[0-9a-f]+"
)
_ANONYMOUS = re.compile(r"^(?:<anonymous>|<lambda>|Object\.<anonymous>|async |new |anonymous)")


def fingerprint(event: ErrorEvent) -> str:
    """12 hex digits that errors have in common that are one."""
    return hashlib.sha1("\n".join(fingerprint_parts(event)).encode("utf-8", "replace")).hexdigest()[:12]


def fingerprint_parts(event: ErrorEvent) -> tuple[str, ...]:
    """What it is a hash of."""
    compiled = bool(event.frames) and not event.frames[-1].function and event.kind in _COMPILERS
    title = normalise(event.title, keep_quoted=compiled)
    if event.kind == "pytest" and (raised := _RAISED.match(title)):
        title = raised[0]  # its summary cuts what follows, and an assertion tells values
    if not event.frames:
        return event.kind, title
    return event.kind, title, _place(event.kind, application_frames(event.frames)[-1])


def _place(kind: str, frame: StackFrame) -> str:
    if kind in _FILE_ALONE:
        return portable_path(frame.file)
    function = _NOISE.sub("", frame.function)
    return f"{portable_path(frame.file)}:{_ANONYMOUS.sub('', function)}"
