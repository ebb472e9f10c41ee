"""The message of an error without what differs from one time to the next."""

from __future__ import annotations

import re

_UNIT = r"(?:ns|µs|us|ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|days?|[kKMGT]i?B?|B|bytes?|%|px)?"
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"\b[a-zA-Z][\w+.\-]{1,20}://[^\s'\"<>)\]]{1,500}", "<url>"),
        (r"\b[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,64})+", "<mail>"),
        (r"(?<![\w.'\"/])@[\w\-]{1,64}(?![\w/])", "<agent>"),
        (r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\bsha(?:1|256|512)[:\-][0-9a-zA-Z+/=]{8,128}", "<id>"),
        (
            r"\[(?=[0-9a-fA-F]{0,4}:)[0-9a-fA-F:]{2,45}\](?::\d{1,5})?|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b",
            "<address>",
        ),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", "<address>"),
        (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
        (
            r"(?<![\w.])(?:[A-Za-z]:\\|~/|\.{1,2}/"
            r"|/)(?:[^\s'\"<>:;,()\[\]{}|*=]{0,200}[/\\])*[^\s'\"<>:;,()\[\]{}|*=]{0,200}(?::\d+(?::\d+)?)?",
            "<path>",
        ),
        (r"(?<![\w/.@\-])(?:[\w@.\-]{1,80}/){1,12}[\w.\-]{1,80}\.\w{1,8}(?::\d+(?::\d+)?)?", "<path>"),
        (r"(?<![\w.\-])(?=[\w\-]{0,40}\d)(?=[\w\-]{0,40}[a-zA-Z])[0-9a-f]{7,64}(?![\w])", "<hex>"),
        (r"(?<![\w.])[+-]?\d[\d_,]*(?:\.\d+)*(?:[eE][+-]?\d+)?" + _UNIT + r"(?![\w])", "<n>"),
    )
)
_QUOTES = str.maketrans("‘’“”`", "''\"\"'")
_QUOTED = re.compile(r"(?<!\w)'(?:[^'\\]|\\.){0,300}?'(?!\w)|\"(?:[^\"\\]|\\.){0,300}\"")
_CODE = re.compile(
    r"\b(?:[A-Z]{1,6}\d{3,5}"
    r"|ERR_\w+)\b"
    r"(?=[:\]]|$)|\bcode E\d{3}\b|^E\d{3}\b|(?i:\b(?:status(?: code)?|http(?:/[\d.]+\"?)?|returned|with|code)["
    r" :=]{1,2})[45]\d\d\b"
)
"""Numbers that say what is wrong: codes of compilers, and statuses of HTTP."""
_ID = re.compile(r"[A-Za-z0-9_\-]{8,200}")
_CHANGES = re.compile(r"\d[A-Za-z]|[A-Za-z]\d")
_PREFIX = re.compile(r"[A-Za-z]{1,30}[_\-](?=.{6})")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAMES = re.compile(
    r"(?i)no module named|cannot find (?:module|name|package|symbol|type|value|crate|function|macro)|has no attribute"
    r"|is not defined|is not a function|cannot import name|unresolved import|undeclared|undefined|missing script"
    r"|unexpected keyword|positional argument|no rule to make target|unknown (?:command|option|flag|field|type)"
    r"|does not exist on type|fixture|relation|no such (?:table|column)|\(reading|not assignable|no (?:field|method)"
)
"""Messages in which what is quoted is a name of the code's, and so a part of what is wrong."""


def normalise(text: str, *, keep_quoted: bool = False) -> str:
    """`text` with numbers, ids, times, paths, addresses and quoted values each as one sign."""
    text = text[:500].translate(_QUOTES)
    kept = _CODE.findall(text)
    if not keep_quoted and not _NAMES.search(text):
        text = _QUOTED.sub("<q>", text)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    text = _ID.sub(_masked_id, text)
    text = " ".join(_NUMBER.sub("<n>", text).split())
    return f"{text} {' '.join(kept)}" if kept else text


def _masked_id(found: re.Match[str]) -> str:
    """A token in which letters and digits take turns is an id; what stands before it says of what."""
    token = found[0]
    if len(_CHANGES.findall(token)) < (4 if len(token) < 16 else 3):
        return token
    prefix = _PREFIX.match(token)
    return f"{prefix[0] if prefix else ''}<id>"
