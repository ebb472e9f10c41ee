"""What the watcher of errors keeps of a workspace, as a fact: read when its file changed, and only then."""

from __future__ import annotations

from msgspec.structs import replace

from mailcore.errors.store import errors_file, read_errors
from mailcore.model.error_group import ErrorGroups
from mailcore.observe.facts import ErrorsRead
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.watch import Batch
from mailcore.workspace.find import Workspace

REMEDY = "the next error begins it anew, and sets this aside; restore it, or delete it"


def read_error_groups(workspace: Workspace) -> ErrorGroups:
    """What is kept now, what happened last first."""
    book = read_errors(workspace)
    groups = sorted(book.groups.values(), key=lambda group: (-group.last_at, group.fingerprint))
    trouble = f"{book.reason}; {REMEDY}" if book.reason else ""
    return ErrorGroups(tuple(groups), trouble, sum(book.warnings.values()), book.breaker_at)


class ErrorReader:
    """Reads the file of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        """Reads nothing yet."""
        self._workspace = workspace
        self._file = errors_file(workspace)
        self._name = str(self._file)
        self._stamps = FileStamps()
        self._known = ErrorGroups()
        self._begun = False

    def read(self, batch: Batch) -> list[ErrorsRead]:
        """The fact, if it says something else than the last one: asked at the first call, where the batch names the
        file, and where a look at all finds that it moved."""
        told = self._name in batch.paths
        looks = not self._begun or told or batch.sweep or batch.glance
        self._begun = True
        if not looks or not (self._stamps.moved(self._file) or told):
            return []
        found = read_error_groups(self._workspace)
        if found.trouble:
            found = replace(found, groups=self._known.groups)
        if found == self._known:
            return []
        self._known = found
        return [ErrorsRead(found)]
