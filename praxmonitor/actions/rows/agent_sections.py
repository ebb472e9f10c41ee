"""What the view of one agent offers: its sections, and what is done in them."""

from __future__ import annotations

from praxmonitor.actions import agent_sections as sections
from praxmonitor.actions import preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import AGENT, VIEWS
from praxmonitor.state.agent_details import Section

TO_SECTIONS = (
    Action(
        "show_queue", "", "show queue", VIEWS, "what waits for the selected agent: move, cancel, begin",
        sections.bring_section(Section.QUEUE), words="queue waiting starts order reorder next pending",
        precondition=preconditions.some_agent, in_replay=True,
    ),
    Action(
        "show_changes", "", "show changes", VIEWS, "files and lines that its run changed",
        sections.bring_section(Section.CHANGES), words="diff changes files git edited written lines branch worktree",
        precondition=preconditions.some_agent, in_replay=True,
    ),
    Action(
        "show_timeline", "", "show timeline", VIEWS, "what the selected agent did, and when",
        sections.bring_section(Section.TIMELINE), words="timeline history activities when",
        precondition=preconditions.some_agent, in_replay=True,
    ),
    Action(
        "show_processes", "", "show processes", VIEWS, "every process of its run: CPU, memory, command line",
        sections.bring_section(Section.PROCESSES), words="processes tree pid cpu memory command top ps",
        precondition=preconditions.some_agent, in_replay=True,
    ),
    Action(
        "show_log", "", "show log", VIEWS, "the last lines of its newest log", sections.bring_section(Section.LOG),
        words="log tail output stderr stdout lines error", precondition=preconditions.some_agent, in_replay=True,
    ),
    Action(
        "show_memories", "", "show memories", VIEWS, "its passport, memories and instructions",
        sections.bring_section(Section.MEMORIES), words="memories passport trinity instructions identity",
        precondition=preconditions.some_agent, in_replay=True,
    ),
)  # fmt: skip

IN_SECTIONS = (
    Action(
        "section_next", "right_square_bracket,l,right", "next section", AGENT, "the next section",
        sections.turn(1), in_replay=True,
    ),
    Action(
        "section_before", "left_square_bracket,h,left,shift+tab", "section before", AGENT, "the section before",
        sections.turn(-1), in_replay=True,
    ),
    Action(
        "start_earlier", "less_than_sign", "earlier", AGENT, "queue: let it begin before the start above it",
        sections.move_start("up"), words="queue move up sooner reorder priority",
        precondition=sections.in_queue("the queue"), verb="move", section=Section.QUEUE, footer=Footer.IF_ROOM,
    ),
    Action(
        "start_later", "greater_than_sign", "later", AGENT, "queue: let it begin after the start below it",
        sections.move_start("down"), words="queue move down later reorder priority",
        precondition=sections.in_queue("the queue"), verb="move", section=Section.QUEUE, footer=Footer.IF_ROOM,
    ),
    Action(
        "start_now", "r", "begin now", AGENT, "queue: begin it before the others, now if nothing is in its way; asks",
        sections.begin_start, words="queue run start begin now first", verb="begin",
        precondition=sections.in_queue("the queue", preconditions.startable_again), section=Section.QUEUE,
        footer=Footer.IF_ROOM,
    ),
    Action(
        "start_cancel", "x", "cancel", AGENT, "queue: cancel it; asks first, its mail stays", sections.cancel_start,
        words="queue cancel remove dequeue drop", section=Section.QUEUE, footer=Footer.IF_ROOM,
        precondition=sections.in_queue("the queue", preconditions.agent),
    ),
    Action(
        "open_diff", "enter", "lines", AGENT, "changes: what changed in the selected file", sections.open_diff,
        words="diff lines changed file hunk", precondition=sections.in_changes("the changes", sections.no_mail),
        verb="read", section=Section.CHANGES, footer=Footer.IF_ROOM, looks=True,
    ),
    Action(
        "newest_run", "f", "newest run", AGENT, "changes: those of the newest run, where it began while you read",
        sections.show_newest_run, words="changes newer latest follow run", verb="read what it changed",
        precondition=sections.in_changes("the changes"), section=Section.CHANGES, looks=True,
    ),
    Action(
        "edit_file", "e", "edit", AGENT, "changes: the selected file in $EDITOR, where it changed first",
        sections.edit_file, words="editor vim nano open file edit", precondition=sections.in_changes("the changes"),
        section=Section.CHANGES, footer=Footer.IF_ROOM,
    ),
    Action(
        "copy_section", "y", "copy", AGENT, "copy what the section shows; of the story its Markdown",
        sections.copy_section, words="yank clipboard copy text section diff log",
        precondition=sections.beside_story(preconditions.ran), verb="tell of", in_replay=True,
    ),
)  # fmt: skip
