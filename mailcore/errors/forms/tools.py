"""Tools of the command line: make, npm and its like, TypeScript's compiler, git, docker, Gradle, and the shell."""

from __future__ import annotations

import re

from mailcore.errors.block import Block, Line, Report
from mailcore.model.error_group import Severity, StackFrame

_MAKE_MORE = re.compile(
    r"g?make(?:\[\d{1,4}\])?: (?:\*\*\* \[.*|Leaving directory .*|\*\*\* Waiting for unfinished jobs.*)"
)
_MAKE = re.compile(
    r"(?:\S{0,200}?g?make(?:\[\d{1,4}\])?|[\w./\-]{1,200}:\d{1,9}): \*\*\* (?:\[(.{1,300})\] )?(.{1,500})"
)
_TARGET = re.compile(r"(?:.{0,300}:\d{1,9}: )?(.{1,300})")
_NPM = re.compile(r"npm (?:ERR!|error)(?: (.*))?")
_NPM_KEY = re.compile(
    r"(code|errno|syscall|path|dest|network|notsup|command|workspace|location|cwd|signal|peer) .*"
    r"|A complete log .*|\s.*"
)
_PNPM = re.compile(r"\s{0,4}(ERR_PNPM_\w{1,60}|ELIFECYCLE|ENOENT)\s{1,4}(.*)")
_TSC = re.compile(
    r"([^\s(:][^(:]{0,300}\.[cm]?[jt]sx?)(?:\((\d{1,9}),\d{1,9}\)"
    r"|:(\d{1,9}):\d{1,9}): ?(?:- )?error (TS\d{1,6}): (.*)"
)
_TSC_PRETTY = re.compile(r"([^\s(:][^(:]{0,300}\.[cm]?[jt]sx?):(\d{1,9}):\d{1,9} - error (TS\d{1,6}): (.*)")
_CONFLICT = re.compile(r"CONFLICT \([^)]{1,60}\): (.*)")
_REJECTED = re.compile(r" ! \[(?:remote )?rejected\]\s{1,20}(.{1,200}?)\s->\s(.{1,200}?) \((.{1,200})\)")
_GIT = re.compile(r"(?:remote: )?(?:fatal|error): (.*)|merge: .{1,200} - not something we can merge")
_SAYS = (
    r"(?:command not found|not found|unbound variable|bad substitution|ambiguous redirect|too many arguments"
    r"|unary operator expected|integer expression expected|parameter null or not set|Permission denied"
    r"|No such file or directory|Is a directory|Not a directory|cannot execute.{0,100}|bad interpreter.{0,100}"
    r"|Text file busy|Argument list too long|numeric argument required|division by 0.{0,100}|readonly variable)"
)
_SHELL = re.compile(
    r"(?:(?P<script>[\w./\-~+]{1,300}): (?:line )?(?P<line>\d{1,9}): |-?(?:bash|sh|zsh|dash|ksh"
    r"|fish): (?:line \d{1,9}: )?)"
    rf"(?P<text>[^\s:][^:]{{0,200}}: (?:[^:]{{1,200}}: )?{_SAYS}|command not found: \S{{1,200}}"
    rf"|[Ss]yntax error.{{0,200}}"
    r"|unexpected EOF while looking for matching.{0,60}|cannot create .{1,300}|Unknown command:? .{1,200})"
)
_SHELLS = (None, "bash", "sh", "zsh", "dash", "ksh", "-bash")
_REPEATED = re.compile(r"[\w./\-~+]{1,300}: line \d{1,9}: `.*'")
"""The line that the shell repeats after a syntax error."""
_PROGRAMS = (
    r"(?:ls|cp|mv|rm|mkdir|rmdir|cat|touch|ln|chmod|chown|tar|find|e?grep|sed|g?awk|du|df|stat|head|tail|sort"
    r"|uniq|cut|wc|diff|patch"
    r"|tee|xargs|readlink|realpath|basename|dd|mount|umount|kill|ps|env|sudo|su|ssh|scp|sftp|rsync|curl|wget"
    r"|unzip|zip|gzip|gunzip"
    r"|jq|ping|nc|dig|systemctl|service|ip|install|source|cd|python[\d.]*|node|ruby|perl|java|cmake|psql|mysql"
    r"|kubectl|helm"
    r"|terraform|aws|gcloud|ssh-keygen|id|getent|useradd|timeout|nohup|crontab|mktemp|truncate|split|od|xxd"
    r"|base64|openssl)"
)
_PROGRAM = re.compile(
    rf"(?:/[\w./\-]{{1,200}}/)?(?P<program>{_PROGRAMS}): (?P<text>(?!line \d|info|note|notice|warning"
    rf"|debug).{{1,500}})"
)
_ANY_PROGRAM = re.compile(
    r"(?P<program>[a-z][\w.\-+/]{0,100}): (?P<text>.{1,300}: (?:No such file or directory|Permission denied"
    r"|File exists|Is a directory"
    r"|Not a directory|No space left on device|Directory not empty|Device or resource busy|Read-only file system"
    r"|Connection refused|Operation not permitted|Input/output error|Broken pipe|Name or service not known"
    r"|Connection timed out|Cannot allocate memory|Disk quota exceeded)|No space left on device)"
)
_GRADLE = re.compile(r"(?:FAILURE: .*|> Task (\S{1,200}) FAILED)")
_DOCKER = re.compile(
    r"(?:docker: |ERROR: )?(Error response from daemon: .*|Cannot connect to the Docker daemon.*|failed to solve: .*)"
)
_KOTLIN = re.compile(r"e: (?:file://)?(/?[^:\s]{1,300}\.kts?):(?:\s\()?(\d{1,9})(?:[:,] ?\d{1,9}\)?:?)? (.*)")


