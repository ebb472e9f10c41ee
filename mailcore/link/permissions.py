"""What a host may do on the server: write as itself alone, read what is for it, and make or change nothing."""

from __future__ import annotations

from typing import Any

from mailcore.link.subjects import JOIN_INBOX, Subjects, inbox_of

ANSWER_WITHIN = "2m"
"""How long a host may answer what it was asked."""


def host_permissions(project: str, host: str) -> dict[str, Any]:
    """Those of a host of the link, as the server's configuration writes them."""
    names = Subjects(project)
    consumer = f"{names.mail_stream}.{host}"
    direct = f"$JS.API.DIRECT.GET.{names.state_stream}"
    return {
        "publish": {
            "allow": [
                names.to("*", host), names.confirmed("*", host), names.sight(host), names.ask("*", host),
                names.beat(host), names.about(host),
                f"$JS.API.CONSUMER.MSG.NEXT.{consumer}", f"$JS.ACK.{consumer}.>", f"$JS.ACK.*.*.{consumer}.>",
                f"$JS.API.DIRECT.GET.{names.mail_stream}.{names.to('*', host)}",
                f"{direct}.{names.confirmed(host, '*')}", f"{direct}.{names.hosts}", f"{direct}.{names.about('*')}",
            ]
        },
        "subscribe": {
            "allow": [
                names.confirmed(host, "*"), names.sight("*"), names.beat("*"), names.about("*"), names.hosts,
                names.ask(host, "*"), f"{inbox_of(host)}.>",
            ]
        },
        "allow_responses": {"max": 1, "expires": ANSWER_WITHIN},
    }  # fmt: skip


def joining_permissions(project: str, host: str) -> dict[str, Any]:
    """Those of whoever holds a token: to ask to be let in under that one name."""
    return {
        "publish": {"allow": [Subjects(project).join(host)]},
        "subscribe": {"allow": [f"{JOIN_INBOX}.{host}.>"]},
    }
