"""Which types of lines and events of a Codex session file are known, of releases up to 0.169; many report nothing
wanted.

What is of no known type is counted, so that it can be said how much is not understood.
"""

from __future__ import annotations

_KNOWN = frozenset({"session_meta", "turn_context", "event_msg", "response_item", "compacted", "token_usage_record"})
_PASSED = frozenset({"world_state", "inter_agent_communication_metadata", "ghost_snapshot"})
"""Types of lines that are known to report nothing."""
_EVENTS = frozenset(
    {
        "agent_message", "agent_reasoning", "context_compacted", "error", "item_completed", "stream_error",
        "task_complete", "task_started", "token_count", "turn_aborted", "user_message",
    }
)  # fmt: skip
_PASSED_EVENTS = frozenset(
    {
        "agent_message_delta", "agent_reasoning_delta", "agent_reasoning_raw_content", "agent_reasoning_section_break",
        "collab_agent_interaction_begin", "collab_agent_interaction_end", "collab_agent_spawn_begin",
        "collab_agent_spawn_end", "collab_close_begin", "collab_close_end", "collab_waiting_begin",
        "collab_waiting_end", "deprecation_notice", "dynamic_tool_call_request", "dynamic_tool_call_response",
        "entered_review_mode", "exec_command_begin", "exec_command_end", "exited_review_mode",
        "image_generation_begin", "image_generation_end", "item_started", "mcp_startup_complete",
        "mcp_tool_call_begin", "mcp_tool_call_end", "patch_apply_begin", "patch_apply_end", "plan_update",
        "session_configured", "thread_name_updated", "thread_rolled_back", "thread_settings_applied", "turn_diff",
        "undo_completed", "undo_started", "view_image_tool_call", "warning", "web_search_begin", "web_search_end",
    }
)  # fmt: skip
"""The same of events: what they report stands in items too, or is for the program's own screen."""


def is_known_line(kind: object) -> bool:
    """True of a line's type that is read, or passed over knowingly."""
    return isinstance(kind, str) and (kind in _KNOWN or kind in _PASSED)


def is_known_event(kind: object) -> bool:
    """The same of an event's."""
    return isinstance(kind, str) and (kind in _EVENTS or kind in _PASSED_EVENTS)
