"""A bad day beside Alertmanager: `python -m tests.bench.bench_alertmanager [--hours 11] [--speed 600] [--seed 2]`.

The conditions of one day of thirty agents, before anything groups or hides them, go to Debian's Alertmanager by its API
and to our engine. Alertmanager works in real time: the day is so many times faster, its `group_wait` and
`group_interval` with it. Both are asked how often they called a person, for what, and how soon.

Its rules are ours, written as labels: an alert has its kind, its agent, its cause, its group; an alarm that concerns
several agents is an alert of each. What Prometheus does before it (`keep_firing_for`) is done here, with our times. It
cannot be told that an effect may come before its cause, that a condition chatters, or that a failure stays.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from typing import Any

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import AlarmEvents
from praxmonitor.alarms.inhibition import INHIBITIONS, concerned_agents
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.alarms.telling import GROUP_INTERVAL
from praxmonitor.state.snapshot import Snapshot
from tests.bench.asked import ask
from tests.stories.days import CONFIG, HOUR, Day, bad_day
from tests.stories.play import play
from tests.stories.tally import TICK, Sort, Tally, sort_of

AMOUNTS = argparse.Namespace(hours=11.0, speed=600.0, seed=2)
PROGRAM = "prometheus-alertmanager"
NAMED = {
    AlarmKind.DISK: "disk|supervisor", AlarmKind.GONE: "supervisor", AlarmKind.NETWORK: "network.*",
    AlarmKind.LIMIT: "(service|network).*",
}  # fmt: skip
"""How effects name their cause, as patterns: what `praxmonitor.alarms.inhibition.names` decides."""
FAR = "2100-01-01T00:00:00Z"
NEVER = 86_400.0
"""Seconds of the day after which Alertmanager would tell the same again; ours is set not to."""
AT_ONCE = 0.5
"""Seconds of real time."""


@dataclass(frozen=True)
class Condition:
    """One alarm of the rules for one agent, from when to when, in seconds of the day."""

    alarm: Alarm
    agent: str
    begin: float
    end: float

    @property
    def labels(self) -> dict[str, str]:
        """Empty ones are none."""
        alarm = self.alarm
        found = {"alertname": str(alarm.kind), "agent": self.agent, "cause": alarm.cause, "id": alarm.id}
        return {name: value for name, value in {**found, "group": alarm.cause or alarm.key}.items() if value}


@dataclass
class Conditions:
    """What the rules find in the course of a day, before it is grouped."""

    rules: AlarmRules = field(default_factory=lambda: AlarmRules(CONFIG))
    open: dict[tuple[str, str], tuple[Alarm, float, float]] = field(default_factory=dict)
    """Key and agent → the alarm, since when it stands, and when it was seen last."""
    over: list[Condition] = field(default_factory=list)

    def look(self, second: float, snapshot: Snapshot, engine: AlarmEngine, events: AlarmEvents) -> None:
        """As `on_look` of `play`."""
        alarms = self.rules.alarms(snapshot.fleet, snapshot.now, snapshot.statuses, snapshot.machine_status)
        for alarm in alarms:
            for agent in concerned_agents(alarm) or {""}:
                _, begin, _ = self.open.get((alarm.key, agent), (alarm, second, second))
                self.open[alarm.key, agent] = alarm, begin, second
        for (key, agent), (alarm, begin, seen) in list(self.open.items()):
            if second - seen > max(alarm.settle, alarm.kind.settle) and not alarm.kind.lasting:
                self.over.append(Condition(alarm, agent, begin, second))
                del self.open[key, agent]

    def all(self, end: float) -> list[Condition]:
        """Those that began before that second, in order of their beginning."""
        found = [*self.over, *(Condition(alarm, who, begin, end) for (_, who), (alarm, begin, _) in self.open.items())]
        return sorted((one for one in found if one.begin < end), key=lambda one: one.begin)


class Receiver(BaseHTTPRequestHandler):
    """Takes Alertmanager's notifications."""

    def do_POST(self) -> None:
        """One notification."""
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((time.monotonic(), told))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def receiver() -> Iterator[tuple[int, list[tuple[float, dict[str, Any]]]]]:
    """A port of this machine's, and what came there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.told = told = list[tuple[float, dict[str, Any]]]()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def config(port: int, speed: float) -> str:
    """Its rules, as YAML (which JSON is)."""
    inhibit = []
    for rule in INHIBITIONS:
        kinds, names = "|".join(sorted(rule.effects)), NAMED.get(rule.cause, "")
        targets = [f'alertname=~"{kinds}"', f'cause=~"{names}"' if rule.named else f'cause=~"({names})?"']
        equal = [] if rule.everywhere else ["agent"]
        inhibit.append({"source_matchers": [f'alertname="{rule.cause}"'], "target_matchers": targets, "equal": equal})
    waits = {"group_interval": GROUP_INTERVAL, "repeat_interval": NEVER}
    scaled = {name: f"{max(1, round(1000 * seconds / speed))}ms" for name, seconds in waits.items()}
    hook = {"url": f"http://127.0.0.1:{port}/", "send_resolved": False}
    route = {"receiver": "person", "group_by": ["alertname", "group"], "group_wait": "0s", **scaled}
    receivers = [{"name": "person", "webhook_configs": [hook]}]
    return json.dumps({"route": route, "inhibit_rules": inhibit, "receivers": receivers})


@contextmanager
def alertmanager(rules: str) -> Iterator[str]:
    """The real one, on loopback alone: its address."""
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "rules.yml").write_text(rules)
        words = [
            PROGRAM, f"--config.file={place}/rules.yml", f"--storage.path={place}/data", "--log.level=error",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ]  # fmt: skip
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 20
            while True:
                try:
                    urllib.request.urlopen(f"{url}/-/ready", timeout=1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise
                    threading.Event().wait(0.05)
            yield url
        finally:
            process.terminate()
            process.wait()


def call(url: str, value: object = None) -> Any:
    """GET, or POST of a value; what came back."""
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        body = answer.read()
    return json.loads(body) if body else None


def feed(
    url: str, conditions: list[Condition], end: float, speed: float, began: float
) -> tuple[dict[str, float], set[str]]:
    """Post each condition at its time, and its end: when each was posted (monotonic, by its labels), who was hidden.

    `began`: when the day did.
    """
    times = sorted({one.begin for one in conditions} | {one.end for one in conditions if one.end < end})
    posted, hidden = dict[str, float](), set[str]()
    looked = 0.0
    for second in times:
        while (left := began + second / speed - time.monotonic()) > 0:
            threading.Event().wait(min(left, 0.1))
            if time.monotonic() - looked > 0.1:
                looked = time.monotonic()
                for alert in call(f"{url}/api/v2/alerts?active=false&inhibited=true&silenced=false"):
                    hidden.add(name(alert["labels"]))
        alerts = []
        for one in conditions:
            if second in (one.begin, one.end):
                over = second == one.end
                alerts.append({"labels": one.labels, "endsAt": utc(time.time()) if over else FAR})
                if not over:
                    alerts[-1]["startsAt"] = utc(time.time())
                    posted[name(one.labels)] = time.monotonic()
        call(f"{url}/api/v2/alerts", alerts)
    threading.Event().wait(2 * GROUP_INTERVAL / speed)
    return posted, hidden


def name(labels: dict[str, str]) -> str:
    """What tells an alert from others."""
    return json.dumps(labels, sort_keys=True)


def utc(at: float) -> str:
    """As the API wants it."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def report(
    who: str, day: Day, told: list[tuple[float, str, str]], groups: int, hidden: int, waits: list[float]
) -> None:
    """One contestant's figures; `told`: second, kind, address of each alarm when it was first told; `waits` in ms."""
    causes, sorts = set[str](), dict[Sort, int]()
    for second, kind, address in told:
        sort, cause = sort_of(day, causes, second, kind, address)
        sorts[sort] = sorts.get(sort, 0) + 1
        causes |= {cause} if sort is Sort.CAUSE else set()
    begun = {one.cause for one in day.troubles if not one.follows and one.at < AMOUNTS.hours * HOUR - 1000}
    print(f"{who}:")
    print(f"  groups told of {groups}, alarms named in them {len(told)}, hidden {hidden}")
    print(f"  of these: {', '.join(f'{sort} {count}' for sort, count in sorted(sorts.items()))}")
    print(
        f"  causes told {len(causes & begun)} of {len(begun)}; missing: {', '.join(sorted(begun - causes)) or 'none'}"
    )
    if waits:
        print(f"  condition → first told: median {sorted(waits)[len(waits) // 2]:.0f} ms, worst {max(waits):.0f} ms")


