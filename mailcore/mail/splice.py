"""Put a message on top of a mailbox file without parsing it: at 10,000 open messages that is most of a delivery.

Taken only for the exact form that mailcore and AIPass write (indent 2, messages last). There a raw newline is never
part of a string, so a newline and six spaces begin a message's own key, and counting them is exact. What is there is
kept byte for byte, so even a file that is broken inside loses nothing: readers say so, the next other write repairs it.
"""

from __future__ import annotations

import re
from typing import Any

from mailcore.formats import json_codec

_HEAD = re.compile(
    rb'\{\n  "mailbox": "inbox",\n  "total_messages": (\d{1,9}),\n  "unread_count": (\d{1,9}),\n'
    rb'  "messages": \[\n    (?=\{\n)'
)
_TAIL = b"\n    }\n  ]\n}"
_KEY = b'\n      "'
_ID = re.compile(_KEY + rb'id": "([^"\\]{1,40})"')


def insert_on_top(data: bytes, *messages: dict[str, Any]) -> tuple[bytes | memoryview, ...] | None:
    """The file with `messages` before all others, as parts to write one after the other.

    None if `data` is in any other form, torn, or holds a message without a number: then it has to be parsed. Each of
    `messages` has a number and a status itself.
    """
    head = _HEAD.match(data)
    # A torn file has another end, one that a power cut left holds zeros.
    if head is None or not data.endswith(_TAIL) or b"\0" in data:
        return None
    # Counts that a hand made wrong stay wrong until the next parsed write; readers count the messages themselves.
    total, unread = int(head[1]), int(head[2])
    if data.count(_KEY + b'seq": ') != total:
        return None
    counts = (total + len(messages), unread + sum(message["status"] == "new" for message in messages))
    top = b'{\n  "mailbox": "inbox",\n  "total_messages": %d,\n  "unread_count": %d,\n  "messages": [\n    ' % counts
    texts = (json_codec.dumps(message).replace(b"\n", b"\n    ") + b",\n    " for message in messages)
    return top, *texts, memoryview(data)[head.end() :]


def may_contain_id(data: bytes, message_id: str) -> bool:
    """True if a message of that id may be in the file."""
    return f'{_KEY.decode()}id": "{message_id}"'.encode() in data


def ids_in(data: bytes) -> set[str]:
    """The ids that messages in the file may have: one look for many questions."""
    return {name.decode("utf-8", "replace") for name in _ID.findall(data)}
