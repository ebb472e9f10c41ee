"""What config.toml can say: each section a class, each key a field with its kind of value, meaning and default.

This is the one reference: what is refused, the config.toml of a new workspace, `docs/config.md` and `mailcore config`
come from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

from mailcore.config.agents import AgentConfig, ProgramConfig
from mailcore.config.errors import Errors
from mailcore.config.kinds import (
    Backend,
    Bytes,
    BytesOrNone,
    Count,
    CountOrNone,
    Dollars,
    Look,
    Nice,
    Notify,
    PackName,
    Period,
    Proof,
    QuietHours,
    Repeat,
    Sample,
    Seconds,
    Share,
    SoundKind,
    Volume,
    Word,
    YourMove,
    describe,
)
from mailcore.config.link import Link
from mailcore.config.mail import Mail
from mailcore.config.permissions import Permissions
from mailcore.config.prices import Price
from mailcore.config.projects import ProjectConfig
from mailcore.config.tiers import KNOWN, Tier
from mailcore.text.units import duration

START_SPARE = 30.0
"""Seconds past `[dispatch] startup_timeout` before a start counts as silent: until then its supervisor acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """How a run is watched over, and what is not started by itself."""

    startup_timeout: Annotated[
        Period, describe("Time to the first sign of life of an attempt, which is ended then.")
    ] = 90.0
    attempts: Annotated[Count, describe("Attempts of a run: start, resume, fresh. Then the sender gets a bounce.")] = 3
    retry_wait: Annotated[Seconds, describe("Wait before the next attempt.")] = 5.0
    limit_wait: Annotated[
        Seconds,
        describe(
            "Wait after a limit or an overload whose end nobody knows. Each next one is twice as long, to [limits] "
            "longest_wait. Up to half is added by chance."
        ),
    ] = 30.0
    hard_limit: Annotated[
        Period,
        describe("The longest that an attempt may run, which is ended then. Its waits for an approval do not count."),
    ] = 7200.0
    stop_grace: Annotated[Seconds, describe("Time between TERM and KILL, when a run is ended.")] = 5.0
    nice: Annotated[
        Nice,
        describe("How far agents' programs yield the CPU to all else while the machine is busy, the screen among it."),
    ] = 5
    vanished_grace: Annotated[
        Seconds,
        describe(
            "How long a run goes on whose directory is gone, as while git or a backup moves it; then it is ended."
        ),
    ] = 60.0
    wake_depth: Annotated[
        CountOrNone,
        describe("How deep dispatches may nest: an agent's that was itself dispatched by an agent, and so on."),
    ] = 3
    max_runs: Annotated[
        CountOrNone, describe("Runs at once in the workspace. One more waits in the queue. 0: any number.", 8)
    ] = 0
    no_progress: Annotated[
        Count,
        describe("Runs in a row without a message, a changed file or a commit, after which nothing starts by itself."),
    ] = 3
    ping_pong: Annotated[
        Count, describe("Runs in a row that only wrote mail or memories, after which nothing starts by itself.")
    ] = 12
    same_tasks: Annotated[
        Count,
        describe("Runs in a row that only gave tasks which had been given before, after which nothing starts by "
              "itself. In one chain of dispatches no agent gives another the same task more often, where it changes no "
              "file."),
    ] = 2  # fmt: skip
    backoff: Annotated[
        tuple[Seconds, ...],
        describe("Waits before a start by itself after one, two, three, … failed runs in a row. The last one holds on. "
              "[]: none."),
    ] = (120.0, 300.0, 600.0, 1800.0)  # fmt: skip
    fleet_failures: Annotated[
        CountOrNone,
        describe("Failed attempts in a minute in the workspace, after which no attempt is repeated. 0: never that."),
    ] = 20
    output_limit: Annotated[
        Bytes,
        describe("Kept of one attempt's standard output and standard error, each. The older part is freed on disk."),
    ] = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """When you are wanted, how often it is said, and where."""

    silence: Annotated[
        Seconds, describe("Without a sign of life for longer, while work is expected: silent. 0: never.")
    ] = 300.0
    silence_start: Annotated[
        Seconds,
        describe("The same until an attempt's first sign, and after the time at which one was to begin. It is raised "
              f"to {duration(START_SPARE)} past [dispatch] startup_timeout: until then the supervisor acts. 0: never."),
    ] = 180.0  # fmt: skip
    silence_tool: Annotated[
        Seconds, describe("The same within a tool. Of several limits the longest holds. 0: never.")
    ] = 900.0
    silence_compaction: Annotated[Seconds, describe("The same while the context is compacted. 0: never.")] = 600.0
    silence_subagent: Annotated[Seconds, describe("The same while a subagent works. 0: never.")] = 900.0
    spin: Annotated[
        Seconds,
        describe("Its processes use the CPU for longer without a hook event, a line of its session or output: "
              "spinning. 0: never."),
    ] = 1200.0  # fmt: skip
    spin_tool: Annotated[
        Seconds, describe("The same within a tool that states no timeout: a build may take long. 0: never.")
    ] = 5400.0
    storm: Annotated[CountOrNone, describe("Errors of one agent in a minute that are a storm. 0: never.")] = 10
    runaway_log: Annotated[
        BytesOrNone,
        describe("A log that grows steadily by this much a minute, or more, runs away. 0: never."),
    ] = 10_000_000  # fmt: skip
    unread: Annotated[
        Seconds,
        describe("Ordinary mail to you that lies unread for longer: one alarm of low urgency for all of it. 0: never."),
    ] = 86_400.0
    your_move: Annotated[
        YourMove,
        describe("Whether a session of your own that ended its turn says so. unfocused: not while its terminal has the "
              "focus, as far as tmux says; where nothing says it, after your_move_after."),
    ] = "unfocused"  # fmt: skip
    your_move_after: Annotated[
        Seconds,
        describe("The wait before that, where nothing says whether its terminal has the focus. It begins anew with "
              "what is typed there."),
    ] = 120.0  # fmt: skip
    disk_free: Annotated[
        BytesOrNone, describe("Less free space than this where the workspace lies is nearly full. 0: never.")
    ] = 500_000_000
    lag: Annotated[
        Seconds, describe("The watching itself is late by more than this, again and again: degraded. 0: never.")
    ] = 1.5
    look: Annotated[
        Look,
        describe("Period of the look at the disk and at this file. And at the CPU use of the agents near their limit."),
    ] = 5.0
    repeat: Annotated[
        tuple[Repeat, ...],
        describe("Waits before an alarm of high urgency that nobody acknowledged is heard again. The last one holds "
              "on. []: none is, of no urgency."),
    ] = (10.0, 20.0, 30.0, 60.0, 120.0)  # fmt: skip
    repeat_medium: Annotated[tuple[Repeat, ...], describe("The same of medium urgency. []: never.")] = (
        60.0,
        120.0,
        300.0,
    )
    repeat_low: Annotated[tuple[Repeat, ...], describe("The same of low urgency. []: never.", [1800])] = ()
    snooze: Annotated[Period, describe("For how long the key Z silences alarms.")] = 600.0
    notify: Annotated[
        Notify,
        describe(
            "Desktop notifications through the terminal. 9 and 777: by OSC 9 or OSC 777; auto: as the terminal can."
        ),
    ] = "auto"
    on_alarm: Annotated[
        tuple[Word, ...],
        describe("A command of yours for each alarm that comes or goes. It gets one JSON object on its standard input, "
              "and is not waited for.", ["sh", "-c", "cat >> alarms.jsonl"]),
    ] = ()  # fmt: skip
    heartbeat_every: Annotated[
        Repeat, describe("Period of on_heartbeat, while somebody watches: whoever misses it knows that nobody does.")
    ] = 60.0
    on_heartbeat: Annotated[
        tuple[Word, ...],
        describe("A command of yours that tells elsewhere that somebody watches. It gets one JSON object on its "
              "standard input, and is not waited for.", ["curl", "-fsS", "-m", "10", "https://hc-ping.com/your-uuid"]),
    ] = ()  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """When a person is taken for granted, and what an act of the operator's alone asks for."""

    assume: Annotated[
        bool,
        describe("Whether who calls from a terminal is the operator, where nothing speaks of an agent. "
              "`mailcore whoami --explain` says so, and why."),
    ] = True  # fmt: skip
    proof: Annotated[
        Proof,
        describe("What approve, deny, release, prune, trust and the kill of another's run ask for. none: that nothing "
              "speaks of an agent. passphrase: the one that `mailcore operator passphrase` sets."),
    ] = "none"  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What is heard, how loud, and when it is quiet."""

    volume: Annotated[Volume, describe("The volume of everything.")] = 0.8
    pack: Annotated[PackName, describe("The sound pack. `praxmonitor sounds list` names those that are there.")] = (
        "default"
    )
    backend: Annotated[
        Backend,
        describe("What plays. miniaudio/alsa and the like name one output of it; bell: the terminal's bell for what is "
              "urgent, and no sound; none: not even that. Empty: the first that works.", "miniaudio/alsa"),
    ] = ""  # fmt: skip
    subagents: Annotated[Volume, describe("The volume of what subagents do.")] = 0.0
    heartbeat: Annotated[
        Seconds, describe("While agents work, a soft sign of it after so long without another sound. 0: none.", 30)
    ] = 0.0
    quiet: Annotated[QuietHours, describe("Quiet hours, local time. Empty: none.", "22:00-07:00")] = ""
    quiet_breaks: Annotated[bool, describe("Whether urgent alarms may break the quiet hours.")] = False
    kinds: Annotated[
        Mapping[SoundKind, Volume],
        describe("The volume of a kind of sound, times that of everything. A name with a dot stands in quotes.",
              {"done": 0.5, "tool.web": 0.2}),
    ] = field(default_factory=lambda: MappingProxyType({}))  # fmt: skip
    agents: Annotated[Mapping[str, Volume], describe("The volume of an agent, times the others.", {"writer": 0.5})] = (
        field(default_factory=lambda: MappingProxyType({}))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """The two things that poll."""

    sweep: Annotated[
        Look,
        describe(
            "Period of the sweep: a look at all files that are known, and for new ones. Where the kernel tells of all "
            "that changes, it is every fifth that looks at all: so late is seen what nobody reported."
        ),
    ] = 2.0
    sample: Annotated[Sample, describe("Period of the sample of CPU and memory of the selected agent's processes.")] = (
        2.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCaps:
    """What an agent, and all of them together, may use in a day before you are told, or before nothing starts."""

    daily_cost: Annotated[Dollars, describe("Cost of one agent in a day, known and estimated. 0: any.", 20)] = 0.0
    daily_tokens: Annotated[CountOrNone, describe("Tokens of one agent in a day. 0: any number.", 50_000_000)] = 0
    fleet_daily_cost: Annotated[Dollars, describe("The same of all agents together. 0: any.", 200)] = 0.0
    fleet_daily_tokens: Annotated[
        CountOrNone, describe("Tokens of all agents together in a day. 0: any number.", 500_000_000)
    ] = 0
    warn: Annotated[Share, describe("Share of a cap from which an alarm warns that it is near. 0: no warning.")] = 0.8
    hold: Annotated[
        bool,
        describe("Hold the agent at its cap, or every agent at the fleet's, screen or none. Its run goes on, and none "
              "begins until it is released; then it may go on for that day.", True),
    ] = False  # fmt: skip

    @property
    def capped(self) -> bool:
        """Whether there is any cap."""
        return bool(self.daily_cost or self.daily_tokens or self.of_fleet)

    @property
    def of_fleet(self) -> bool:
        """Whether all agents together have a cap."""
        return bool(self.fleet_daily_cost or self.fleet_daily_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How runs wait for the usage limit of their account, and when you are told."""

    give_up: Annotated[
        Period, describe("The longest wait of a run for a limit to be lifted. Then its sender gets a bounce.")
    ] = 691_200.0
    longest_wait: Annotated[
        Period,
        describe("The longest wait between two tries where nobody knows the reset. The first is [dispatch] limit_wait, "
                 "each next one twice as long."),
    ] = 3600.0  # fmt: skip
    starts_per_minute: Annotated[
        Count, describe("Runs of one account that go on in a minute, once its limit is lifted.")
    ] = 30
    warn: Annotated[Share, describe("Share of a limit from which an alarm warns that it is near. 0: no warning.")] = 0.8


