"""Test runners: pytest's failures and its summary, unittest's, Jest's, Vitest's and Mocha's."""

from __future__ import annotations

import re
from collections import deque

from mailcore.errors.block import Block, FrameList, Line, Report
from mailcore.errors.forms.stacks import NODE_FRAME
from mailcore.model.error_group import Severity, StackFrame

_SECTION = re.compile(r"_{2,120} (?:ERROR (?:at (?:setup|teardown) of |collecting ))?(\S.{0,300}?) _{2,120}")
_RULE = re.compile(r"(?:[=]{3,200} .{0,200} [=]{3,200}|(?:_ ){5,100}_?|-{5,200} .{0,100} -{5,200}|={5,200}|-{5,200})")
_E_LINE = re.compile(r"E\s{3,40}(\S.*)")
_RAISED = re.compile(
    r"(?:[\w$]{1,100}\.){0,20}[A-Z_a-z][\w$]{0,100}(?:Error|Exception|Exit|Interrupt|Failed|Warning|Group"
    r"|NotFound|Failure)?(?:: .*)?"
)
_TYPE = re.compile(
    r"(?:[a-zA-Z_]\w{0,100}\.){0,20}[A-Z]\w{0,100}(?:: .*)?|Failed: .*|assert .*"
    r"|fixture '.*' not found"
)
_PLACE = re.compile(r"([^\s:][^:\n]{0,300}\.pyx?):(\d{1,9}): ?(?:in (\S{1,200})|([\w.]{1,200}))?")
_SUMMARY = re.compile(
    r"(FAILED|ERROR) ((?:[^\s:\[]{1,300}\.py)(?:::[^\s\[:]{1,200}){0,5}(?:\[.{0,300}?\])?)(?: - (.*))?"
)
_DEF = re.compile(r">?\s{4,40}(?:async )?def (\w{1,200})\(.*")
_UNITTEST = re.compile(r"(?:FAIL|ERROR): (\w{1,200}) \(([\w.<>]{1,300})\)(?: .*)?")
_JEST = re.compile(r"\s{1,4}● (.{1,400})")
_JEST_END = re.compile(r"\s{0,2}(?:Test Suites: |Tests: |PASS |FAIL |Snapshot Summary|Summary of all failing tests).*")
_VITEST = re.compile(r"\s{0,4}FAIL\s{1,4}(\S{1,300}\.[cm]?[jt]sx?) > (.{1,400})")
_MOCHA = re.compile(r"\s{2,6}\d{1,5}\) (\S.{0,300})")
_TAP = re.compile(r"\s{0,20}not ok \d{1,7} (?:- )?(.{1,300}?)(?: # (?!TODO|SKIP).*)?")
_VITEST_PLACE = re.compile(r"❯ (?:(\S{1,200}) )?(\S{1,300}?):(\d{1,9}):\d{1,9}")
_TAP_ERROR = re.compile(r"\s{2,20}(?:error|message): ([^|>\s].*)")
_SUBTESTS = re.compile(r"\d{1,6} subtests? failed")
_MAX_TOLD = 1000


class PytestReport:
    """Knows pytest's failures by sight; what its summary repeats is not told twice."""

    def __init__(self) -> None:
        self._told: deque[str] = deque(maxlen=_MAX_TOLD)
        """Names of the tests whose section was read."""

    def __call__(self, text: str) -> Block | None:
        """The section of a failed test, or a line of the summary that none was read of."""
        if text.startswith("__") and (section := _SECTION.fullmatch(text)):
            self._told.append(section[1])
            return PytestSection(section[1], setup=" ERROR " in text)
        if text.startswith(("FAILED ", "ERROR ")) and (summary := _SUMMARY.fullmatch(text)):
            file, _, name = summary[2].partition("::")
            name = name.replace("::", ".")
            if (told := name or file) in self._told:
                self._told.remove(told)
                return Silent()
            title = _of_assertion(summary[3]) or f"{summary[1]}: {name or file}"
            return Line(Report("pytest", title, Severity.ERROR, (StackFrame(file, 0, name),)))
        if text.startswith("=") and " test session starts " in text:
            self._told.clear()
        return None


def _of_assertion(said: str | None) -> str:
    return f"AssertionError: {said}" if said and said.startswith(("assert ", "assert(")) else said or ""


class Silent:
    """A line that is known and tells nothing new."""

    unfinished = False

    def take(self, text: str) -> bool:  # noqa: ARG002
        """None belongs to it."""
        return False

    def report(self) -> None:
        """Nothing."""
        return