class NpmReport:
    """The lines that npm writes of one error."""

    unfinished = False

    def __init__(self, said: str) -> None:
        self._code, self._title, self._first = "", "", ""
        self._read(said)

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if found := _NPM.fullmatch(text):
            self._read(found[1] or "")
            return True
        return False

    def _read(self, said: str) -> None:
        if said.startswith("code ") and not self._code:
            self._code = said[5:].strip()
        elif said.strip():
            self._first = self._first or said
            if not self._title and not _NPM_KEY.fullmatch(said):
                self._title = said.removeprefix(f"{self._code} ") if self._code else said

    def report(self) -> Report:
        """Its code, and the first line that tells in words."""
        title = " ".join(part for part in (self._code, self._title or self._first) if part)
        return Report("npm", title or "npm error")


class GitReport:
    """The lines that git writes of one error, its hints among them."""

    unfinished = False

    def __init__(self, title: str, severity: Severity) -> None:
        self._title, self._severity = title, severity

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        return text.startswith(
            (
                "hint: ",
                "Automatic merge failed",
                "Please make sure you have",
                "and the repository exists",
                "error: failed to push some refs",
                "Please commit your changes",
                "Aborting",
                "\t",
                "CONFLICT (",
            )
        )

    def report(self) -> Report:
        """As its first line says."""
        return Report("git", self._title, self._severity)


class MakeReport:
    """The lines that make and those which called it write of one error."""

    unfinished = False

    def __init__(self, title: str) -> None:
        self._title = title

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        return _MAKE_MORE.fullmatch(text) is not None

    def report(self) -> Report:
        """As the innermost says."""
        return Report("make", self._title)


class ShellReport(Line):
    """A line of the shell's or of a command's, and what follows from it."""

    def take(self, text: str) -> bool:
        """Whether it only repeats."""
        return _REPEATED.fullmatch(text) is not None or text == "tar: Error is not recoverable: exiting now"


