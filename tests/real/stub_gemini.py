"""A stub of the Gemini API on loopback: the same steps as of the others, and quotas as Google tells them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.real.stub import Cut, Failure, Handler, Request, Step, Stub, Text, Tool, Tools

ROUTER = {"complexity_reasoning": "It is a small task.", "complexity_score": 10}
"""What the small model is asked first, where no model is configured: which model is to do the work."""
USAGE = {
    "promptTokenCount": 1000, "cachedContentTokenCount": 200, "candidatesTokenCount": 50, "thoughtsTokenCount": 20,
    "totalTokenCount": 1070,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quota(Failure):
    """A quota that is used up, and when to come again."""

    delay: str = "3600s"
    per: str = "Minute"


class GeminiStub(Stub):
    """The service; `url` is for GOOGLE_GEMINI_BASE_URL."""

    def handler(self) -> type[Handler]:
        """Of Google's routes."""
        return GeminiHandler

    def step(self, request: Request) -> Step:
        """What comes now; the router's question is none of the main loop."""
        if request.get("tools"):
            return super().step(request)
        self.others.append("a message without tools")
        return Text(json.dumps(ROUTER))


class GeminiHandler(Handler):
    """`:generateContent`, `:streamGenerateContent` and `:countTokens` of any model."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        route = re.fullmatch(r"/v1beta/models/([\w.-]+):(\w+)", self.path.partition("?")[0])
        if route is None:
            self.stub.others.append(f"POST {self.path}")
            self._json(404, _refusal(Failure(404, "not found")))
        elif route[2] == "countTokens":
            self._json(200, {"totalTokens": len(json.dumps(body)) // 4})
        else:
            step = self.stub.step(body)
            if isinstance(step, Failure):
                self._json(step.status, _refusal(step))
            elif isinstance(step, Cut | Tools):
                self.close_connection = True
            elif route[2] == "streamGenerateContent":
                self._events(_answer(step, route[1]))
            else:
                self._json(200, _answer(step, route[1]))

    def _events(self, answer: Mapping[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(f"data: {json.dumps(answer)}\n\n".encode())


def _answer(step: Text | Tool, model: str) -> dict[str, Any]:
    if isinstance(step, Text):
        parts: list[dict[str, Any]] = [{"text": step.text}]
    else:
        thought = {"text": "**Deciding** It takes a tool.", "thought": True}
        parts = [thought, {"functionCall": {"name": step.name, "args": dict(step.given)}}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": model}


def _refusal(failure: Failure) -> dict[str, Any]:
    details: list[dict[str, Any]] = []
    if isinstance(failure, Quota):
        about = {"quotaId": f"GenerateRequestsPer{failure.per}PerProjectPerModel-FreeTier"}
        details = [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [about]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": failure.delay},
        ]
    return {"error": {"code": failure.status, "message": failure.kind, "status": "REFUSED", "details": details}}


def shell(command: str) -> Callable[[Request], Tool]:
    """The model wants a shell command to be run; `{id}` is the message that its prompt names."""

    def step(request: Request) -> Tool:
        named = re.search(r"task, message (\w+)", said(request))
        return Tool("run_shell_command", {"command": command.replace("{id}", named[1] if named else "unknown")})

    return step


def said(request: Request) -> str:
    """All that the model is told and shown in a request, its own earlier turns and tool results among it."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for key in ("parts", "text", "functionCall", "args", "command", "functionResponse", "response", "output",
                        "error"):  # fmt: skip
                if key in value:
                    yield from walk(value[key])
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)

    return "\n".join(walk(request["contents"]))
