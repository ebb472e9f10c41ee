"""A stub of the Messages and the Responses API on loopback: answers as a test says, and keeps every request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = Mapping[str, Any]
"""The body of one `POST` to `/v1/messages` or `/v1/responses`."""


@dataclass(frozen=True, slots=True)
class Text:
    """The model says something, and its turn is over."""

    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """The model wants a tool to be used."""

    name: str
    given: Mapping[str, Any]
    namespace: str = ""
    """Of Codex, which groups its tools."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The model wants several tools to be used at once."""

    calls: tuple[Tool, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The service refuses."""

    status: int
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    """What stands in its error object besides."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is lost in the midst of the answer."""


OVERLOADED = Failure(529, "overloaded_error")

Step = Text | Tool | Tools | Failure | Cut
Script = Sequence[Step | Callable[[Request], Step]]
"""One step for each turn of the agent's main loop, in order; the last one again for all that follow."""


@dataclass
class Stub:
    """The service; `with` starts and ends it."""

    script: Script = (Text("done"),)
    requests: list[Request] = field(default_factory=list)
    """Turns of the main loop: those that offer tools, and all of Codex's. Titles and the like have no script."""
    others: list[str] = field(default_factory=list)
    """What else was asked for: method and path."""
    hold: threading.Event = field(default_factory=threading.Event)
    """Cleared, no turn is answered: a slow service."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What every stream of an answer begins with besides."""
    turn: int = 0
    """How many steps of the script were taken."""

    def __post_init__(self) -> None:
        self.hold.set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (self.handler(),), {"stub": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def handler(self) -> type[Handler]:
        """Of the routes."""
        return Handler

    @property
    def url(self) -> str:
        """For ANTHROPIC_BASE_URL; with `/v1` for Codex."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Stub:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def plays(self, *script: Step | Callable[[Request], Step]) -> None:
        """Begin a new script."""
        with self._lock:
            self.script, self.turn = script, 0

    def step(self, request: Request) -> Step:
        """What comes now."""
        if "messages" in request and not request.get("tools"):
            with self._lock:
                self.others.append(f"a message without tools to {request.get('model')}")
            return Text("ok")
        with self._lock:
            self.requests.append(request)
            step = self.script[min(self.turn, len(self.script) - 1)]
            self.turn += 1
        self.hold.wait(120)
        return step(request) if callable(step) else step


class Handler(BaseHTTPRequestHandler):
    """Of one request."""

    stub: Stub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.stub.others.append(f"GET {self.path}")
        self._json(404, _error("not_found_error"))

    def do_HEAD(self) -> None:
        self.stub.others.append(f"HEAD {self.path}")
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        if path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": len(json.dumps(body)) // 4})
        elif path not in ("/v1/messages", "/v1/responses"):
            self.stub.others.append(f"POST {self.path}")
            self._json(404, _error("not_found_error"))
        else:
            step = self.stub.step(body)
            if isinstance(step, Failure):
                # Claude Code itself would try for minutes; what we test is what becomes of its giving up.
                self._json(step.status, _error(step.kind, step.about), {"x-should-retry": "false", **step.headers})
            elif isinstance(step, Cut):
                begun = {"response": {"id": "cut"}} if path == "/v1/responses" else {"message": _message(Text(""), "")}
                name = "response.created" if path == "/v1/responses" else "message_start"
                self._stream(iter([{"type": name, **begun}]))
            elif path == "/v1/responses":
                self._stream(_response(step))
            elif body.get("stream"):
                self._stream(_events(step, str(body.get("model"))))
            else:
                self._json(200, _message(step, str(body.get("model"))))

    def _json(self, status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", "content-length": len(data), **(headers or {})}.items():
            self.send_header(name, str(text))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, events: Iterator[Mapping[str, Any]]) -> None:
        self.send_response(200)
        for name, text in {"content-type": "text/event-stream", "connection": "close", **self.stub.headers}.items():
            self.send_header(name, text)
        self.end_headers()
        for event in events:
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

    def log_message(self, *words: Any) -> None:
        """Nothing on standard error."""


def _error(kind: str, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": kind.replace("_", " "), **(about or {})}}


def claude_limit(kind: str, resets_at: int) -> Failure:
    """The refusal of an account's limit as the Messages API tells it; `kind`: `five_hour`, `seven_day`, …"""
    unified = "anthropic-ratelimit-unified-"
    headers = {"status": "rejected", "reset": resets_at, "representative-claim": kind}
    headers |= {"5h-status": "allowed", "5h-reset": resets_at, "5h-utilization": 0.4}
    return Failure(429, "rate_limit_error", {f"{unified}{name}": str(value) for name, value in headers.items()})


def codex_limit(resets_at: int, *, used: float = 100.0) -> Failure:
    """The same as the Responses API tells it, of the window of five hours."""
    headers = {"used-percent": used, "window-minutes": 300, "reset-at": resets_at}
    about = {"plan_type": "plus", "resets_at": resets_at}
    named = {f"x-codex-primary-{name}": str(value) for name, value in headers.items()}
    return Failure(429, "usage_limit_reached", named, about)


USAGE = {
    "input_tokens": 1000, "output_tokens": 50, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
}  # fmt: skip


def _block(step: Text | Tool) -> dict[str, Any]:
    if isinstance(step, Text):
        return {"type": "text", "text": step.text}
    return {"type": "tool_use", "id": f"toolu_{_unique():08d}", "name": step.name, "input": dict(step.given)}


def _message(step: Text | Tool | Tools, model: str) -> dict[str, Any]:
    stop = "end_turn" if isinstance(step, Text) else "tool_use"
    content = [_block(one) for one in (step.calls if isinstance(step, Tools) else (step,))]
    return {
        "id": f"msg_{_unique():08d}", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop, "stop_sequence": None, "usage": USAGE,
    }  # fmt: skip


def _events(step: Text | Tool | Tools, model: str) -> Iterator[dict[str, Any]]:
    message = _message(step, model)
    yield {"type": "message_start", "message": message | {"content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = block | {"text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            given = json.dumps(block["input"])
            empty, delta = block | {"input": {}}, {"type": "input_json_delta", "partial_json": given}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": USAGE["output_tokens"]}}
    yield {"type": "message_stop"}


def _response(step: Text | Tool | Tools) -> Iterator[dict[str, Any]]:
    name = f"resp_{_unique():08d}"
    yield {"type": "response.created", "response": {"id": name}}
    for one in step.calls if isinstance(step, Tools) else (step,):
        yield {"type": "response.output_item.done", "item": _item(one)}
    usage = {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050}
    yield {"type": "response.completed", "response": {"id": name, "usage": usage}}


def _item(step: Text | Tool) -> dict[str, Any]:
    if isinstance(step, Text):
        content = [{"type": "output_text", "text": step.text}]
        return {"type": "message", "role": "assistant", "id": f"msg_{_unique():08d}", "content": content}
    call = {"id": f"fc_{_unique():08d}", "call_id": f"call_{_unique():08d}", "name": step.name}
    grouped = {"namespace": step.namespace} if step.namespace else {}
    return {"type": "function_call", **call, **grouped, "arguments": json.dumps(step.given)}


_numbers = iter(range(1, 10**8))


def _unique() -> int:
    return next(_numbers)


def texts(request: Request) -> str:
    """All that the model is told and shown in a request, its own earlier turns and tool results among it."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for key in ("text", "content", "input", "command", "arguments", "output"):
                if key in value:
                    yield from walk(value[key])
        elif isinstance(value, Sequence):
            for item in value:
                yield from walk(item)

    return "\n".join(walk(request.get("messages") or request["input"]))
