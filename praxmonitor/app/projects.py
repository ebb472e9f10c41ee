"""The workspaces that are open beside each other: one of them is shown, all of them are followed and heard."""

from __future__ import annotations

from collections.abc import Iterator

from praxmonitor.app.project import Project
from praxmonitor.state.project_summary import ProjectSummary


class OpenProjects:
    """One at least, in the order in which they were named."""

    def __init__(self, first: Project) -> None:
        self.current = first
        """The one that the views show."""
        self._all = [first]

    def __iter__(self) -> Iterator[Project]:
        return iter(self._all)

    def add(self, project: Project) -> None:
        """Another one beside those there are."""
        self._all.append(project)

    @property
    def several(self) -> bool:
        """Whether there are more than one."""
        return len(self._all) > 1

    def place(self, project: Project) -> int:
        """Which one it is, from 0."""
        return self._all.index(project)

    def at(self, place: int) -> Project:
        """The one at this place, round and round."""
        return self._all[place % len(self._all)]

    @property
    def summaries(self) -> tuple[ProjectSummary, ...]:
        """What each wants of the operator; nothing where there is but one."""
        if not self.several:
            return ()
        return tuple(each.summary(current=each is self.current) for each in self._all)

    def told(self, project: Project, message: str) -> str:
        """What is said of one: where there are several, of which."""
        return f"{project.opened.workspace.root.name}: {message}" if self.several else message

    def begin(self) -> None:
        """Look what was left to do of each while none of this was open."""
        for project in self._all:
            project.begin()

    def tick(self) -> None:
        """Time goes by."""
        for project in self._all:
            project.tick()

    def reach_changed(self) -> None:
        """Whether the operator can be heard or reached is another matter now."""
        for project in self._all:
            project.alarms.notifier.reach_changed()

    def note_key(self) -> None:
        """A person is there."""
        for project in self._all:
            project.alarms.notifier.note_key()

    def close(self) -> None:
        """Show nothing more, and let go of every duty."""
        for project in self._all:
            project.close()
