"""What the alarms cost: `python -m tests.bench.bench_alarms [--agents 1000] [--turns 200]`.

So many agents, each with mail, activities and a run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from mailcore.config import Config
from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Lock
from mailcore.model.machine_status import MachineStatus
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.run import Attempt, Phase, Run
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from tests.bench.asked import ask
from tests.clock import Clock
from tests.stories.words import agent

AMOUNTS = argparse.Namespace(agents=1000, turns=200)
NOW = 2_000_000_000.0
POLICY, MACHINE_STATUS = Config().alarms, MachineStatus()


def facts(number: int, at_work: bool) -> AgentFacts:
    """An agent with ten mails and thirty activities; every other one has a run."""
    name = f"a{number:04}"
    mail = tuple(
        Message(f"{number:04}{n:04}", f"s{n}", NOW - 60, "@x", "Report", "", "opened", is_task=n < 3, seen_at=NOW - 50)
        for n in range(10)
    )
    acts = tuple(Activity(NOW - 30 + n, f"@{name}", Kind.TOOL_DONE, "Bash", "hooks", "Bash") for n in range(30))
    made = AgentFacts(agent(name), Mailbox(MailboxStatus.OK, mail), activities=acts, last_active=NOW - 1)
    if not at_work:
        return made
    run = Run(
        f"r{number}", f"@{name}", "@x", "Report", mail[0].id, "claude", NOW - 100, phase=Phase.RUNNING, since=NOW - 90,
        attempts=(Attempt(1, "start", NOW - 99, running_at=NOW - 90),),
    )  # fmt: skip
    return replace(made, run=run, lock=Lock(10, NOW - 100, run_id=run.run_id))


def timed(act: Callable[[int], object]) -> str:
    """Median and worst of so many calls."""
    took = []
    for number in range(AMOUNTS.turns):
        began = time.perf_counter()
        act(number)
        took.append((time.perf_counter() - began) * 1000)
    return f"median {statistics.median(took):.2f} ms, worst {max(took):.2f} ms"


def measure(share: int, name: str) -> None:
    """One tick of a fleet of which every `share`th agent is at work; 0: none."""
    fleet = Fleet(Path("/"), tuple(facts(n, bool(share) and n % share == 0) for n in range(AMOUNTS.agents)))
    engine = AlarmEngine(Config(), Path("/"), None, period=0.5, clock=Clock(NOW))
    snapshot = next_snapshot(EMPTY, fleet, NOW, POLICY, MACHINE_STATUS)
    engine.evaluate(snapshot)

    def step(number: int) -> None:
        nonlocal snapshot
        snapshot = next_snapshot(snapshot, fleet, NOW + number * 0.01, POLICY, MACHINE_STATUS)

    print(f"{AMOUNTS.agents} agents, {name}:")
    print(f"  states             {timed(step)}")
    print(f"  rules and episodes {timed(lambda _: engine.evaluate(snapshot))}")
    print(f"  who is near        {timed(lambda _: engine.nearly_silent(snapshot))}")


def main() -> None:
    """Print the cost of one tick."""
    ask(AMOUNTS, __doc__)
    for share, name in ((0, "all idle"), (2, "half of them at work"), (1, "all at work")):
        measure(share, name)


if __name__ == "__main__":
    main()
