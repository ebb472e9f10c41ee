"""The streams of a link, made by the hub: there they are after each start, also of a store that was lost."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from mailcore.link.subjects import Subjects
from mailcore.text.units import size

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import StreamConfig

MOST_WAITING = 50_000
"""Envelopes from one host to another that the server keeps; what is more waits at its sender."""
MOST_BYTES = 3 << 30
MOST_PARCEL = 5 << 20
"""Bytes of one message: the largest envelope with room, and less than a host asks for at once (`receiving.PULL_BYTES`).
What it can never be given would stand in the way of all that comes after."""
MOST_STATE_BYTES = 64 << 20
MOST_STATE = 512 << 10
"""Bytes of one last value: the names of the most agents that a host has, with room."""
_NAME_IN_USE = 10058
"""The server's code for a stream that is there, made otherwise."""
ACK_WAIT = 10.0
"""Seconds after which an envelope that a host took, and then died, is offered again."""
MOST_UNANSWERED = 256
"""Messages that a host may have asked for and not answered yet."""


def payload_words(most: int) -> str:
    """That the server takes no message of that length that a host may send; empty where it takes all. 0: not known."""
    if not most or most >= MOST_PARCEL:
        return ""
    return f"the server takes messages of {size(most)} at most: what is longer waits; let its max_payload be 8MB"


async def ensure_streams(context: JetStreamContext, names: Subjects, hosts: Iterable[str]) -> None:
    """Make what is not there: both streams, and for each host what it takes its envelopes from. What is there stays.

    They hold what is for these hosts alone: what is for another, the server does not take.
    """
    from nats.js import api

    there = sorted(hosts)
    # Work queue: what was taken is gone. New ones are refused where it is full: its sender keeps them.
    await _ensure(
        context,
        api.StreamConfig(
            name=names.mail_stream,
            subjects=[names.to(host, "*") for host in there],
            retention=api.RetentionPolicy.WORK_QUEUE,
            discard=api.DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs_per_subject=MOST_WAITING,
            max_bytes=MOST_BYTES,
            max_msg_size=MOST_PARCEL,
            allow_direct=True,
        ),
    )
    await _ensure(
        context,
        api.StreamConfig(
            name=names.state_stream,
            subjects=[names.hosts, *map(names.about, there), *(names.confirmed(host, "*") for host in there)],
            max_msgs_per_subject=1,
            max_bytes=MOST_STATE_BYTES,
            max_msg_size=MOST_STATE,
            allow_direct=True,
        ),
    )
    for host in there:
        await context.add_consumer(
            names.mail_stream,
            api.ConsumerConfig(
                durable_name=host,
                filter_subject=names.to(host, "*"),
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT,
                max_ack_pending=MOST_UNANSWERED,
            ),
        )


async def remove_host(context: JetStreamContext, names: Subjects, host: str) -> None:
    """Remove what waits for a host that belongs to the link no more, and all that it left behind."""
    from nats.js.errors import NotFoundError

    mail, state = names.mail_stream, names.state_stream
    with suppress(NotFoundError):
        await context.delete_consumer(mail, host)
    left = ((mail, names.to(host, "*")), (mail, names.to("*", host)), (state, names.confirmed(host, "*")),
            (state, names.confirmed("*", host)), (state, names.about(host)))  # fmt: skip
    for stream, subject in left:
        with suppress(NotFoundError):
            await context.purge_stream(stream, subject=subject)


async def _ensure(context: JetStreamContext, config: StreamConfig) -> None:
    """Make the stream, or let the one that is there be as this says."""
    from nats.js.errors import BadRequestError

    try:
        await context.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _NAME_IN_USE:
            raise
        await context.update_stream(config)
