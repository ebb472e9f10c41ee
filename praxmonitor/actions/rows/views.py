"""The views by their numbers, from every view."""

from __future__ import annotations

from praxmonitor.actions import preconditions, views
from praxmonitor.actions.action import Action
from praxmonitor.actions.scope import VIEWS
from praxmonitor.actions.views import ViewName

TO_VIEWS = (
    Action(
        "view_fleet", "1", "view fleet", VIEWS, "all agents", views.bring(ViewName.FLEET),
        words="fleet agents overview home grid all", in_replay=True,
    ),
    Action(
        "view_agent", "2", "view agent", VIEWS, "the selected agent, whole", views.show_agent,
        words="agent detail run story", precondition=preconditions.some_agent, in_replay=True,
    ),
    Action(
        "view_mail", "3", "view mail", VIEWS, "mail", views.bring(ViewName.MAIL),
        words="mail mailbox inbox messages threads search sent archive oldest newest first", in_replay=True,
    ),
    Action(
        "view_stream", "4", "view stream", VIEWS, "all that happens", views.bring(ViewName.STREAM),
        words="stream events activity happens history errors", in_replay=True,
    ),
    Action(
        "view_alarms", "5,exclamation_mark", "view alarms", VIEWS, "alarms and approvals, and what is done about them",
        views.bring(ViewName.ALARMS), words="alarms alerts warnings problems errors trouble wrong why approve shelve",
        in_replay=True,
    ),
    Action(
        "view_logs", "6", "view logs", VIEWS, "the logs of an agent, in the order of time or one of them",
        views.bring(ViewName.LOGS), words="logs log file files output stderr stdout tail read", in_replay=True,
        precondition=preconditions.unrecorded,
    ),
    Action(
        "view_errors", "7", "view errors", VIEWS, "errors that agents report: how often, who is asked, what was done",
        views.bring(ViewName.ERRORS),
        words="errors error traceback tracebacks exception exceptions crash crashes panic failures groups",
        in_replay=True,
    ),
    Action(
        "last_view", "minus", "last view", VIEWS, "the view before this one", views.show_last,
        words="previous last back view toggle", in_replay=True,
    ),
    Action(
        "next_project", "right_curly_bracket", "next project", VIEWS, "the next project, where several are open",
        views.turn_project(1), words="workspace other switch project",
        in_replay=True,
    ),
    Action(
        "previous_project", "left_curly_bracket", "last project", VIEWS, "the project before this one",
        views.turn_project(-1), words="workspace other switch previous project", in_replay=True,
    ),
)  # fmt: skip
