"""The files that a workspace's mail lies in, and what of each mail can be found by its words. Reads only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, NamedTuple
from unicodedata import normalize

from mailcore.formats import json_codec
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.threads import bare_subject
from mailcore.model.agent import Agent
from mailcore.model.message import as_text as as_text
from mailcore.system import safe_open
from mailcore.workspace.find import Workspace

BETWEEN = " \ue000 "
"""Between two fields: no word that is sought holds it, so that none is found across them."""

LINK, LOOSE, BARE, PARTY, OPEN = "\ue001", "\ue003", "\ue004", "\ue005", "\ue006"
"""Begin words that nobody can type: the name of another mail that this one is tied to; alone, that it names no thread,
and that its subject has no plain letter or digit; the name of who sent it or has it; alone, that it is open."""

_SOUGHT = ("subject", "message", "from", "to", "id", "sent_id")
_NO_WORD = re.compile(r"[^\w\x00-\x7f]+")
_SIGN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile("[0-9a-z_\x80-\U0010ffff]+")
_PLAIN = re.compile("[0-9A-Za-z_]")
_NO_NAME = re.compile("[\x00-/:-^`{-\x7f]")
_MARK = re.compile("[\u0300-\u036f]+")

Stamp = tuple[int, int, int, int]
NO_STAMP = (0, 0, 0, 0)
"""Of a file that was not looked at."""


class Source(NamedTuple):
    """One file that mail lies in, as it was when it was looked at. A tuple: each search makes thousands of them."""

    agent: Agent
    path: str
    stamp: Stamp
    """Size, time of its last change, inode, and time of the inode's: another file, or another text, has another."""
    name: str = ""
    """Its name, if it is a file of the archive; empty for the open mail."""


PART = 500
"""Files that are read at a time, of which the newest mail is read first."""


def mail_sources(workspace: Workspace, places: Collection[str] | None = None, *, stamps: bool = True) -> list[Source]:
    """The files of all mailboxes: those of open mail first, then the archives', the newest first.

    Those of agents that were removed too. `places`: the mailboxes and archives that are meant, by path; None for all.
    Without `stamps` no file is looked at: a fifth of the time.
    """
    opened: list[Source] = []
    archived: list[Source] = []
    for agent, inbox, archive in mail_places(workspace):
        if places is None or inbox in places:
            with suppress(OSError):
                opened.append(Source(agent, inbox, _stamp(os.stat(inbox))))  # noqa: PTH116
        if places is None or archive in places:
            with suppress(OSError), os.scandir(archive) as entries:
                for one in entries:
                    if one.name.endswith(".json"):
                        with suppress(OSError):
                            stamp = _stamp(one.stat(follow_symlinks=False)) if stamps else NO_STAMP
                            archived.append(Source(agent, one.path, stamp, one.name))
    archived.sort(key=_name, reverse=True)
    return [*opened, *archived]


def mail_places(workspace: Workspace) -> Iterator[tuple[Agent, str, str]]:
    """Each agent with the paths of its open mail and of its archive."""
    for agent in (*workspace.agents, workspace.operator, workspace.watcher, *workspace.former_agents()):
        yield agent, str(agent.inbox), str(agent.archive_dir)


def in_parts(files: Sequence[Source]) -> Iterator[list[Source]]:
    """Files a part at a time, in which those of one agent stand together."""
    for start in range(0, len(files), PART):
        yield sorted(files[start : start + PART], key=_whose)


def _name(source: Source) -> str:
    return source.name


def _whose(source: Source) -> int:
    return id(source.agent)  # a former agent may have the address of a present one


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def read_mails(
    some: Iterable[Source], wanted: Callable[[bytes], bool] = bool
) -> Iterator[tuple[Source, list[dict[str, Any]] | None, str]]:
    """What lies in each of these files; None, saying why, for open mail that cannot be read.

    A file of the archive that is none, or a link, holds nothing; neither does one whose bytes are not `wanted`.
    """
    for _, files in groupby(some, key=_whose):
        group = list(files)
        archive = [source for source in group if source.name]
        for source in group:
            if not source.name:
                box = read_mailbox(source.agent.inbox, source.agent.boundary)
                yield source, None if box.reason else [dict(message.raw) for message in box.messages], box.reason
        if not archive:
            continue
        with suppress(OSError), safe_open.open_directory(archive[0].agent.archive_dir) as directory:
            for source in archive:
                yield source, _archived(source.name, directory, wanted), ""


