"""Secrets by their known forms, masked in what is made of others' output: stories, bounces, recordings, notifications.

Never in a mail that somebody wrote: that is his to say. A form that has no sign of its own (a bare hexadecimal key) is
not found: hashes, ids and ordinary base64 must stay.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_VALUE = (
    r"(?!\$|<|\*|\[|\(|\{|%|(?:none|null|nil|true|false|undefined|unset|required|missing|xx+|\.\.\.)\b|[\w.]+[(\[])"
)
"""What stands where a secret would, and is none: a variable, a placeholder, a call."""
_NAME = (
    r"pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|apikey|(?:secret_)?access[_-]?key|account[_-]?key|private[_-]?key"
    r"|(?:auth|access|refresh|id|bot|api|session|github|gitlab|npm|slack)[_-]?token|client[_-]?secret|credentials?|nonce"
)

SECRET_FORMS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[^\"])*(?:-----END [A-Z ]*-----)?",
    "age key": r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
    "AWS key id": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{50,250})\b",
    "GitLab token": r"\bgl(?:pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_-]{20,}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}",
    "Slack webhook": r"\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}",
    "Discord webhook": r"\bdiscord(?:app)?\.com/api/webhooks/\d{10,}/[A-Za-z0-9_-]{30,}",
    "Anthropic key": r"\bsk-ant-[A-Za-z0-9_-]{16,}",
    "OpenAI key": r"\bsk-(?:proj|svcacct|admin|or-v1|None)-[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{32,}\b",
    "Stripe key": r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/]{24,}",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])|\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "service token": (
        r"\b(?:dckr_pat_[A-Za-z0-9_-]{20,}|dop_v1_[a-f0-9]{64}|lin_api_[A-Za-z0-9]{30,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
        r"|xai-[A-Za-z0-9]{40,}|gsk_[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|dapi[a-f0-9]{32}"
        r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|sntrys_[A-Za-z0-9+/=_-]{30,}|glsa_[A-Za-z0-9_]{30,})"
    ),
    "bot token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,}|\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
    "JWT": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "credentials": (
        r"(?i:(?<=bearer )[A-Za-z0-9._~+/-]{16,}=*|(?<=authorization: basic )[A-Za-z0-9+/]{8,}=*)"
        r"|(?<=://)[^\s/:@\"'\\]{0,100}:[^\s/@\"'\\]{1,200}(?=@)"
    ),
}
"""Name → pattern of the whole secret."""

_SIGNS = (
    "private key", "age-secret-key-", "akia", "asia", "abia", "acca", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
    "github_pat", "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "xox", "xapp-", "hooks.slack.com",
    "/webhooks/", "sk-", "sk_", "rk_", "pk_", "whsec_", "aiza", "ya29.", "gocspx-", "npm_", "pypi-", "hf_",
    "dckr_pat_", "dop_v1_", "lin_api_", "shpat", "shpca", "shppa", "shpss", "xai-", "gsk_", "pplx-", "r8_",
    "dapi", "sg.", "sntrys_", "glsa_", ":aa", "eyj", "bearer ", "basic ", "://", "pass", "pwd", "secret", "key",
    "token", "credential", "nonce",
)  # fmt: skip
"""In small letters: what has none of these, and no `_NAMELESS`, holds no secret of a known form. To look for them takes
a fortieth of the time that the forms do."""
_NAMELESS = re.compile(r"[MNO][A-Za-z0-9_-]{23,25}\.")
"""How the one form begins that has no such sign."""

_KINDS = list(SECRET_FORMS)
# `password=hunter2`, `"api_key": "…"`, `--password hunter2`. Of a bare value after a colon only what has eight
# characters with a digit: prose ("the password: see below") stays, and after a quoted name the number that JSON has.
_QUOTED = (
    rf"(?i)(?P<head>(?<![a-z])(?:{_NAME})(?:\\?[\"'])?\s{{0,4}}[:=]\s{{0,4}}\\?[\"']{_VALUE})"
    r"(?P<value>[^\"'\\\n]{2,})"
)
_BARE = (
    rf"(?i)(?P<head>(?<![a-z])(?:{_NAME})(?:\s{{0,4}}=\s{{0,4}}{_VALUE}"
    rf"|\s{{0,4}}:\s{{0,4}}{_VALUE}(?=[^\s\"',;]*\d)(?=[^\s\"',;]{{8}}))|--(?:{_NAME}|token) {_VALUE}(?!-))"
    r"(?P<value>[^\s\"'\\,;&]{2,})"
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Those of every known form, of quoted and of bare values; made when the first text is masked: that takes 10 ms."""
    forms = "|".join(f"(?P<f{number}>{pattern})" for number, pattern in enumerate(SECRET_FORMS.values()))
    return re.compile(forms), re.compile(_QUOTED), re.compile(_BARE)


def masked(text: str) -> str:
    """`text` with `[masked: GitHub token]` and the like in the place of each secret of a known form."""
    if not may_hold_secret(text):
        return text
    forms, quoted, bare = _patterns()
    found = forms.sub(lambda match: f"[masked: {_KINDS[int(str(match.lastgroup)[1:])]}]", text)
    return bare.sub(_assigned, quoted.sub(_assigned, found))


def may_hold_secret(text: str) -> bool:
    """Whether the forms are to be looked for: False says that there is none."""
    small = text.casefold()
    return any(sign in small for sign in _SIGNS) or _NAMELESS.search(text) is not None


def _assigned(match: re.Match[str]) -> str:
    value = match["value"]
    return match["head"] + (value if value.startswith("[masked") else "[masked]")


def masked_all(value: Any) -> Any:
    """The same for every text of a JSON value."""
    match value:
        case str():
            return masked(value)
        case dict():
            return {key: masked_all(inner) for key, inner in value.items()}
        case list() | tuple():
            return [masked_all(inner) for inner in value]
    return value
