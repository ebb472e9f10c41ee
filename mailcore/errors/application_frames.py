"""Which frames of a traceback are the application's own, and how a file is called whose machine does not matter."""

from __future__ import annotations

import re

from mailcore.model.error_group import StackFrame

_LIBRARY_FILE = re.compile(
    r"site-packages/|dist-packages/|node_modules/|/lib/python\d|<frozen |<string>$|/usr/lib/|/usr/include/"
    r"|/usr/local/go/|/usr/share/|"
    r"/pkg/mod/|^runtime/|/rustc/|/\.cargo/registry/|/library/(?:std|core|alloc)/|^node:|^internal/"
    r"|/internal/process/|/\.rustup/|"
    r"/pyenv/versions/|/go/src/|/sysdeps/|/glibc|^\.\./(?:csu|sysdeps)|<anonymous>$|^native$|webpack-internal"
    r"|/\.yarn/|/\.pnpm/|^\./csu|"
    r"Native Method|Unknown Source|libsanitizer|libasan|/libc\.so|/ld-linux"
)
_LIBRARY_CALL = re.compile(
    r"^(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|org\.(?:springframework|apache|junit"
    r"|hibernate|gradle|eclipse|jboss|codehaus)|"
    r"io\.(?:netty|reactivex|micrometer)|reactor|com\.(?:fasterxml|google\.common|zaxxer))\.|"
    r"^(?:std|core|alloc|tokio|futures\w*|rust_begin_unwind|__rust\w*|<(?:std|core|alloc|tokio)|<\w+ as (?:std"
    r"|core|alloc))(?:::|\b)|"
    r"^(?:runtime|testing|net/http|reflect|sync|syscall|os|io|panic)\b(?:\.|/|\()|^panic$|^__libc|^_start"
    r"|^__asan|^__interceptor"
)
_ROOTS = re.compile(
    r"^(?:file://)?(?:[A-Za-z]:)?/(?:"
    r"(?:(?:home|Users)/[^/]+|root|var/tmp|private/tmp|tmp|srv|opt|mnt|data|var/lib|builds|usr/src|workspaces?"
    r"|github)/"
    r"(?:(?:work|code|dev|git|projects?|repos?|workspaces?|ws|agents|branches|worktrees|checkouts|tmp[\w\-]*)/){0,3}"
    r"(?:([^/]+)/\1/|[^/]+/)?"
    r"|(?:app|code|src|workspace|repo|project)/)"
)
"""Where checkouts lie, and the checkout's own directory."""
GENERIC = 2
"""Components of a path that are kept."""


def is_application(frame: StackFrame) -> bool:
    """Whether the frame is none of a library's or a runtime's."""
    file = frame.file.replace("\\", "/")
    return (
        bool(file) and not _LIBRARY_FILE.search(file) and not (frame.function and _LIBRARY_CALL.search(frame.function))
    )


def portable_path(file: str) -> str:
    """The last components of a file's path, wherever its checkout lies."""
    path = file.replace("\\", "/").partition("?")[0]
    path = _ROOTS.sub("", path).removeprefix("./")
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return "/".join(parts[-GENERIC:])


def application_frames(frames: tuple[StackFrame, ...]) -> tuple[StackFrame, ...]:
    """Those of the application, the innermost last; all if it has none."""
    return tuple(frame for frame in frames if is_application(frame)) or frames