def main() -> None:
    """Print both counts."""
    ask(AMOUNTS, __doc__)
    day, end, speed = bad_day(AMOUNTS.seed), AMOUNTS.hours * HOUR, AMOUNTS.speed
    found, ours = Conditions(), Tally(day)

    def look(second: float, snapshot: Snapshot, engine: AlarmEngine, events: AlarmEvents) -> None:
        found.look(second, snapshot, engine, events)
        ours.look(second, snapshot, engine, events)

    play(replace(day.story, seconds=end), TICK, on_look=look)
    conditions = found.all(end)
    told = [(one.second, str(one.alarm.kind), one.alarm.address) for one in ours.told if one.second < end]
    alarms = len({(one.alarm.key, one.begin) for one in conditions})
    print(f"{AMOUNTS.hours:g} h of {day.story.name}: {alarms} alarms of the rules in {end / speed:.0f} s ({speed:g}x)")
    report("ours", day, told, len(told), len(ours.hidden), [])
    print(f"  notifications {len(told)}, joined unheard {sum(ours.joined.values())}")
    if shutil.which(PROGRAM) is None:
        print(f"{PROGRAM} is not installed (Debian: prometheus-alertmanager): nothing to compare with")
        return
    with receiver() as (port, notified), alertmanager(config(port, speed)) as url:
        began = time.monotonic()
        posted, hidden = feed(url, conditions, end, speed, began)
    first: dict[str, float] = {}
    for at, notification in notified:
        for alert in notification["alerts"]:
            if alert["status"] == "firing":
                first.setdefault(name(alert["labels"]), at)
    when = {name(one.labels): one for one in reversed(conditions)}
    named = []
    for key, at in first.items():
        # What came at once, in real time, came at its time; what was hidden at first comes when its cause has gone.
        second = when[key].begin if at - posted[key] < AT_ONCE else (at - began) * speed
        named.append((second, str(when[key].alarm.kind), when[key].alarm.address))
    waits = [1000 * (at - posted[key]) for key, at in first.items() if at >= posted[key]]
    report("Alertmanager", day, sorted(named), len({told["groupKey"] for _, told in notified}), len(hidden), waits)
    print(f"  notifications {len(notified)}, in {time.monotonic() - began:.0f} s of real time")


if __name__ == "__main__":
    main()
