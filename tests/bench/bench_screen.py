"""What the screen costs: `python tests/bench/bench_screen.py [AGENTS] [ACTIVITIES_PER_SECOND] [SECONDS]`.

The real app in a real terminal of 200×50 on a feed that makes so many activities a second, in ten fleets a second as
FileFeed gives them at most (0: it is idle). Prints CPU time in per cent of one core, start not counted, and bytes sent.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator

import pexpect
from msgspec.structs import replace

from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import Fleet
from tests.praxmonitor.fake_feed import FakeSpeaker, app_on, many, workspace

WARM = 3.0


class BusyFeed:
    """Ten fleets a second; each activity is another agent's."""

    def __init__(self, fleet: Fleet, rate: int) -> None:
        self._fleet, self._rate = fleet, rate

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """Without end."""
        fleet, number = self._fleet, 0
        yield fleet
        while True:
            await asyncio.sleep(0.1)
            if not self._rate:
                continue
            agents, fresh = list(fleet.agents), []
            for _ in range(self._rate // 10):
                number += 1
                place = number * 7 % len(agents)
                facts = agents[place]
                activity = Activity(time.time(), facts.address, Kind.TOOL, f"Read: file {number}", "hooks", "Read")
                agents[place] = replace(
                    facts, activities=(*facts.activities[-7:], activity), last_active=activity.at, turn_open=True
                )
                fresh.append(activity)
            fleet = replace(fleet, agents=tuple(agents), stream=(*fleet.stream, *fresh)[-500:])
            yield fleet


def screen(count: int, rate: int) -> None:
    """The measured process."""
    fleet = many(count)
    app_on(BusyFeed(fleet, rate), workspace(fleet), clock=time.time, speaker=FakeSpeaker()).run()


def main() -> None:
    """Measure."""
    words = sys.argv[1:4]
    count, rate, seconds = (int(word) for word in [*words, *("1000", "1000", "10")[len(words) :]])
    child: pexpect.spawn[bytes] = pexpect.spawn(
        sys.executable, [__file__, "--screen", str(count), str(rate)], dimensions=(50, 200), maxread=1 << 20
    )
    child.expect_exact(b"lighthouse")
    assert child.pid is not None
    drain(child, WARM)
    before = cpu(child.pid)
    sent = drain(child, seconds)
    used = cpu(child.pid) - before
    child.send(b"q")
    child.close(force=True)
    percent, rate_sent = used / seconds * 100, sent / seconds / 1e3
    print(f"{count} agents, {rate} activities/s: {percent:.1f} % of a core, {rate_sent:.1f} kB/s")


def drain(child: pexpect.spawn[bytes], seconds: float) -> int:
    """Read what is drawn for so long, as a terminal does; returns bytes."""
    end, sent = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        try:
            sent += len(child.read_nonblocking(1 << 20, timeout=left))
        except pexpect.TIMEOUT:
            break
    return sent


def cpu(pid: int) -> float:
    """Seconds of CPU time so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--screen"]:
        screen(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
