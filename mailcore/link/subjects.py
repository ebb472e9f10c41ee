"""The names of what moves over the server: subjects, streams, consumers. Who may use which is `permissions`' to say."""

from __future__ import annotations

import re

PREFIX = "px"
JOIN_INBOX = "_JOIN"


def project_token(name: str) -> str:
    """A project's name as a part of a subject: small letters, digits and `-`, 40 at most."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "project"


class Subjects:
    """The subjects of one project. A host's name stands in them as it is: `mailcore.hosts.names` sees to its form."""

    def __init__(self, project: str) -> None:
        self._base = f"{PREFIX}.{project}"
        token = project.upper().replace("-", "_")
        self.mail_stream = f"PX_{token}_TO"
        """The stream of envelopes, each until the host that it is for took it."""
        self.state_stream = f"PX_{token}_STATE"
        """The stream of last values: what was confirmed, who belongs to the link, what each host says of itself."""
        self.hosts = f"{self._base}.hosts"
        """Who belongs to the link, as the hub says it."""
        self.joins = f"{self._base}.join.*"

    def to(self, host: str, sender: str) -> str:
        """Envelopes from one host to another; `*` for any."""
        return f"{self._base}.to.{host}.from.{sender}"

    def confirmed(self, sender: str, receiver: str) -> str:
        """What the receiver has of the sender's envelopes."""
        return f"{self._base}.confirmed.{sender}.by.{receiver}"

    def sight(self, host: str) -> str:
        """The facts of a host's agents, as they come."""
        return f"{self._base}.sight.{host}"

    def ask(self, host: str, asker: str) -> str:
        """Questions to a host, each of which it answers at once."""
        return f"{self._base}.ask.{host}.from.{asker}"

    def beat(self, host: str) -> str:
        """A host's sign of life, with its clock."""
        return f"{self._base}.beat.{host}"

    def about(self, host: str) -> str:
        """What a host says of itself: its agents, its version."""
        return f"{self._base}.about.{host}"

    def join(self, host: str) -> str:
        """Where a host that is invited asks to be let in."""
        return f"{self._base}.join.{host}"


def inbox_of(host: str) -> str:
    """Where a host gets its answers: nobody else may listen there."""
    return f"_INBOX.{host}"


def last_word(subject: str) -> str:
    """The host that a subject ends with: its sender, by the server's word."""
    return subject.rpartition(".")[2]
