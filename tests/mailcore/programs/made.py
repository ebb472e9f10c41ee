"""What the tests of every program need: a launch of one agent, and the output of an attempt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.model.limit import SERVICE, Certainty, Limit
from mailcore.programs.base import Launch, Output

FIXTURES = Path(__file__).parents[2] / "fixtures"
NOWHERE = Path("/nonexistent")
"""A home in which there is nothing."""
AGENT = Agent("@writer", "WRITER", Path("/p/agents/my_writer.v1"), root=Path("/p"))


def launch(**changes: Any) -> Launch:
    config = AgentConfig(**changes.pop("config", {}))
    mode, session_id = changes.pop("mode", "start"), changes.pop("session_id", "5e55")
    return Launch(AGENT, config, "do it", mode, session_id, changes.pop("home", NOWHERE))


def output(tmp_path: Path, stdout: str | bytes = b"", stderr: bytes = b"") -> Output:
    found = Output(tmp_path / "out", tmp_path / "err")
    found.stdout.write_bytes(stdout if isinstance(stdout, bytes) else stdout.encode())
    found.stderr.write_bytes(stderr)
    return found


def is_sound(limit: Limit, program: str) -> bool:
    """Whatever it was read from: its reset lies ahead and not too far, or is unknown; its numbers are numbers."""
    known = limit.seen_at < limit.resets_at <= limit.seen_at + 40 * 86400
    return (
        limit.program == program
        and (known if limit.certainty is not Certainty.UNKNOWN else limit.resets_at == 0.0)
        and (limit.scope != SERVICE or limit.resets_at == 0.0)
        and (limit.used is None or (limit.used >= 0.0 and math.isfinite(limit.used)))
        and all(isinstance(text, str) for text in (limit.scope, limit.words, limit.model))
        and (len(limit.scope) <= 80 and len(limit.words) <= 400)
        and 0.0 <= limit.window < math.inf
    )
