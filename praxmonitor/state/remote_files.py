"""Copies of what another host keeps of an agent, asked for while somebody looks at them. For threads.

Only the process of the link writes them; here it is asked to bring them up to date, and what is there is read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from mailcore.exceptions import MailcoreError
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts
from mailcore.workspace.find import Workspace
from praxmonitor.state.agent_details import AgentDetails, CopyState, Section

ASK_PERIOD = 2.0
"""Seconds between two times that one thing is asked for."""
COPY_PATIENCE = 10.0
"""Seconds that an answer is waited for."""
COPIED_MAIL, COPIED_LOGS = "mailbox", "logs"
"""What can be asked for."""
COPIED_KINDS: Mapping[Section, str] = MappingProxyType({
    Section.STORY: COPIED_LOGS, Section.LOG: COPIED_LOGS, Section.MAILBOX: COPIED_MAIL,
})  # fmt: skip
"""What of another host a section shows; the other sections show what the fleet holds, or what is seen there alone."""


class RemoteFiles:
    """Asks other hosts, one question at a time: whoever comes meanwhile is told what is there."""

    def __init__(self, workspace: Callable[[], Workspace]) -> None:
        self._workspace = workspace
        self._asking = threading.Lock()
        self._tried: dict[tuple[str, str], float] = {}
        """Address and kind → when it was asked for last, by the machine's own clock."""
        self._trouble: dict[tuple[str, str], str] = {}

    def bring(self, agent: Agent, kinds: Collection[str]) -> CopyState:
        """Bring what is too old up to date; how old it is then. It may wait `COPY_PATIENCE` for each kind."""
        due = [kind for kind in kinds if time.monotonic() - self._tried.get((agent.address, kind), -1e9) >= ASK_PERIOD]
        asking = bool(due) and not self._asking.acquire(blocking=False)
        if due and not asking:
            try:
                for kind in due:
                    self._ask(agent, kind)
            finally:
                self._asking.release()
        return self._state(agent, kinds, asking=asking)

    def _ask(self, agent: Agent, kind: str) -> None:
        from mailcore.hosts.ask_socket import refresh_mirror
        from mailcore.hosts.names import split_address

        key = agent.address, kind
        try:
            refresh_mirror(self._workspace(), agent.host, split_address(agent.address)[0], kind, COPY_PATIENCE)
            self._trouble.pop(key, None)
        except (MailcoreError, OSError) as error:
            self._trouble[key] = str(error)
        self._tried[key] = time.monotonic()

    def _state(self, agent: Agent, kinds: Collection[str], *, asking: bool) -> CopyState:
        from mailcore.hosts.mirrored import read_mirror

        asked = read_mirror(agent).asked if kinds else {}
        troubles = [said for kind in kinds if (said := self._trouble.get((agent.address, kind)))]
        return CopyState(agent.host, min((asked.get(kind, 0.0) for kind in kinds), default=0.0), asking, *troubles[:1])


def read_copies(facts: AgentFacts, wanted: Collection[Section], copy: CopyState) -> AgentDetails:
    """What the copies of an agent say for these sections. Its processes, memories and waiting starts are seen on its
    own host alone."""
    from mailcore.mail.mailbox_reader import read_mailbox
    from mailcore.observe.file_tail import last_lines
    from praxmonitor.state.agent_reader import LOG_BYTES, LOG_LINES, newest_log

    kinds = {COPIED_KINDS.get(section) for section in wanted}
    log = newest_log(facts) if COPIED_LOGS in kinds else None
    mailbox = read_mailbox(facts.agent.inbox) if COPIED_MAIL in kinds and facts.agent.inbox.is_file() else None
    return AgentDetails(
        facts.address,
        log_name=log.name if log is not None else "",
        log=tuple(last_lines(log, LOG_LINES, LOG_BYTES)) if log is not None else (),
        copy=copy,
        mailbox=mailbox,
    )
