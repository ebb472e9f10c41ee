"""Who carries out what comes over a link: one table by kind of envelope, one by question, and what runs beside.

Each is named by module and function and imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from mailcore.model.link import EnvelopeKind

HANDLERS: Mapping[EnvelopeKind, str] = MappingProxyType(
    {
        EnvelopeKind.ACT: "mailcore.link.act_handlers:take_act",
        EnvelopeKind.ANSWER: "mailcore.hosts.asked_acts:take_answer",
        EnvelopeKind.TOPIC: "mailcore.topics.arrivals:take_topic",
    }
)
"""Kind → `module:function`, called in a worker thread with (workspace, envelope, repeated).

`repeated`: it may have been carried out before, so look first. Refused and other MailcoreErrors are told to the sender
by `REFUSERS`, and the envelope counts as taken; where the disk refuses (OSError, or a MailcoreError of one) it waits.
"""

HANDLERS_OF_RUNS: Mapping[EnvelopeKind, str] = MappingProxyType(
    {
        EnvelopeKind.MAIL: "mailcore.dispatch.remote_start:carry_out_mails",
        EnvelopeKind.RECEIPT: "mailcore.dispatch.remote_start:keep_receipts",
    }
)
"""The same with (workspace, envelopes, repeated): for the kinds of which many that follow each other cost little more
than one. They tell the senders themselves what they refuse."""

REFUSERS: Mapping[EnvelopeKind, str] = MappingProxyType(
    {
        EnvelopeKind.ACT: "mailcore.link.act_handlers:refuse_act",
        EnvelopeKind.TOPIC: "mailcore.topics.arrivals:refuse_topic",
    }
)
"""Kind → `module:function`, called with (workspace, envelope, error): puts the word for its sender into the channel."""

ASKS: Mapping[str, str] = MappingProxyType(
    {
        "act": "mailcore.link.act_handlers:answer_question",
        "files": "mailcore.link.agent_files:answer_files",
        "where": "mailcore.link.agent_files:answer_where",
    }
)
"""Name → `module:function`, called in a worker thread with (workspace, asker's HostRecord, question); its answer is
bytes, `server.MAX_PAYLOAD` at most."""

PARTS: tuple[str, ...] = (
    "mailcore.link.act_runner:resume",
    "mailcore.link.ask_server:serve_asks",
    "mailcore.link.sight:show",
    "mailcore.link.topic_part:keep_topics_known",
)
"""`module:function`, each an `async def` of the `Carrier` that runs beside it as long as it does."""


def function(name: str) -> Any:
    """What `module:function` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
