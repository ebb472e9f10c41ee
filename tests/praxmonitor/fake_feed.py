"""A feed without files, and a fleet made by hand in which every state occurs. The clock stands still at NOON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

from msgspec import structs
from textual.app import App
from textual.geometry import Size
from textual.pilot import Pilot

from mailcore.config import Alarms, Config, Mail, Observe
from mailcore.config import Sound as SoundConfig
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.link import HostRecord
from mailcore.model.lock import Holder, Lock
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.run import Attempt, Phase, Run
from mailcore.text.known import learn_addresses
from mailcore.workspace.find import Workspace
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.app.app import PraxApp
from praxmonitor.assets import themes_dir
from praxmonitor.feed.base import Feed
from praxmonitor.feed.playback import Playback
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.sound import Cue, Sound, Speaker
from praxmonitor.sound.mutes import Mutes
from praxmonitor.themes.load import load_themes
from praxmonitor.views.agent import AgentScreen
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.views.mail import MailScreen
from tests.clock import NOON, Clock

ROOT = Path("/nowhere/lighthouse")
CONFIG = Config(alarms=Alarms(silence=60.0), observe=Observe(sample=3600.0))
PATIENT = Config(alarms=Alarms(silence=0.0), observe=Observe(sample=3600.0))
"""Nobody is silent by it."""
STUCK_SOON = Config(mail=Mail(rung_normal=30.0), alarms=Alarms(silence=0.0), observe=Observe(sample=3600.0))
"""The same, and a task that does not move is told of after half a minute."""


class FakeFeed:
    """Yields the fleets that a test puts into it."""

    def __init__(self, *fleets: Fleet) -> None:
        self._queue: asyncio.Queue[Fleet | Exception] = asyncio.Queue()
        for fleet in fleets:
            self._queue.put_nowait(fleet)

    def put(self, fleet: Fleet | Exception) -> None:
        """The files changed, or their reading raises."""
        self._queue.put_nowait(fleet)

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """What the app follows."""
        while True:
            read = await self._queue.get()
            if isinstance(read, Exception):
                raise read
            yield read


class FakeSpeaker:
    """Remembers what was played; `device=False` has none."""

    def __init__(self, *, device: bool = True) -> None:
        self.mutes = Mutes()
        self.force_muted = False
        self.chord = 0
        self.quiet, self.quiet_until = False, ""
        self.backend = "miniaudio/pulse" if device else "none"
        self.reason = "" if device else "no playback device"
        self.played: list[Sound] = []
        self.cues: list[Cue] = []
        self.settings = SoundConfig()

    @property
    def opened(self) -> bool:
        """With a device, always."""
        return self.backend != "none"

    def admits(self, cue: Cue) -> bool:
        """What is not muted."""
        return not self.force_muted and not self.mutes.until

    def unplayed(self) -> list[Cue]:
        """All was played."""
        return []

    def adopt(self, config: SoundConfig) -> None:
        """Remember them."""
        self.settings = config

    def start(self) -> None:
        """Nothing to open."""

    def play(self, cue: Cue) -> bool:
        """Remember it."""
        if self.mutes.until:
            return True
        self.played.append(cue.sound)
        self.cues.append(cue)
        return self.backend != "none"

    def close(self) -> None:
        """Nothing to close."""


def workspace(fleet: Fleet) -> Workspace:
    """A workspace of that fleet's agents, whose addresses are known as if its registry had been read."""
    registry, agents = fleet.root / "LIGHTHOUSE_REGISTRY.json", tuple(facts.agent for facts in fleet.local_agents)
    learn_addresses(str(registry), [agent.address for agent in agents])
    return Workspace(fleet.root, registry, agents)


def agent(name: str, role: str = "") -> Agent:
    """An agent with no files."""
    return Agent(f"@{name}", name.upper(), ROOT / "agents" / name, role)


def mail(number: int, sender: str, subject: str, ago: float, *, unread: bool = True, body: str = "") -> Message:
    """One mail, `ago` seconds old."""
    return Message(
        id=f"{number:08x}",
        sent_id=f"{number + 4096:08x}",
        at=NOON - ago,
        sender=sender,
        subject=subject,
        body=body or f"About {subject.lower()}.",
        status="new" if unread else "opened",
        unread=unread,
    )


def box(*messages: Message) -> Mailbox:
    """A mailbox that could be read."""
    return Mailbox(MailboxStatus.OK, messages)


def act(name: str, kind: Kind, text: str, ago: float, tool: str = "") -> Activity:
    """One activity, `ago` seconds old."""
    return Activity(NOON - ago, f"@{name}", kind, text, "hooks", tool)


