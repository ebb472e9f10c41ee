"""C and C++: compilers and linkers, sanitizers, and how a process ends by the C library."""

from __future__ import annotations

import re
from dataclasses import replace

from mailcore.errors.block import Block, FrameList, Line, Report
from mailcore.model.error_group import Severity, StackFrame

_COMPILE = re.compile(r"([^\s:][^:]{0,300}):(\d{1,9})(?::\d{1,9})?: (?:fatal )?error: (.*)")
_LINK = re.compile(
    r"(?:\S{0,200}ld(?:\.\w+)?: )?([^\s:]{1,300}):(?:\([^)]{1,80}\)|\d{1,9}"
    r"|in function `[^']{1,200}'): (undefined reference to .*|multiple definition of .*)"
)
_LINKER = re.compile(r"\S{0,200}ld(?:\.\w+)?: (cannot find .*|.*: undefined reference .*)")
_SANITIZER = re.compile(r"(?:==\d{1,9}==)?(?:ERROR|WARNING): (\w{1,20}Sanitizer): (.*)")
_CALL = re.compile(
    r"\s{1,8}#\d{1,5} (?:0x[0-9a-f]+ )?(?:in )?(.{1,300}?) (?:\(?(/?[^\s():]{1,300})\)?(?::(\d{1,9}))?"
    r"(?::\d{1,9})?|\(.{1,400}\))(?: \(BuildId: \w+\))?"
)
_ASSERT = re.compile(r"(?:[^\s:]{1,200}: )?([^\s:]{1,300}):(\d{1,9}): (.{1,300}): (Assertion .{1,500} failed\.?)")
_KINDS = {"java": "java", "py": "python", "pyi": "python", "rs": "rust", "go": "go", "ts": "typescript"}
"""Of the end of a file's name; what has none is C or C++."""
_SYMBOL = re.compile(r"\s{2,8}symbol: {1,6}(.{1,200})")
_SIGNAL = re.compile(
    r"(?:\S{1,200}: (?:line \d{1,9}: +\d{1,9} )?|\[\d{1,4}\]\s+\d{1,9}\s+|)"
    r"(Segmentation fault|segmentation fault|Bus error|Illegal instruction|Floating point exception|Aborted|Killed)"
    r"( +\(core dumped\))?(?: +(.{0,300}))?"
)
_GLIBC = re.compile(
    r"(?:\S{1,100}: )?(?:\*\*\* (.{1,100}) \*\*\*:? .*|(free\(\): .{1,100}|malloc\(\): .{1,100}"
    r"|double free or corruption.{0,40}"
    r"|munmap_chunk\(\): .{1,60}|realloc\(\): .{1,60}|corrupted (?:size|double).{1,60}))"
)


class Compilation:
    """The lines after one of a compiler's: the code that it points at."""

    unfinished = False

    def __init__(self, report: Report) -> None:
        self._report, self._symbol, self._lines = report, "", 0

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if symbol := _SYMBOL.fullmatch(text):
            self._symbol = symbol[1]
            return True
        self._lines += 1
        return text[:1].isspace() or (self._lines == 1 and self._report.kind == "java")

    def report(self) -> Report:
        """As its first line says, and which symbol it means."""
        return replace(self._report, title=f"{self._report.title}: {self._symbol}") if self._symbol else self._report


class Sanitizer:
    """The lines after `==1==ERROR: AddressSanitizer: …`."""

    def __init__(self, title: str) -> None:
        self._title, self._frames, self._stacks, self.unfinished = title, FrameList(), 0, True

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if call := _CALL.fullmatch(text):
            self._stacks += text.lstrip().startswith("#0 ")
            if self._stacks <= 1:
                self._frames.add(call[2] or "", call[3] or 0, call[1])
            return True
        if text.startswith(("SUMMARY: ", "==")):
            self.unfinished = "ABORTING" not in text and not text.startswith("SUMMARY: ")
            return True
        return self.unfinished

    def report(self) -> Report:
        """What it found, and the frames of the access."""
        return Report("native", self._title, Severity.FATAL, self._frames.in_order(innermost_first=True))


class Terminate:
    """The line after `terminate called after throwing …`, and what the shell says of the signal."""

    def __init__(self, title: str, frames: tuple[StackFrame, ...] = ()) -> None:
        self._title, self._frames, self.unfinished = title, frames, False

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if text.lstrip().startswith("what():"):
            self._title += f": {text.strip()[7:].strip()}"
            return True
        signal = _SIGNAL.fullmatch(text)
        return signal is not None and signal[1] == "Aborted"

    def report(self) -> Report:
        """What was thrown, and its message."""
        return Report("native", self._title, Severity.FATAL, self._frames)


def native_form(text: str) -> Block | None:
    """A compiler's or linker's line, a sanitizer's, or the end of a process by a signal."""
    if "error: " in text:
        if (found := _COMPILE.fullmatch(text)) and not found[1].endswith((".kt", ".kts")):
            kind = _KINDS.get(found[1].rpartition(".")[2], "native")
            return Compilation(
                Report(kind, f"error: {found[3]}", Severity.ERROR, (StackFrame(found[1], int(found[2])),))
            )
        if found and "runtime error" in text:
            return None
    if "Sanitizer: " in text and (found := _SANITIZER.fullmatch(text.strip("= "))):
        return Sanitizer(f"{found[1]}: {found[2]}")
    if (" undefined " in text or " multiple " in text) and (found := _LINK.fullmatch(text)):
        return Line(Report("native", found[2], Severity.ERROR, (StackFrame(found[1].rpartition("/")[2]),)))
    if "ld: " in text and (found := _LINKER.fullmatch(text)):
        return Line(Report("native", found[1]))
    if "Assertion " in text and (found := _ASSERT.fullmatch(text)):
        return Terminate(found[4], (StackFrame(found[1], int(found[2]), found[3]),))
    if text.startswith("terminate called "):
        return Terminate(text)
    if (found := _SIGNAL.fullmatch(text)) and (text[0] not in "SBIFAKs" or not found[3]) and len(text) < 300:
        program = (found[3] or "").strip().rpartition("/")[2]
        title = found[1][0].upper() + found[1][1:]
        return Line(Report("shell", f"{title}: {program}" if program else title, Severity.FATAL))
    if found := _GLIBC.fullmatch(text):
        return Terminate((found[1] or found[2]).strip())
    return None
