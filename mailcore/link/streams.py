"""The streams of a link, made by the hub: there they are after each start, also of a store that was lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailcore.link.subjects import Subjects

if TYPE_CHECKING:
    from nats.js import JetStreamContext

MOST_WAITING = 50_000
"""Envelopes from one host to another that the server keeps; what is more waits at its sender."""
MOST_BYTES = 3 << 30
MOST_STATE_BYTES = 64 << 20
ACK_WAIT = 10.0
"""Seconds after which an envelope that a host took, and then died, is offered again."""
MOST_UNANSWERED = 256
"""Messages that a host may have asked for and not answered yet."""


async def ensure_streams(context: JetStreamContext, names: Subjects, hosts: Iterable[str]) -> None:
    """Make what is not there: both streams, and for each host what it takes its envelopes from. What is there stays."""
    from nats.js import api

    # Work queue: what was taken is gone. New ones are refused where it is full: its sender keeps them.
    await context.add_stream(
        api.StreamConfig(
            name=names.mail_stream,
            subjects=[names.mail],
            retention=api.RetentionPolicy.WORK_QUEUE,
            discard=api.DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs_per_subject=MOST_WAITING,
            max_bytes=MOST_BYTES,
            allow_direct=True,
        )
    )
    await context.add_stream(
        api.StreamConfig(
            name=names.state_stream,
            subjects=list(names.state),
            max_msgs_per_subject=1,
            max_bytes=MOST_STATE_BYTES,
            allow_direct=True,
        )
    )
    for host in hosts:
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
    """Remove what waits for a host that belongs to the link no more."""
    from nats.js.errors import NotFoundError

    try:
        await context.delete_consumer(names.mail_stream, host)
    except NotFoundError:
        return
    await context.purge_stream(names.mail_stream, subject=names.to(host, "*"))
