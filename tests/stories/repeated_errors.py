"""Stories of errors that repeat: told of, not told of, resolved, back again, and what explains them."""

from __future__ import annotations

from collections.abc import Callable

from mailcore.config import Alarms, Config, Errors
from mailcore.errors import groups
from mailcore.model.error_group import ErrorEvent, ErrorGroup, ErrorGroups, Severity
from mailcore.observe.facts import ErrorsRead
from tests.stories.made import again, heard, story, working
from tests.stories.play import Acknowledge, Disk, Heard, Restart, Step, Story
from tests.stories.words import START

TITLE = "ValueError: invalid literal for int()"
QUIET = Alarms(repeat=(), repeat_medium=(), repeat_low=())
CONFIG = Config(alarms=QUIET)
UNMAILED = Config(alarms=QUIET, errors=Errors(mail=False))
Change = Callable[[ErrorGroup, float], ErrorGroup]


class ErrorLife:
    """One group of errors, and what happens to it, as the file tells it each time."""

    def __init__(
        self, title: str = TITLE, *, agent: str = "@writer", severity: Severity = Severity.ERROR, breaker: float = 0.0
    ) -> None:
        self.steps: list[tuple[float, tuple[Step, ...]]] = []
        self._title, self._agent, self._severity, self._breaker = title, agent, severity, breaker
        self._group: ErrorGroup | None = None

    def happens(self, *seconds: float) -> ErrorLife:
        for second in seconds:
            event = ErrorEvent(START + second, self._agent, "python", self._title, self._severity)
            self._told(second, groups.observed(self._group, event, "f00d"))
        return self

    def asked(self, second: float) -> ErrorLife:
        return self._changed(second, lambda group, at: groups.asked(group, at, "m1"))

    def resolved(self, second: float) -> ErrorLife:
        return self._changed(second, lambda group, at: groups.resolved(group, at, "@writer", "rows are skipped"))

    def muted(self, second: float) -> ErrorLife:
        return self._changed(second, lambda group, at: groups.muted(group, at, "@operator"))

    def _changed(self, second: float, change: Change) -> ErrorLife:
        assert self._group is not None
        return self._told(second, change(self._group, START + second))

    def _told(self, second: float, group: ErrorGroup) -> ErrorLife:
        self._group = group
        known = ErrorGroups((group,), breaker_at=START + self._breaker if self._breaker else 0.0)
        self.steps.append((second, (ErrorsRead(known),)))
        return self


def errors(
    name: str, life: ErrorLife, *, expected: tuple[Heard, ...] = (), config: Config = CONFIG, slack: float = 1.0,
    more: tuple[tuple[float, tuple[Step, ...]], ...] = (),
) -> Story:  # fmt: skip
    steps = (*life.steps, *more)
    return story(name, 900, working(900), expected=expected, config=config, steps=steps, slack=slack)


def fix() -> ErrorLife:
    """It is told of, and resolved."""
    return ErrorLife().happens(100, 110, 120).asked(121).resolved(200)


REPEATED_ERRORS = (
    errors("an error that an agent was asked about", ErrorLife().happens(100, 110, 120).asked(121).happens(130, 140)),
    errors("an error that does not repeat", ErrorLife().happens(100, 110)),
    errors("resolved, and it stays away", fix()),
    errors("muted", ErrorLife().happens(100, 110, 120).muted(125).happens(130, 140, 300)),
    errors("back again after it was resolved sounds", fix().happens(300), expected=(heard(300, "error_back"),)),
    errors(
        "back again, and the agent is asked anew: it stands until it is over",
        fix().happens(300).asked(305).resolved(400),
        expected=(heard(300, "error_back"), heard(400, "over error_back"), heard(400, "clear", "")),
    ),
    errors(
        "back again, over and over: once each time", fix().happens(300, 310, 320, 330).resolved(400).happens(500, 510),
        expected=(heard(300, "error_back"), heard(500, "error_back")),
    ),
    errors("back again, and muted", fix().muted(250).happens(300, 310)),
    errors(
        "back again is repeated until somebody answers", fix().happens(300), config=Config(),
        expected=(heard(300, "error_back"), *again("error_back", 360, 480, 780)), slack=3.0,
    ),
    errors(
        "back again, acknowledged, and the screen restarts: quiet", fix().happens(300), config=Config(),
        more=((350, (Acknowledge(),)), (400, (Restart(),))), expected=(heard(300, "error_back"),),
    ),
    errors(
        "nobody was told: mail is off", ErrorLife().happens(100, 110, 120, 130), config=UNMAILED,
        expected=(heard(180, "error_untold"),),
    ),
    errors(
        "nobody was told: the breaker is open", ErrorLife(breaker=50).happens(100, 110, 120),
        expected=(heard(180, "error_untold"),),
    ),
    errors(
        "nobody was told, and then somebody was", ErrorLife().happens(100, 110, 120).asked(400),
        expected=(heard(180, "error_untold"), heard(400, "over error_untold"), heard(400, "clear", "")),
    ),
    errors(
        "so often, but over hours", ErrorLife().happens(1, 2, 3),
        config=Config(alarms=QUIET, errors=Errors(window=1.0)),
    ),
    errors(
        "no fatal one, where only those are told of", ErrorLife().happens(100, 110, 120),
        config=Config(alarms=QUIET, errors=Errors(severity="fatal")),
    ),
    errors(
        "a fatal one", ErrorLife(severity=Severity.FATAL).happens(100, 110, 120),
        config=Config(alarms=QUIET, errors=Errors(severity="fatal")), expected=(heard(180, "error_untold"),),
    ),
    errors(
        "a title that config mutes", ErrorLife().happens(100, 110, 120),
        config=Config(alarms=QUIET, errors=Errors(mute=("invalid LITERAL",))),
    ),
    errors(
        "a full disk explains an error that is back and names it", ErrorLife("OSError: No space left on device")
        .happens(60, 70, 80).asked(81).resolved(90).happens(300), more=((200, (Disk(0),)),),
        expected=(heard(205, "disk", ""),), slack=6.0,
    ),
    errors(
        "a full disk explains no error of another sort", fix().happens(300), more=((250, (Disk(0),)),),
        expected=(heard(255, "disk", ""), heard(300, "error_back")), slack=6.0,
    ),
)  # fmt: skip
