"""What config.toml can say, as frozen values: every number of the house, in seconds unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Dispatch:
    """`[dispatch]`: how a run is watched over."""

    startup_timeout: float = 90.0
    """Time to the first sign of life."""
    attempts: int = 3
    retry_wait: float = 5.0
    limit_wait: float = 30.0
    """Wait after a rate limit or overload; jitter of up to half is added."""
    hard_limit: float = 7200.0
    """The longest an attempt may run."""
    stop_grace: float = 5.0
    """Between TERM and KILL."""
    wake_depth: int = 3
    """How deep automatic wakes may nest."""
    max_runs: int = 0
    """Runs at once in the workspace; 0 for any number. One more waits in the queue."""
    no_progress: int = 3
    """Runs in a row without a message, a changed file or a commit, after which nothing starts by itself."""
    ping_pong: int = 12
    """Runs in a row that only wrote mail or their agent's memories, after which nothing starts by itself."""
    backoff: tuple[float, ...] = (120.0, 300.0, 600.0, 1800.0)
    """Waits before a start by itself after one, two, three, … failed runs in a row."""
    fleet_failures: int = 20
    """Failed attempts in a minute, workspace-wide, after which no attempt is repeated; 0 for never."""
    output_limit: int = 50_000_000
    """Bytes kept of one attempt's stdout and stderr each; the older part is freed on disk."""


START_SPARE = 30.0
"""Seconds past `[dispatch] startup_timeout` before a start counts as silent: until then its supervisor acts."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """`[alarms]`: when the operator is wanted."""

    silence: float = 300.0
    """Expected to work, and no sign of life for longer than this; 0, here and below: never."""
    silence_start: float = 180.0
    """The same until the first sign of an attempt (at least 30 s past `startup_timeout`), and past the time at which
    the next one was to begin."""
    silence_tool: float = 900.0
    """The same within a tool."""
    silence_compaction: float = 600.0
    silence_subagent: float = 900.0
    """The same while a subagent works. Of several limits the longest holds."""
    storm: int = 10
    """Errors of one agent in a minute that are a storm."""
    disk_free: int = 500_000_000
    """Bytes; less is nearly full."""
    lag: float = 1.5
    """The observer itself is late by more than this, again and again."""
    look: float = 5.0
    """Period of the look at the disk, and at the CPU use of the agents that are near their limit."""
    repeat: tuple[float, ...] = (180.0, 120.0, 60.0)
    """Waits before an alarm that nobody acknowledged is heard again; the last one holds on. [] for never."""
    snooze: float = 600.0
    """How long the key silences an alarm."""
    notify: str = "auto"
    """Desktop notifications through the terminal: `9` or `777` for OSC 9 or OSC 777, `auto`, `none`."""
    on_alarm: tuple[str, ...] = ()
    """A command of yours that is run with each change; it gets one JSON object on its stdin."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`[mail]`."""

    max_body: int = 1_000_000
    """Bytes of one body."""
    max_subject: int = 500
    """Characters."""
    per_minute: int = 0
    """Mails that one sender may send in a minute; 0 for any number."""
    rung_low: float = 86400.0
    rung_normal: float = 7200.0
    rung_high: float = 600.0
    """How long a message of that priority may stand on one rung before it is overdue."""
    orchestrator: str = ""
    """Who gets what is escalated, before the operator does; and feedback from other projects."""
    approver: str = "@operator"
    """The only one whose `approve` or `deny` counts."""

    def rung_limit(self, priority: str) -> float:
        """Seconds that a message may stand on one rung."""
        return {"high": self.rung_high, "low": self.rung_low}.get(priority, self.rung_normal)


@dataclass(frozen=True, slots=True)
class Sound:
    """`[sound]`."""

    volume: float = 0.8
    """0.0 to 1.0, as are all volumes."""
    pack: str = "default"
    backend: str = ""
    """What plays: `miniaudio`, `miniaudio/alsa`, `simpleaudio`, `paplay`, `pw-play`, `aplay`, `afplay`, `bell`, `none`;
    empty: the first that works."""
    kinds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """`[sound.kinds]`: the volume of a kind of sound."""
    agents: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """`[sound.agents]`: the volume of an agent, by name."""
    subagents: float = 0.0
    """The volume of what subagents do."""
    heartbeat: float = 0.0
    """While agents work, a soft sign of it after so long without any other sound; 0: none."""
    quiet: str = ""
    """Quiet hours, local time: `22:00-07:00`."""
    quiet_breaks: bool = False
    """Whether urgent alarms may break them."""


@dataclass(frozen=True, slots=True)
class Observe:
    """`[observe]`: the two things that poll, and their periods."""

    sweep: float = 2.0
    """Period of the reconcile sweep: a stat of what is known, a look for new branches."""
    sample: float = 2.0
    """Period of the CPU and memory sample of the selected agent's processes."""


@dataclass(frozen=True, slots=True)
class Usage:
    """`[usage]`: what one agent may use in a day before the operator is told; 0: any amount."""

    daily_cost: float = 0.0
    """US dollars, as the agent's program reckons them."""
    daily_tokens: int = 0
    hold: bool = False
    """Hold the agent then: its run goes on, and none begins until it is released."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The program that an agent is: `[agents]` says it for every agent, `[agents.NAME]` for one, which counts more.

    Who names a program that `[agents]` does not name takes no command, model and permission mode from there.
    """

    program: str = ""
    """One that `mailcore doctor` lists, or `command`; empty: the first of the built-in ones that is on PATH."""
    command: tuple[str, ...] = ()
    """For `command`: argv, run in the branch; `{prompt}` is replaced."""
    model: str = ""
    permission_mode: str = ""
    max_turns: int = 100
    wake_every: float = 0.0
    """A timer of yours wakes it this often: shown as its next wake, and as late when that did not come. 0: none."""


@dataclass(frozen=True, slots=True)
class ProgramConfig:
    """`[programs.NAME]`: what holds for every agent of one program."""

    max_runs: int = 0
    """Runs of it at once; 0 for any number."""


@dataclass(frozen=True, slots=True)
class Config:
    """All of config.toml, defaults filled in."""

    dispatch: Dispatch = field(default_factory=Dispatch)
    alarms: Alarms = field(default_factory=Alarms)
    mail: Mail = field(default_factory=Mail)
    sound: Sound = field(default_factory=Sound)
    observe: Observe = field(default_factory=Observe)
    usage: Usage = field(default_factory=Usage)
    agents: Mapping[str, AgentConfig] = field(default_factory=lambda: MappingProxyType({}))
    """By name without `@`; what `[agents]` says for every agent is filled in."""
    default_agent: AgentConfig = field(default_factory=AgentConfig)
    """Every agent that is not among them."""
    programs: Mapping[str, ProgramConfig] = field(default_factory=lambda: MappingProxyType({}))

    def program(self, name: str) -> ProgramConfig:
        """The settings of one program; defaults where nothing is said."""
        return self.programs.get(name, ProgramConfig())

    def agent(self, address: str) -> AgentConfig:
        """The settings of one agent; what holds for every agent where nothing is said of it."""
        return self.agents.get(address.lstrip("@"), self.default_agent)
