"""Addresses of the web compared with patterns: an allowance is of a host, whatever else an address says. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from mailcore.permissions.wildcards import is_like

_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z*?][\w+.\-*?]*)://(?P<host>[^/?#\\@%\s]+)(?P<rest>(?:[/?#][^\\\s\x00-\x1f]*)?)"
)
_PORTS = {"http": "80", "https": "443"}


def address_allowed(url: str, wanted: str) -> bool:
    """True if a pattern allows the address: `*` in its host stands for no other part, and `..` leads nowhere else.

    One that says who calls (`me@host`), or that programs read differently, is allowed by no pattern but `*`.
    """
    if wanted == "*":
        return True
    found, meant = _ADDRESS.fullmatch(url), _ADDRESS.fullmatch(wanted)
    if found is None or ".." in re.split(r"[/\\]", unquote(re.split("[?#]", found["rest"])[0])):
        return False
    if meant is None:
        return is_like(url, wanted)
    host, rest = meant["host"].lower(), meant["rest"]
    if not rest and host.endswith("*"):  # `https://host*` means that host, not one that begins so
        host, rest = host.rstrip("*") or "*", "*"
    return (
        is_like(found["scheme"].lower(), meant["scheme"].lower())
        and is_like(found["host"].lower(), host)
        and is_like(found["rest"] or "/", rest or "/")
    )


def plain_address(url: str) -> str:
    """The address as most would write it: without who calls, a port that goes without saying, capitals in a host."""
    try:
        parts = urlsplit(url.strip().replace("\\", "/"))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return url
    if not host:
        return url
    said = f":{port}" if port is not None and str(port) != _PORTS.get(parts.scheme) else ""
    return parts._replace(netloc=f"{host}{said}", path=parts.path or "/").geturl()
