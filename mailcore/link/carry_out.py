"""What came over the link is carried out by whoever is there for its kind; what that refuses is told to its sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mailcore.exceptions import MailcoreError, Refused
from mailcore.link.handlers import HANDLERS_OF_RUNS, REFUSERS, function
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.workspace.find import Workspace, workspace_at


class CarryingOut:
    """Carries out envelopes, in a worker thread."""

    def __init__(
        self, workspace: Workspace, handlers: Mapping[EnvelopeKind, str], on_trouble: Callable[[str], None]
    ) -> None:
        self._workspace, self._handlers, self._on_trouble = workspace, handlers, on_trouble
        self._read: tuple[int, ...] = ()

    def carry_out(self, envelopes: Sequence[Envelope], repeated: bool) -> None:
        """Do what they say, which are of one kind. OSError, or a MailcoreError of one, where the disk does not allow it
        now: they stay untaken.

        What else goes wrong is told to their sender, and they count as taken: they must not block what comes after.
        """
        workspace = self._current()
        if many := HANDLERS_OF_RUNS.get(envelopes[0].kind, ""):
            function(many)(workspace, envelopes, repeated)
            return
        for envelope in envelopes:
            self._carry_out(workspace, envelope, repeated)

    def _carry_out(self, workspace: Workspace, envelope: Envelope, repeated: bool) -> None:
        handler = self._handlers.get(envelope.kind, "")
        try:
            if not handler:
                raise Refused(f"nothing here takes what is of the kind {envelope.kind}", "kind")
            function(handler)(workspace, envelope, repeated)
        except OSError:
            raise
        except MailcoreError as error:
            if isinstance(error.__cause__, OSError):
                raise
            self._refuse(workspace, envelope, error)
        except Exception as error:  # a fault of ours with one envelope must not stop all that come after it
            self._refuse(workspace, envelope, MailcoreError(f"{type(error).__name__}: {error}", "fault"))

    def _refuse(self, workspace: Workspace, envelope: Envelope, error: MailcoreError) -> None:
        self._on_trouble(f"{envelope.kind} {envelope.id[:8]} from {envelope.sender}: {error}")
        if refuser := REFUSERS.get(envelope.kind, ""):
            function(refuser)(workspace, envelope, error)

    def _current(self) -> Workspace:
        """The workspace as its registry says now."""
        found = self._workspace.registry.stat()
        read = found.st_ino, found.st_mtime_ns, found.st_size
        if read != self._read:
            self._workspace, self._read = workspace_at(self._workspace.root), read
        return self._workspace