class GradleReport:
    """What went wrong, below `FAILURE: Build failed with an exception.`"""

    unfinished = True

    def __init__(self, task: str) -> None:
        self._task, self._where, self._wrong, self._causes = task, False, "", ""

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if text.startswith("* "):
            self._where = text.startswith("* What went wrong")
            return True
        if text.startswith("BUILD FAILED"):
            self.unfinished = False
            return True
        if text.startswith("FAILURE: "):
            return True
        if self._where and text.strip():
            if not self._wrong:
                self._wrong = text.strip()
            else:
                self._causes = self._causes or text.strip("> \t")
            return True
        return text.startswith(("> ", "   >", "    "))

    def report(self) -> Report | None:
        """What went wrong, and the first of why."""
        if not self._wrong:
            return None
        return Report("gradle", f"{self._wrong} {self._causes}".strip())


def build_form(text: str) -> Block | None:
    """make, npm, pnpm, TypeScript, Kotlin, Gradle."""
    if "*** " in text and (make := _MAKE.fullmatch(text)):
        target = _TARGET.fullmatch(make[1])[1] if make[1] else ""  # type: ignore[index]
        return MakeReport(f"*** [{target}] {make[2]}" if target else f"*** {make[2]}")
    if text.startswith("npm ") and (npm := _NPM.fullmatch(text)):
        return NpmReport(npm[1] or "")
    if "ERR_PNPM" in text and (pnpm := _PNPM.fullmatch(text)):
        return Line(Report("npm", f"{pnpm[1]} {pnpm[2]}"))
    if "error TS" in text and (tsc := _TSC_PRETTY.fullmatch(text)):
        return Line(Report("typescript", f"{tsc[3]}: {tsc[4]}", Severity.ERROR, (StackFrame(tsc[1], int(tsc[2])),)))
    if "error TS" in text and (tsc := _TSC.fullmatch(text)):
        return Line(
            Report("typescript", f"{tsc[4]}: {tsc[5]}", Severity.ERROR, (StackFrame(tsc[1], int(tsc[2] or tsc[3])),))
        )
    if text.startswith("e: ") and (kotlin := _KOTLIN.fullmatch(text)):
        return Line(Report("java", f"error: {kotlin[3]}", Severity.ERROR, (StackFrame(kotlin[1], int(kotlin[2])),)))
    if (text.startswith(("FAILURE: ", "> Task "))) and (gradle := _GRADLE.fullmatch(text)):
        return GradleReport(gradle[1] or "")
    return None


def command_form(text: str) -> Block | None:
    """git, docker, the shell and what it runs."""
    if text.startswith("CONFLICT (") and (conflict := _CONFLICT.fullmatch(text)):
        return GitReport(f"CONFLICT: {conflict[1]}", Severity.ERROR)
    if text.startswith(" ! [") and (rejected := _REJECTED.fullmatch(text)):
        return GitReport(f"rejected: {rejected[2]} ({rejected[3]})", Severity.ERROR)
    if "aemon" in text and (docker := _DOCKER.fullmatch(text)):
        return Line(Report("docker", docker[1]))
    if text.startswith(("ERROR: failed to solve: ", "failed to solve: ")) and (docker := _DOCKER.fullmatch(text)):
        return Line(Report("docker", docker[1]))
    if text.startswith(("fatal: ", "remote: fatal: ", "remote: error: ", "merge: ")) and (git := _GIT.fullmatch(text)):
        title = f"{'fatal' if 'fatal: ' in text else 'error'}: {git[1]}" if git[1] else text
        return GitReport(title, Severity.FATAL if "fatal: " in text else Severity.ERROR)
    if ": " not in text[:400] or len(text) > 1000:
        return None
    if shell := _SHELL.fullmatch(text):
        frames = (StackFrame(shell["script"], int(shell["line"])),) if shell["script"] not in _SHELLS else ()
        return ShellReport(Report("shell", shell["text"], Severity.ERROR, frames))
    if found := _PROGRAM.fullmatch(text) or _ANY_PROGRAM.fullmatch(text):
        return ShellReport(Report("shell", f"{found['program'].rpartition('/')[2]}: {found['text']}"))
    return None
