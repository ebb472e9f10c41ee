"""The files that a workspace's mail lies in, and what of each mail can be found by its words. Reads only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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

LINK, LOOSE, BARE = "\ue001", "\ue003", "\ue004"
"""Begin words that nobody can type: the name of another mail that this one is tied to; alone, that it names no thread,
and that its subject has no plain letter or digit."""

_SOUGHT = ("subject", "message", "from", "to", "id", "sent_id")
_NO_WORD = re.compile(r"[^\w\x00-\x7f]+")
_SIGN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile("[0-9a-z_\x80-\U0010ffff]+")
_PLAIN = re.compile("[0-9A-Za-z_]")
_NO_NAME = re.compile("[\x00-/:-^`{-\x7f]")
_MARK = re.compile("[\u0300-\u036f]+")

Stamp = tuple[int, int, int, int]


class Source(NamedTuple):
    """One file that mail lies in, as it was when it was looked at. A tuple: each search makes thousands of them."""

    agent: Agent
    path: str
    stamp: Stamp
    """Size, time of its last change, inode, and time of the inode's: another file, or another text, has another."""
    name: str = ""
    """Its name, if it is a file of the archive; empty for the open mail."""


Files = Sequence[tuple[Agent, list[Source]]]
"""Those of each mailbox, as `mail_sources` gives them."""


def mail_sources(workspace: Workspace) -> Iterator[tuple[Agent, list[Source]]]:
    """The files of each mailbox: the open mail, if there is any, and the archive, newest first.

    Those of agents that were removed too.
    """
    for agent in (*workspace.agents, workspace.operator, *workspace.former_agents()):
        found: list[Source] = []
        with suppress(OSError):
            found.append(Source(agent, str(agent.inbox), _stamp(agent.inbox.stat())))
        with suppress(OSError), os.scandir(agent.archive_dir) as entries:
            names = sorted((one for one in entries if one.name.endswith(".json")), key=_name, reverse=True)
            for one in names:
                with suppress(OSError):
                    found.append(Source(agent, one.path, _stamp(one.stat(follow_symlinks=False)), one.name))
        yield agent, found


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def read_mails(
    agent: Agent, some: list[Source], wanted: Callable[[bytes], bool] = bool
) -> Iterator[tuple[Source, list[dict[str, Any]] | None, str]]:
    """What lies in each of an agent's files; None, saying why, for open mail that cannot be read.

    A file of the archive that is none, or a link, holds nothing; neither does one whose bytes are not `wanted`.
    """
    for source in some:
        if not source.name:
            box = read_mailbox(agent.inbox, agent.root)
            yield source, None if box.reason else [dict(message.raw) for message in box.messages], box.reason
    archive = [source for source in some if source.name]
    if archive:
        with safe_open.open_directory(agent.archive_dir) as directory:
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
        if not data.isascii() or b"\\u" in data:
            return True
        small = data.lower()
        return all(word in small for word in sought)

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


def searchable_text(raw: dict[str, Any]) -> str:
    """The words by which a mail can be found: subject, body, both parties, its names, and its links to other mails."""
    return f"{separate_words(chr(10).join(_sought_texts(raw)))} {_ties(raw)}".replace("\0", " ")


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
    if name.isascii() and name.isalnum():
        return LINK + name.lower()
    return LINK + _NO_NAME.sub("\ue000", name.lower().encode("utf-8", "replace").decode())


def searchable_fields(raw: dict[str, Any]) -> str:
    """The same words, in which none of a field follows one of another field."""
    return BETWEEN.join(map(plain_words, _sought_texts(raw)))


def _sought_texts(raw: dict[str, Any]) -> list[str]:
    return [one for key in _SOUGHT if isinstance(one := raw.get(key), str)]