SECTIONS: dict[str, type] = {
    "dispatch": Dispatch,
    "limits": Limits,
    "alarms": Alarms,
    "errors": Errors,
    "mail": Mail,
    "permissions": Permissions,
    "link": Link,
    "operator": Operator,
    "sound": Sound,
    "observe": Observe,
    "usage": UsageCaps,
}
"""The sections that are one table each. Beside them there are [agents], [agents.NAME], [programs.NAME],
[accounts.NAME], [projects.NAME], [prices.MODEL] and [approval.tiers.N]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of config.toml, defaults filled in."""

    dispatch: Dispatch = field(default_factory=Dispatch)
    limits: Limits = field(default_factory=Limits)
    alarms: Alarms = field(default_factory=Alarms)
    errors: Errors = field(default_factory=Errors)
    mail: Mail = field(default_factory=Mail)
    permissions: Permissions = field(default_factory=Permissions)
    link: Link = field(default_factory=Link)
    operator: Operator = field(default_factory=Operator)
    sound: Sound = field(default_factory=Sound)
    observe: Observe = field(default_factory=Observe)
    usage: UsageCaps = field(default_factory=UsageCaps)
    agents: Mapping[str, AgentConfig] = field(default_factory=lambda: MappingProxyType({}))
    """By name without `@`; what `[agents]` says for every agent is filled in."""
    default_agent: AgentConfig = field(default_factory=AgentConfig)
    """Every agent that is not among them."""
    programs: Mapping[str, ProgramConfig] = field(default_factory=lambda: MappingProxyType({}))
    accounts: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """By name: the directory of each program, as config.toml writes it."""
    projects: Mapping[str, ProjectConfig] = field(default_factory=lambda: MappingProxyType({}))
    """Other projects on this machine, by what they are called here, in small letters."""
    prices: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))
    """By model, as session files name it, in small letters."""
    tiers: Mapping[int, Tier] = field(default_factory=lambda: MappingProxyType({number: Tier() for number in KNOWN}))
    """Of approvals, by their numbers, the lowest first."""

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everybody who decides requests of some tier, as config.toml writes them; who decides most of them first."""
        return tuple(
            dict.fromkeys([self.mail.approver, *(tier.approver for tier in self.tiers.values() if tier.approver)])
        )

    def approver(self, tier: int) -> str:
        """The only one who decides requests of a tier, as config.toml writes it."""
        found = self.tiers.get(tier)
        return found.approver if found is not None and found.approver else self.mail.approver

    def program(self, name: str) -> ProgramConfig:
        """The settings of one program; defaults where nothing is said."""
        return self.programs.get(name, ProgramConfig())

    def agent(self, address: str) -> AgentConfig:
        """The settings of one agent; what holds for every agent where nothing is said of it."""
        return self.agents.get(address.lstrip("@"), self.default_agent)