class PytestSection:
    """The lines of one failed test."""

    unfinished = True

    def __init__(self, name: str, *, setup: bool = False) -> None:
        self._name, self._said, self._frames, self._function = name, "", FrameList(), ""
        self._setup, self._raised = setup, ""
        self._captured = False

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if text.startswith("__") and _SECTION.fullmatch(text):
            return False
        if text.startswith(("FAILED ", "ERROR ")) and _SUMMARY.fullmatch(text):
            return False
        if text.startswith("===") and _RULE.fullmatch(text):
            return False
        if text.startswith("---") and _RULE.fullmatch(text):
            self._captured = True
        if self._captured:
            return True
        if text.startswith("E ") and (said := _E_LINE.fullmatch(text)):
            if not self._said or (not _TYPE.fullmatch(self._said) and _TYPE.fullmatch(said[1])):
                self._said = said[1]
        elif found := _DEF.fullmatch(text):
            self._function = found[1]
        elif (place := _PLACE.fullmatch(text)) and not text[0].isspace():
            self._frames.add(place[1], place[2], place[3] or self._function)
            self._function = ""
            self._raised = place[4] or self._raised
        return True

    def report(self) -> Report:
        """What the test's last line of `E` says, or pytest itself."""
        title = self._said or self._raised or f"FAILED: {self._name}"
        name = self._name.rpartition("[")[0] or self._name
        frames = self._frames.in_order()
        return Report("pytest", _of_assertion(title), Severity.ERROR, frames or (StackFrame("", 0, name),))


class TapFailure:
    """The lines after `not ok 1 - name`."""

    unfinished = False

    def __init__(self, name: str) -> None:
        self._name, self._said = name, ""

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if not self._said and (error := _TAP_ERROR.fullmatch(text)):
            self._said = error[1].strip("'\"")
        return text[:1].isspace() and not _TAP.fullmatch(text)

    def report(self) -> Report | None:
        """Its name, and what it says; nothing if it only counts those within it."""
        if _SUBTESTS.fullmatch(self._said):
            return None
        return Report("tap", f"not ok: {self._name}: {self._said}" if self._said else f"not ok: {self._name}")


class ScriptTest:
    """The lines of one failed test of Jest's, Vitest's or Mocha's."""

    unfinished = True

    def __init__(self, name: str, file: str = "", *, indented: bool = False) -> None:
        self._name, self._file, self._said, self._frames = name, file, "", FrameList()
        self._indented, self._lines = indented, 0

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        self._lines += 1
        if _JEST.fullmatch(text) or _JEST_END.fullmatch(text) or _VITEST.fullmatch(text) or "⎯⎯" in text:
            return False
        if self._lines > 100 or (self._indented and not text[:1].isspace()):
            return False
        bare = text.strip()
        if bare.startswith("at ") and (frame := NODE_FRAME.fullmatch(text)):
            self._frames.add(frame[2].removeprefix("async "), frame[3] or 0, frame[1] or "")
        elif place := _VITEST_PLACE.fullmatch(bare):
            self._frames.add(place[2], place[3], place[1] or "")
        elif not self._said:
            self._said = bare
        elif self._said.endswith(":") and len(self._said) < 100 and not self._frames:
            self._said = f"{self._name}: {bare}" if self._said == f"{bare}:" else bare
        return True

    def report(self) -> Report:
        """What its first line says."""
        title = f"{self._name}: {self._said}" if self._said else f"FAIL: {self._name}"
        frames = self._frames.in_order(innermost_first=True)
        return Report("node", title, Severity.ERROR, frames or (StackFrame(self._file, 0, self._name),))


def script_test_form(text: str) -> Block | None:
    """A failed test of one of Node's runners, or of any that speaks TAP."""
    if "●" in text and (found := _JEST.fullmatch(text)) and not found[1].startswith("Console"):
        return ScriptTest(found[1].strip(), indented=True)
    if "FAIL" in text and (found := _VITEST.fullmatch(text)):
        return ScriptTest(found[2].strip(), found[1])
    if "not ok " in text and (found := _TAP.fullmatch(text)):
        return TapFailure(found[1])
    return None


def unittest_name(text: str) -> str:
    """The test whose failure the line begins, `module.Class.test`; empty if it is none."""
    found = _UNITTEST.fullmatch(text)
    if not found:
        return ""
    return found[2] if found[2].endswith(found[1]) else f"{found[2]}.{found[1]}"