def _archived(name: str, directory: int, wanted: Callable[[bytes], bool]) -> list[dict[str, Any]]:
    try:
        data = safe_open.read_in(name, directory)
        raw = json_codec.loads(data) if wanted(data) else None
    except (OSError, ValueError, RecursionError):
        return []
    return [raw] if isinstance(raw, dict) else []


def may_hold(phrases: Sequence[str]) -> Callable[[bytes], bool]:
    """A quick look at the bytes of a mail's file: False only where not all of these words can be in it.

    Letters that are written by their number, or in more than one byte, may be any letter without its accent.
    """
    sought = [word.encode("utf-8", "replace") for phrase in phrases for word in phrase.split(" ")]

    def may(data: bytes) -> bool:
        small = data.lower()
        for word in sought:
            if word not in small:
                return not data.isascii() or b"\\u" in data
        return True

    return may


def plain_words(text: str) -> str:
    """A text as its words alone, one blank between two, in small letters: what is sought, and what it is sought in."""
    return " ".join(_WORD.findall(separate_words(text)))


def separate_words(text: str) -> str:
    """A text whose words are what lies between ASCII characters that are no letter, digit or `_`.

    Small letters without accents. Chinese, Japanese and Korean, written without blanks, are words of one sign each.
    """
    if text.isascii():
        return text.lower()
    bare = normalize("NFC", _MARK.sub("", normalize("NFKD", text)).casefold())
    return _SIGN.sub(r" \g<0> ", _NO_WORD.sub(" ", bare))


def searchable_text(raw: dict[str, Any], owner: str, *, is_open: bool) -> str:
    """The words by which a mail of `owner`'s can be found: subject, body, both parties, its names, its links to other
    mails, whether it is open."""
    state = f" {OPEN}" if is_open else ""
    parties = f"{party_word(owner)} {party_word(as_text(raw, 'from'))}"
    return f"{separate_words(chr(10).join(_sought_texts(raw)))} {_ties(raw)} {parties}{state}".replace("\0", " ")


def _ties(raw: dict[str, Any]) -> str:
    """Its own names are there already, as words, where they are texts."""
    subject, known = raw.get("subject"), (None, "", raw.get("sent_id"))
    found = LOOSE if raw.get("thread_id") in (None, "") else ""
    if not isinstance(subject, str) or not _PLAIN.search(bare_subject(subject)):
        found += f" {BARE}"
    for key in ("thread_id", "in_reply_to"):
        if raw.get(key) not in known:
            found += f" {link_word(as_text(raw, key))}"
    for key in ("id", "sent_id"):
        if not isinstance(raw.get(key), str | None):
            found += f" {link_word(as_text(raw, key))}"
    return found


def link_word(name: str) -> str:
    """The word that a name is found by; another one that differs in signs or case may have the same."""
    return LINK + _one_word(name)


def party_word(address: str) -> str:
    """The word by which the mail from or to somebody is found, as of `link_word`."""
    return PARTY + _one_word(address.removeprefix("@"))


def _one_word(name: str) -> str:
    if name.isascii() and name.isalnum():
        return name.lower()
    return _NO_NAME.sub("\ue000", name.lower().encode("utf-8", "replace").decode())


def searchable_fields(raw: dict[str, Any]) -> str:
    """The same words, in which none of a field follows one of another field."""
    return BETWEEN.join(map(plain_words, _sought_texts(raw)))


def _sought_texts(raw: dict[str, Any]) -> list[str]:
    return [one for key in _SOUGHT if isinstance(one := raw.get(key), str)]
