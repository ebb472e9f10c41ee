"""The message of an error without what differs from one time to the next."""

from __future__ import annotations

import re

_UNIT = r"(?:ns|µs|us|ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|days?|[kKMGT]i?B?|B|bytes?|%|px)?"
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"\b[a-zA-Z][\w+.\-]{1,20}://[^\s'\"<>)\]]{1,500}", "<url>"),
        (r"\b[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,64})+", "<mail>"),
        (r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\bsha(?:1|256|512)[:\-][0-9a-zA-Z+/=]{8,128}", "<id>"),
        (r"\[[0-9a-fA-F:]{2,45}\](?::\d{1,5})?|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b", "<address>"),
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
_QUOTED = re.compile(r"'(?:[^'\\]|\\.){0,300}'|\"(?:[^\"\\]|\\.){0,300}\"|`[^`]{0,300}`|‘[^’]{0,300}’|“[^”]{0,300}”")
_TOKEN = re.compile(r"[\w.\-]*\d[\w.\-]*")
_NAMES = re.compile(
    r"(?i)no module named|cannot find (?:module|name|package|symbol|type|value|crate|function|macro)"
    r"|has no attribute|is not defined|not a function|"
    r"cannot import name|unresolved import|undeclared|undefined|missing script|unexpected keyword"
    r"|positional argument|"
    r"no rule to make target|unknown (?:command|option|flag|field|type)|does not exist on type|fixture|relation"
    r"|no such (?:table|column)|"
    r"reading|cannot access|attribute|import|unbound|not assignable|not found in|no (?:field|method)|crate"
    r"|expected|before|argument"
)
"""Messages in which what is quoted is a name of the code's, and so a part of what is wrong."""


def normalise(text: str, *, keep_quoted: bool = False) -> str:
    """`text` with numbers, ids, times, paths, addresses and quoted values each as one sign."""
    text = text[:500]
    if not keep_quoted and not _NAMES.search(text):
        text = _QUOTED.sub("<q>", text)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    text = _TOKEN.sub("<id>", text)
    return " ".join(text.split())
