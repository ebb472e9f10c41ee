"""Money beside npm's ccusage 17.2.0, on the same transcripts; with `--ccusage PATH/TO/ccusage/dist/index.js`.

It has the price lists of its day in itself (`--offline`). Of each of two kinds of tokens it asks less than the service
does, so its figure and what it leaves out are compared with ours:

- what is kept in the cache for an hour it takes for five minutes: 1.25 of the price of input, not 2;
- of a request beyond 200,000 tokens it takes the higher price for what of one kind of tokens is beyond, and the service
  for all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.usage import Usage
from mailcore.observe.usage_ledger import ledger
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.workspace import create
from tests.mailcore.session_lines import line

BEGAN = 1_790_000_000.0
PLAIN, HOUR, LONG = "claude-opus-4-1-20250805", "claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929"
REQUESTS = 60


def usage(model: str, n: int) -> dict[str, Any]:
    """What a request of that model used; no two use the same."""
    used: dict[str, Any] = {
        "input_tokens": 300 + n, "output_tokens": 900 + 7 * n, "cache_read_input_tokens": 40_000 + 100 * n,
        "cache_creation_input_tokens": 2000 + n,
    }  # fmt: skip
    if model == HOUR:
        used["cache_creation"] = {"ephemeral_5m_input_tokens": 1000 + n, "ephemeral_1h_input_tokens": 1000}
    if model == LONG and n % 2:
        used |= {"input_tokens": 250_000, "cache_read_input_tokens": 150_000}
    return used


def write_sessions(agents: dict[str, Path]) -> dict[str, Usage]:
    """An agent of each model works: messages in two lines, sidechains, subagents, sessions that go on in a new file."""
    used: dict[str, Usage] = {}
    for model, branch in agents.items():
        place, sums = directory(branch, ACCOUNT_HOME.usual()), Usage()
        copied: list[bytes] = []
        for n in range(REQUESTS):
            name = f"00000000-0000-4000-8000-{list(agents).index(model):04}{n // 20:08}"
            message = {"id": f"msg_{model}_{n}", "model": model, "content": [], "usage": usage(model, n)}
            child = {"isSidechain": True, "agentId": "a"} if n % 5 == 4 else {}
            more = {"cwd": str(branch), "sessionId": name, "requestId": f"req_{model}_{n}", **child}
            path = place / name / "subagents" / "agent-a.jsonl" if n % 10 == 9 else place / f"{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [line(BEGAN + 60 * n, "assistant", message=message, **more)] * 2
            if not path.exists() and path.parent == place:
                lines = [*copied, *lines]  # resumed: the history stands once more in the new file
            with path.open("ab") as file:
                file.write(b"".join(raw + b"\n" for raw in lines))
            copied = [*copied, *lines[-2:]] if path.parent == place else copied
            one = usage(model, n)
            sums += Usage(
                one["input_tokens"],
                one["output_tokens"],
                one["cache_read_input_tokens"],
                one["cache_creation_input_tokens"],
            )
        used[model] = sums
    return used


def left_out() -> dict[str, float]:
    """US dollars that ccusage leaves out. Claude Haiku 4.5: input 1; Claude Sonnet 4.5, of a long request twice 3, 0.30
    and 3.75, and 22.50 for output instead of 15.
    """
    hour = REQUESTS * 1000 * (2 - 1.25)
    long = 0.0
    for one in (usage(LONG, n) for n in range(REQUESTS) if n % 2):
        long += 200_000 * 3 + one["cache_read_input_tokens"] * 0.30 + one["cache_creation_input_tokens"] * 3.75
        long += one["output_tokens"] * 7.50
    return {PLAIN: 0.0, HOUR: hour / 1e6, LONG: long / 1e6}


def test_tokens_are_equal_and_money_within_a_hundredth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    script = pytestconfig.getoption("--ccusage")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    workspace = create.create_workspace(tmp_path / "project", [(n, f"agents/{n}") for n in ("opus", "haiku", "sonnet")])
    agents = {model: agent.branch for model, agent in zip((PLAIN, HOUR, LONG), workspace.agents, strict=False)}
    written = write_sessions(agents)
    ours: dict[str, Usage] = {}
    for entry in ledger(workspace.agents, BEGAN - 1).entries:
        ours[entry.agent] = ours.get(entry.agent, Usage()) + entry.usage
    for agent, model in zip(workspace.agents, agents, strict=False):
        mine = ours[agent.address]
        assert (mine.input, mine.output, mine.cache_read, mine.cache_write) == (
            written[model].input, written[model].output, written[model].cache_read, written[model].cache_write,
        )  # fmt: skip
        assert not mine.unpriced and mine.dollars
    if not script:
        pytest.skip("money is compared with --ccusage PATH/TO/ccusage/dist/index.js; the tokens are what was written")
    words = [shutil.which("node") or "node", script, "daily", "--json", "--offline", "--breakdown"]
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(tmp_path / "claude")}
    done = subprocess.run(words, env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    theirs = [one for day in json.loads(done.stdout)["daily"] for one in day["modelBreakdowns"]]
    assert {one["modelName"] for one in theirs} == set(agents)
    print()
    for agent, model in zip(workspace.agents, agents, strict=False):
        mine, rows = ours[agent.address], [one for one in theirs if one["modelName"] == model]
        names = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens")
        tokens = tuple(sum(one[name] for one in rows) for name in names)
        assert tokens == (mine.input, mine.output, mine.cache_read, mine.cache_write), model
        said, more = sum(one["cost"] for one in rows), left_out()[model]
        print(f"{model}: ours {mine.dollars:.4f}, ccusage {said:.4f}, of which it leaves out {more:.4f}")
        assert mine.dollars == pytest.approx(said + more, rel=0.01), model
