"""Of several screens and guards on one workspace, one is on duty: it alone sounds alarms and acts on them.

Duty goes to who can be heard. Each watcher has a file in `.praxmonitor/duty/` (`watchers`) that says how far it reaches
a person; four times a second a thread of it looks at those of the others, and gives its own the present time. Who is on
duty and alone there sleeps: under a `Seal`, which breaks when another comes.

* Duty is a term with a number: whoever makes `.praxmonitor/duty/NUMBER.term`, which can be made only once, holds it,
  until it says of itself that it does not, shows no life for a second, or dies.
* Whoever holds it gives it up when another reaches a person better, when its own loop stands still, or when its
  terminal takes no output. It goes back in the same way. Of several who reach as far, whoever has it keeps it.
* It is a `Lease`: it holds for a second from the last look. Who was stopped (Ctrl+Z, SIGSTOP, a frozen container)
  cannot say anything, and so is stepped over after that second; when it goes on, its lease is over, and it finds
  another term.
* Whoever comes shows itself before it looks, and waits a second for a sign of life. So where the seal holds at one
  moment nobody can have stepped over this one before a second after it: that is as good as a look.

So two are never on duty at once, and after a second and a quarter nobody is missed. There is no lock that a process
could keep; who says that it reaches further, and does not take the duty that it is left, is not waited for either.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mailcore.system import writing
from mailcore.system.seal import Seal
from mailcore.system.watching import Watcher as Sleep
from praxmonitor.alarms import watchers
from praxmonitor.alarms.lease import LEASE, Lease
from praxmonitor.alarms.watchers import Watcher, WatcherState

LOOK_PERIOD = 0.25
"""Seconds between two looks."""
SLOW_LOOK_PERIOD = 5.0
"""Seconds between two looks of who is on duty and alone: a look costs 2 ms of a core."""
LOOK_TIMEOUT = 15.0
"""Seconds in which a look must end: on a disk that hangs, whoever watches sounds."""
RETRY = 5.0
"""Seconds between two looks where the files cannot be written."""
REMEMBER_DEAD_GUARDS = 7 * 86400.0
"""Seconds for which a guard that died is remembered, unless another comes."""
TAKE_DUTY_WITHIN = 2.0
"""Seconds after which a watcher that was left the duty must have taken it."""
TERM = ".term"
LAST_TERM = 10**14


class Duty:
    """One screen's or guard's claim to the duty. `start`, then `close`."""

    def __init__(
        self,
        directory: Path,
        what: str,
        *,
        on_change: Callable[[], None] = lambda: None,
        state: Callable[[], WatcherState] = WatcherState,
        on_look: Callable[[bool], None] = lambda _: None,
        rest: Callable[[], float] = lambda: SLOW_LOOK_PERIOD,
    ) -> None:
        """`directory`: `.praxmonitor`, made if need be. `what`: `screen` or `guard`, shown to the others.

        `on_change` is called when it is settled whether the duty is ours, `state` before each look, to learn how far
        this one reaches, and `on_look` after each look, with whether the duty is ours: from the thread of `start` or
        from the duty's own; none may raise. `rest` gives the seconds that this one may
        rest at most while nobody else is there.
        """
        self.trouble = ""
        """Why there can be no duty, and every watcher sounds for itself."""
        self.others: tuple[Watcher, ...] = ()
        """The other watchers, at the last look."""
        self._directory = directory
        self._what = what
        self._on_change, self._state, self._on_look = on_change, state, on_look
        self._id = os.urandom(6).hex()
        self._since = time.time()
        self._written: tuple[int, WatcherState] | None = None
        """Term and state as they stand in our file."""
        self._term = 0
        self._lease, self._rest = Lease(), rest
        self._seal: Seal | None = None
        """It was put on before the last look, which found nobody else."""
        self._alone = False
        """The last look found nobody else who may live."""
        self._settled: bool | None = None
        self._holder: Watcher | None = None
        self._signs: dict[str, tuple[int, float]] = {}
        """Id → its last sign of life, and since when that is the last, by the machine's own clock."""
        self._free_since = 0.0
        """Since when nobody is on duty, by the machine's own clock; 0.0: somebody is."""
        self._idle: set[str] = set()
        """Who was left the duty and did not take it."""
        self._look_began = 0.0
        """Since when a look goes on, by the machine's own clock; 0.0: none does."""
        self._closing = threading.Event()
        self._sleep: Sleep | None = None
        self._looking = threading.Lock()

    @property
    def ours(self) -> bool:
        """Whether this one is on duty, right now."""
        if self.trouble:
            return not self._closing.is_set()
        return self._lease.holds or self._hangs(time.monotonic())

    @property
    def holder(self) -> Watcher | None:
        """Who is on duty, if it is another, at the last look."""
        return None if self.ours else self._holder

    def start(self) -> None:
        """Take the duty if it is free, and look on in a thread. Reads and writes files, waits for nothing."""
        self._look()
        self._sleep = Sleep(math.inf, kernel=False)
        threading.Thread(target=self._watch, args=(self._sleep,), name="duty", daemon=True).start()

    def look_now(self) -> None:
        """Look at the others now: the state of this watcher changed."""
        if self._sleep is not None:
            self._sleep.wake()

    def close(self) -> None:
        """Give the duty up; another has it within half a second."""
        self._closing.set()
        self._lease.end()
        self.look_now()
        if self._looking.acquire(timeout=LEASE):  # a disk that hangs keeps nobody from leaving
            self._lease.end()  # once more: a look may just have renewed it
            with suppress(OSError), watchers.open_directory(self._directory) as directory:
                watchers.remove_record(directory, self._id)
            if self._sleep is None:
                self._unseal()
            self._looking.release()

    def _hangs(self, now: float) -> bool:
        """Whether a look lasts too long, and not because this process was stopped: then its loop stands still too."""
        return self._look_began > 0 and now - self._look_began > LOOK_TIMEOUT and self._state().fit

    def _watch(self, sleep: Sleep) -> None:
        with sleep:
            while not self._closing.is_set():
                if self._seal is not None:
                    sleep.wait(max(LOOK_PERIOD, min(SLOW_LOOK_PERIOD, self._rest())), (self._seal,))
                else:
                    sleep.wait(RETRY if self.trouble else LOOK_PERIOD)
                self._look()
            self._unseal()

    def _look(self) -> None:
        with self._looking:
            if self._closing.is_set():
                return
            began = self._look_began = time.monotonic()
            try:
                self._put_seal()
                with watchers.open_directory(self._directory, make=True) as directory:
                    self._decide(directory, began)
                self.trouble = ""
            except Exception as error:  # no right to write, say; or what nobody thought of: never silence
                where = self._directory / watchers.DIRECTORY
                why = "is a symlink" if where.is_symlink() else getattr(error, "strerror", "") or error
                self.trouble = f"{where}: {why}: whoever watches sounds, several at once"
                self._alone = False
            if self._seal is not None and self._alone and self._seal.holds:
                self._lease.rest_on(self._seal)
            else:
                self._unseal()
            self._look_began = 0.0
        if self.ours is not self._settled:
            self._settled = self.ours
            self._on_change()
        self._on_look(self._settled)

    def _put_seal(self) -> None:
        """Put it on before the look that it is to hold from, if the last one found nobody else."""
        if self._seal is not None and not self._seal.holds:
            self._unseal()
        if self._seal is None and self._alone:
            with suppress(OSError):  # then it looks four times a second
                self._seal = Seal(self._directory / watchers.DIRECTORY)

    def _unseal(self) -> None:
        self._lease.rest_on(None)
        if self._seal is not None:
            self._seal.close()
            self._seal = None

    def _decide(self, directory: int, now: float) -> None:
        """Take the duty, keep it, or give it up; and show life."""
        state = self._state()
        if self._written is None:  # before it sees anybody, whose seal then breaks before this one waits for a sign
            self._show(directory, state)
            now = time.monotonic()
        newest, by = _newest(directory)  # before the watchers: who made it wrote of itself first
        found = watchers.read_records(directory, but=self._id)
        fresh = [each for each in found if self._fresh(each, now)]
        self.others = tuple(found)
        self._signs = {each.id: self._signs[each.id] for each in found if each.id in self._signs}
        held = self._term == newest > 0 and by == self._id
        holder = next((each for each in fresh if each.id == by and each.term == newest), None)
        better = self._better(fresh, state, holder, held, now)
        if held and (better or not state.fit):
            held = False
        elif not held and state.fit and not better and holder is None:
            if newest + 1 == LAST_TERM:  # 32 million years of takeovers: somebody made the file by hand
                raise OSError(0, f"term {newest} is the last that there is")
            self._term = newest + 1
            self._show(directory, state)
            held = writing.link_new_in(directory, f"{self._term}{TERM}", self._id.encode())
            held = held and _newest(directory) == (self._term, self._id)
        self._term = self._term if held else 0
        if held:
            self._lease.renew(now)
        else:
            self._lease.end()
        self._show(directory, state)
        self._holder = None if held else holder
        if held:
            self._tidy(directory, found, fresh)
        self._alone = held and watchers.is_alone(directory, self._id, found)

    def _better(
        self, fresh: list[Watcher], state: WatcherState, holder: Watcher | None, held: bool, now: float
    ) -> bool:
        """Whether another reaches a person better than this one, and takes the duty where it is left."""
        if held or holder is not None:
            self._free_since = 0.0
            self._idle -= {holder.id} if holder is not None else set()
        else:
            self._free_since = self._free_since or now
        better = {each.id for each in fresh if each.state.reach > state.reach}
        if self._free_since and now - self._free_since > TAKE_DUTY_WITHIN:
            self._idle |= better
        return bool(better - self._idle)

    def _fresh(self, other: Watcher, now: float) -> bool:
        """Whether this one lives, moves and can be reached; at its first sight it is believed."""
        sign, since = self._signs.get(other.id, (0, now))
        if sign != other.sign:
            self._signs[other.id] = other.sign, now
            since = now
        return other.alive and other.state.fit and now - since < LEASE

    def _show(self, directory: int, state: WatcherState) -> None:
        if self._written == (self._term, state):
            with suppress(FileNotFoundError):
                watchers.touch_record(directory, self._id)
                return
        watchers.write_record(directory, self._id, self._what, self._since, self._term, state)
        self._written = self._term, state

    def _tidy(self, directory: int, found: list[Watcher], fresh: list[Watcher]) -> None:
        """Forget terms that are over, and who died: a screen at once, a guard when there is another."""
        for name in os.listdir(directory):
            number = _number(name)
            if 0 < number < self._term:
                with suppress(OSError):
                    os.unlink(name, dir_fd=directory)
        guarded = self._what == "guard" or any(each.what == "guard" for each in fresh)
        for each in found:
            dead = not each.alive if each.here else time.time() - each.seen > REMEMBER_DEAD_GUARDS
            if dead and (each.what != "guard" or guarded or time.time() - each.seen > REMEMBER_DEAD_GUARDS):
                watchers.remove_record(directory, each.id)


def _newest(directory: int) -> tuple[int, str]:
    """The number of the newest term, and whose it is; 0 where there was none yet."""
    number = max(map(_number, os.listdir(directory)), default=0)
    if not number:
        return 0, ""
    try:
        return number, watchers.beginning(f"{number}{TERM}", directory)[0].decode(errors="replace")
    except OSError:  # it is no file, or it was just tidied away
        return number, ""


def _number(name: str) -> int:
    digits = name.removesuffix(TERM)
    if not (name.endswith(TERM) and digits.isascii() and digits.isdigit()):
        return 0
    number = int(digits)
    return number if number < LAST_TERM else 0