def run(name: str, subject: str, phase: Phase, ago: float, attempts: tuple[Attempt, ...] = (), **more: object) -> Run:
    """A run that entered `phase` `ago` seconds ago."""
    began = attempts[0].started_at if attempts else NOON - ago
    made = Run(
        run_id="20270115-115601-7f3a",
        target=f"@{name}",
        sender=OPERATOR,
        subject=subject,
        message_id="00000001",
        program="command",
        created_at=began - 0.4,
        phase=phase,
        since=NOON - ago,
        attempts=attempts,
        supervisor_pid=4200,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def attempt(number: int, ago: float, *, running: float = 0.0, ended: float = 0.0, cause: str = "") -> Attempt:
    """One attempt; times are seconds ago, 0.0 for not yet."""
    return Attempt(
        number=number,
        mode="start" if number == 1 else "resume",
        started_at=NOON - ago,
        pid=4210 + number,
        running_at=NOON - running if running else 0.0,
        ended_at=NOON - ended if ended else 0.0,
        exit_code=1 if ended else None,
        cause=cause,
    )


def lock(ago: float, subject: str = "", holder: Holder = Holder.ALIVE) -> Lock:
    """A dispatch lock."""
    return Lock(pid=4200, at=NOON - ago, subject=subject, holder=holder, run_id="20270115-115601-7f3a")


def facts(name: str, role: str = "", **known: object) -> AgentFacts:
    """What is known of one agent."""
    made = AgentFacts(agent(name, role), mailbox=box(), last_active=NOON - 3600)
    made = structs.replace(made, **known)
    if made.activities:
        made = structs.replace(made, last_active=max(item.at for item in made.activities))
    return made


def lighthouse() -> Fleet:
    """Eight agents, each in a state of its own."""
    writing = act("writer", Kind.TOOL, "Edit: chapter-2.md", 3, "Edit")
    asking = act("editor", Kind.WAITING, "May I drop the second figure?", 45)
    agents = (
        facts(
            "writer",
            "writes the report",
            mailbox=box(mail(1, "@reviewer", "Comments on the draft", 240), mail(2, "@planner", "Outline", 900)),
            lock=lock(130, "Write chapter two"),
            run=run("writer", "Write chapter two", Phase.RUNNING, 128, (attempt(1, 130, running=128),)),
            activities=(act("writer", Kind.MESSAGE, "The outline stands; writing now", 20), writing),
            open=(writing,),
            turn_open=True,
        ),
        facts(
            "researcher",
            "finds sources",
            lock=lock(64, "Sources on Fresnel lenses"),
            run=run(
                "researcher",
                "Sources on Fresnel lenses",
                Phase.RUNNING,
                20,
                (attempt(1, 64, ended=40, cause="no sign of life in 20 s"), attempt(2, 22, running=20)),
            ),
            activities=(
                act("researcher", Kind.STARTED, "Sources on Fresnel lenses (attempt 2/3)", 22),
                act("researcher", Kind.TOOL_DONE, "WebSearch: 3 papers on catadioptric rings", 6, "WebSearch"),
            ),
            turn_open=True,
        ),
        facts(
            "editor",
            "keeps the style",
            lock=lock(300, "Edit chapter one"),
            run=run("editor", "Edit chapter one", Phase.RUNNING, 298, (attempt(1, 300, running=298),)),
            activities=(act("editor", Kind.TOOL_DONE, "Read: chapter-1.md", 50, "Read"), asking),
            prompts=(asking,) if asking is not None else (),
            turn_open=True,
        ),
        facts(
            "checker",
            "checks facts",
            lock=lock(400, "Check the dates"),
            run=run("checker", "Check the dates", Phase.RUNNING, 398, (attempt(1, 400, running=398),)),
            activities=(act("checker", Kind.LOG, "reading page 12 of 40", 92),),
            turn_open=True,
        ),
        facts(
            "builder",
            "builds the site",
            run=run(
                "builder",
                "Build the site",
                Phase.BOUNCED,
                75,
                tuple(
                    attempt(n, 200 - n * 40, running=199 - n * 40, ended=190 - n * 40, cause="exit 1")
                    for n in (1, 2, 3)
                ),
                reason="three attempts failed: exit 1",
            ),
            activities=(
                act("builder", Kind.ERROR, "OSError: no space left on device", 76),
                act("builder", Kind.FAILED, "Build the site (attempt 3/3): exit 1", 75),
            ),
        ),
        facts(
            "planner",
            "plans the phases",
            run=run(
                "planner",
                "Plan of three phases",
                Phase.COMPLETED,
                30,
                (attempt(1, 90, running=89, ended=30),),
                replied=True,
            ),
            activities=(act("planner", Kind.DONE, "Plan of three phases", 30),),
        ),
        facts(
            "reviewer",
            "reviews drafts",
            mailbox=Mailbox(MailboxStatus.UNREADABLE, reason="inbox.json: line 1 column 812: unterminated string"),
            activities=(act("reviewer", Kind.MAIL, "@writer: Draft of chapter one", 610),),
        ),
        facts("archivist", "keeps what was decided"),
    )
    operator = AgentFacts(
        Agent(OPERATOR, "OPERATOR", ROOT / ".praxmonitor" / "operator", "the person at the screen"),
        mailbox=box(
            mail(
                16,
                "@editor",
                "May I drop the second figure?",
                45,
                body="The second figure repeats the first.\n\nMay I drop it? It would save half a page, and the "
                "text that refers to it says the same in words.\n\n  - figure 1 stays\n  - figure 2 goes\n\n@editor",
            ),
            mail(17, "@planner", "RE: Plan of three phases", 30),
            mail(18, "@builder", "BOUNCE: Build the site", 75, unread=False),
        ),
        activities=(act("operator", Kind.MAIL, "@editor: May I drop the second figure?", 45),),
    )
    stream = sorted((item for each in (*agents, operator) for item in each.activities), key=lambda item: item.at)
    return Fleet(ROOT, agents, operator, tuple(stream), at=NOON)


def troubled(count: int = 5) -> Fleet:
    """The service refuses `count` agents, each of which has a further task that does not move; one run bounced."""
    refused = [
        facts(
            f"a{number}", lock=lock(200, f"Task {number}"),
            mailbox=box(replace(mail(number, "@planner", f"Task {number}, too", 120), is_task=True)),
            run=run(f"a{number}", f"Task {number}", Phase.RUNNING, 198, (attempt(1, 200, running=198),)),
            activities=(act(f"a{number}", Kind.LIMIT, "429 too many requests", 90 - number),), turn_open=True,
        )
        for number in range(count)
    ]  # fmt: skip
    bounced = next(one for one in lighthouse().agents if one.address == "@builder")
    agents = (*refused, bounced)
    return structs.replace(lighthouse(), agents=agents, stream=())


def many(count: int = 20) -> Fleet:
    """The lighthouse, then agents that do little, `count` in all."""
    fleet = lighthouse()
    more = tuple(
        facts(
            f"helper-{number:02}",
            "reads one archive",
            activities=(act(f"helper-{number:02}", Kind.LOG, f"page {number} of the archive", 60 * number),),
        )
        for number in range(len(fleet.agents) + 1, count + 1)
    )
    return structs.replace(fleet, agents=(*fleet.agents, *more))


def host(name: str, *, away: float = 0.0, seen: float = 2.0, **known: object) -> HostRecord:
    """Another host of the link, which was heard `seen` seconds ago; `away`: it is not heard for so many seconds."""
    record = HostRecord(name, seen_at=NOON - (away or seen), away_since=NOON - away if away else 0.0)
    return structs.replace(record, **known)


def moved(facts: AgentFacts, where: str, name: str = "") -> AgentFacts:
    """The same agent, but of that host, and of another name."""
    old = facts.agent
    address = f"@{name or old.address[1:]}.{where}"
    branch = ROOT / ".praxmonitor" / "link" / "hosts" / where / "agents" / (name or old.address[1:])
    there = replace(old, address=address, branch=branch, root=ROOT, host=where)
    activities = tuple(structs.replace(one, agent=address) for one in facts.activities)
    run = replace(facts.run, target=address) if facts.run is not None else None
    return structs.replace(facts, agent=there, activities=activities, run=run)


def linked(hosts: int = 3, each: int = 10, *, away: str = "beta") -> Fleet:
    """So many hosts, this one among them, each with so many agents; one of the others is away for twelve minutes."""
    names = [f"host-{number}" for number in range(2, hosts)] if hosts > 3 else ["gamma"][: hosts - 2]
    here = many(each)
    others = tuple(moved(facts, name) for name in ("beta", *names) for facts in here.agents)
    stream = sorted((item for facts in (*here.agents, *others) for item in facts.activities), key=lambda item: item.at)
    records = tuple(host(name, away=720.0 if name == away else 0.0) for name in ("beta", *names))
    return structs.replace(here, agents=(*here.agents, *others), hosts=records, stream=tuple(stream))


def app_on(
    feed: Feed,
    where: Workspace,
    *,
    clock: Callable[[], float] | None = None,
    speaker: Speaker | None = None,
    config: Config = CONFIG,
    theme: str = "prax-dark",
    playback: Playback | None = None,
    live: bool = False,
    undo: float = 0.0,
) -> PraxApp:
    """The app as `praxmonitor` starts it, on this feed, clock and sound device. `undo`: seconds that mail waits."""
    config = replace(config, mail=replace(config.mail, undo=undo))
    opened = OpenWorkspace(where, config, clock=clock or Clock(), playback=playback, live=live)
    return PraxApp(opened, feed, speaker or FakeSpeaker(), load_themes([themes_dir()]), Preferences(theme=theme))


async def until(pilot: Pilot[None], condition: Callable[[], object], why: str, seconds: float = 30.0) -> None:
    """Let the app run until the condition holds; a machine that many tests share may take its time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {why}"
        await pilot.pause(0.01)


def fleet_screen(app: App[None]) -> FleetScreen:
    """The view of all agents, which is in front."""
    assert isinstance(app.screen, FleetScreen)
    return app.screen


def agent_screen(app: App[None]) -> AgentScreen:
    """The view of one agent, which is in front."""
    assert isinstance(app.screen, AgentScreen)
    return app.screen


def mail_screen(app: App[None]) -> MailScreen:
    """The view of the mail, which is in front."""
    assert isinstance(app.screen, MailScreen)
    return app.screen


def text_of(app: App[None]) -> str:
    """What is on the screen, as text, line by line."""
    width, height = app.size
    update = app.screen._compositor.render_strips(Size(width, height))
    return "\n".join(strip.text for strip in update)
