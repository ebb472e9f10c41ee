"""Ruby and PHP, and what a kernel and systemd say of a process."""

from __future__ import annotations

import re

from mailcore.errors.block import Block, FrameList, Line, Report
from mailcore.model.error_group import Severity

_RUBY = re.compile(r"(\S{1,300}\.rb):(\d{1,9}):in [`'](.{1,200}?)': (.{0,500}) \(([\w:]{1,100})\)")
_RUBY_FROM = re.compile(r"\s{1,8}(?:\d{1,5}: )?from (\S{1,300}?):(\d{1,9}):in [`'](.{1,200}?)'")
_PHP = re.compile(
    r"(?:PHP )?(?:Fatal|Parse) error:\s{1,4}(?:Uncaught )?(.{1,500}?) in (/?\S{1,300}?)(?::| on line )(\d{1,9})"
)
_PHP_FRAME = re.compile(
    r"#\d{1,4} (?:(/?\S{1,300})\((\d{1,9})\): (.{1,200})|\{main\})|Stack trace:|\s{1,4}thrown in .*"
)
_KERNEL = re.compile(
    r"(?:\[\s{0,8}[\d.]{1,30}\] )?(?:(Out of memory: Killed process) \d{1,10} \((.{1,60}?)\).*"
    r"|(.{1,60}?)\[\d{1,10}\]: (segfault) at .* in (\S{1,100}?)\[.*)"
)
_SYSTEMD = re.compile(
    r"(\S{1,100}\.\w{1,20}): (?:Failed with result '(.{1,60})'\.|Main process exited, code=(?:killed|dumped).*)"
)


class RubyTrace:
    """The lines after the first of a Ruby error."""

    unfinished = False

    def __init__(self, head: re.Match[str]) -> None:
        self._title, self._frames = f"{head[5]}: {head[4]}", FrameList()
        self._frames.add(head[1], head[2], head[3])

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if found := _RUBY_FROM.fullmatch(text):
            self._frames.add(found[1], found[2], found[3])
        return found is not None

    def report(self) -> Report:
        """What was raised, and where."""
        return Report("ruby", self._title, Severity.FATAL, self._frames.in_order(innermost_first=True))


class PhpTrace:
    """The lines after the first of a PHP error."""

    unfinished = False

    def __init__(self, head: re.Match[str]) -> None:
        self._title, self._frames = head[1], FrameList()
        self._frames.add(head[2], head[3])

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        found = _PHP_FRAME.fullmatch(text)
        if found and found[1]:
            self._frames.add(found[1], found[2], found[3])
        return found is not None

    def report(self) -> Report:
        """What was thrown, and where."""
        return Report("php", self._title, Severity.FATAL, self._frames.in_order(innermost_first=True))


def script_form(text: str) -> Block | None:
    """An error of Ruby's or PHP's."""
    if ".rb:" in text and (ruby := _RUBY.fullmatch(text)):
        return RubyTrace(ruby)
    if " error: " in text and (php := _PHP.fullmatch(text)):
        return PhpTrace(php)
    return None


def system_form(text: str) -> Block | None:
    """A process that the kernel ended, or a service that failed."""
    if ("Killed process" in text or "segfault" in text) and (kernel := _KERNEL.fullmatch(text)):
        return Line(Report("system", f"{kernel[1] or kernel[4]}: {kernel[2] or kernel[3]}", Severity.FATAL))
    if "Failed with result" in text and (unit := _SYSTEMD.fullmatch(text)):
        return Line(Report("system", f"{unit[1]} failed: {unit[2]}"))
    return None
