"""Questions between hosts, answered at once or not at all: pages of what the other host has on its disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.ask_socket import MAX_ANSWER
from mailcore.link.handlers import ASKS, function
from mailcore.link.neighbours import known_host
from mailcore.link.subjects import Subjects, last_word
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

MOST_ASKED = 64 << 10
_AT_ONCE = 4
"""Questions that are answered at the same time; more than `MAX_OPEN_QUESTIONS` of them are refused."""
MAX_OPEN_QUESTIONS = 64
STATUS, WORDS = "Px-Status", "Px-Words"


class Answering:
    """Answers what other hosts ask this one."""

    def __init__(self, workspace: Workspace, asks: Mapping[str, str] = ASKS) -> None:
        self._workspace, self._asks = workspace, asks
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="answer")
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, client: Client, names: Subjects, me: str) -> None:
        """Answer from now on, over one connection."""

        async def take(message: Msg) -> None:
            task = asyncio.create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        await client.subscribe(names.ask(me, "*"), cb=take)

    async def _answer(self, message: Msg) -> None:
        self._open += 1
        try:
            if self._open > MAX_OPEN_QUESTIONS:
                raise Refused("too many questions at once", "busy")
            asker = last_word(message.subject)
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._found, asker, message.data)
            await message.respond(answer)
        except MailcoreError as error:
            await _refuse(message, error.code, str(error))
        except Exception as error:  # a question must not end what answers
            await _refuse(message, "failed", f"{type(error).__name__}: {error}")
        finally:
            self._open -= 1

    def _found(self, asker: str, data: bytes) -> bytes:
        record = known_host(self._workspace, asker)
        if record is None:
            raise Refused(f"{asker} is no host of the link, as far as is known here", "unknown_host")
        question = json.loads(data) if len(data) <= MOST_ASKED else None
        name = question.get("ask") if isinstance(question, dict) else None
        if not isinstance(question, dict) or not isinstance(name, str) or name not in self._asks:
            raise Refused(f"{name!r} is no question that is answered here", "question")
        answer: bytes = function(self._asks[name])(self._workspace, record, question)
        if len(answer) > MAX_ANSWER:
            raise Refused(f"the answer has {len(answer):,} bytes: more than {MAX_ANSWER:,} are not sent", "too_large")
        return answer


async def _refuse(message: Msg, code: str, words: str) -> None:
    from mailcore.text import line

    client = message._client
    headers = {STATUS: code, WORDS: line(words)[:500].encode("ascii", "replace").decode()}
    await client.publish(message.reply, b"", headers=headers)


async def put_question(
    client: Client, names: Subjects, me: str, host: str, question: Mapping[str, Any], wait: float
) -> bytes:
    """That host's answer. MailcoreError (code `away`) if none comes, Refused if it does not answer that."""
    from nats.errors import Error

    try:
        answer = await client.request(names.ask(host, me), json.dumps(question).encode(), timeout=wait)
    except (Error, TimeoutError) as error:
        raise MailcoreError(f"{host} does not answer", "away") from error
    headers = answer.headers or {}
    if code := headers.get(STATUS, ""):
        raise Refused(f"{host}: {headers.get(WORDS, '')}", code)
    return answer.data
