"""What a token costs: worked examples, each reckoned by hand from its service's price page, and where prices come from.

Dollars are a million tokens' on those pages.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import Price
from mailcore.model.usage import Spent, Usage
from mailcore.observe.estimates import Estimates
from mailcore.programs import price_list, prices
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.gemini.transcript import GeminiTranscript
from mailcore.programs.price_list import LibraryFailed, PriceList
from mailcore.programs.prices import Prices
from mailcore.programs.transcript_reader import Transcript
from tests.conftest import FIXTURES
from tests.mailcore.conftest import wait_until
from tests.mailcore.session_lines import codex, iso, line, record

NOW = 1_795_000_000.0
"""In November 2026."""


def spent(reader: Transcript, *lines: bytes, own: Prices | None = None) -> Usage:
    """What those lines of a session file used, with its money."""
    estimates = Estimates("@a", own or Prices())
    return sum((one.usage for raw in lines for one in estimates.priced(reader.spent(raw, NOW))), Usage())


def claude(model: str, n: int = 0, **usage: Any) -> bytes:
    return line(NOW, "assistant", message={"id": f"m{n}", "model": model, "content": [], "usage": usage})


def claude_dollars(*lines: bytes) -> float | None:
    return spent(ClaudeTranscript("@a", Path("s.jsonl")), *lines).estimated


def codex_usage(model: str, used: dict[str, int], provider: str = "openai") -> Usage:
    reader = CodexRollout("@a", Path("rollout-2026-11-22T02-01-23-t1.jsonl"))
    head = codex(NOW, "session_meta", id="t1", cwd="/a", model_provider=provider)
    return spent(reader, head, codex(NOW, "turn_context", model=model), record(NOW, used, used))


def gemini_dollars(model: str, **tokens: int) -> float | None:
    message = {"id": "g", "timestamp": iso(NOW), "type": "gemini", "model": model, "content": "", "tokens": tokens}
    return spent(GeminiTranscript("@a", Path("session.jsonl")), json.dumps(message).encode()).estimated


def test_claude_code_reckons_the_same_of_its_own_session() -> None:
    """Its captured session: 450 x $4 + 90 x $20 + 60 x $0.20 + 30 x $5, and the total that it wrote beside it."""
    lines = (FIXTURES / "claude-code" / "transcript.jsonl").read_bytes().splitlines()
    (total,) = [json.loads(raw)["totalCostUSD"] for raw in lines if b'"cost-state"' in raw]
    used = spent(ClaudeTranscript("@a", Path("s.jsonl")), *(raw for raw in lines if b'"cost-state"' not in raw))
    assert used.estimated == pytest.approx(total) == pytest.approx((1800 + 1800 + 12 + 150) / 1e6)


def test_claude_keeps_what_it_caches_for_five_minutes_or_an_hour() -> None:
    # Claude Haiku 4.5: input 1, output 5, read from the cache 0.10, written for five minutes 1.25, for an hour 2.
    used = {
        "input_tokens": 1000, "output_tokens": 200, "cache_read_input_tokens": 50_000,
        "cache_creation_input_tokens": 10_000,
    }  # fmt: skip
    five = 1000 * 1 + 200 * 5 + 50_000 * 0.10 + 10_000 * 1.25
    assert claude_dollars(claude("claude-haiku-4-5-20251001", **used)) == pytest.approx(five / 1e6)
    split = {"ephemeral_5m_input_tokens": 4000, "ephemeral_1h_input_tokens": 6000}
    hour = 1000 * 1 + 200 * 5 + 50_000 * 0.10 + 4000 * 1.25 + 6000 * 2
    mixed = claude("claude-haiku-4-5-20251001", **used, cache_creation=split)
    assert claude_dollars(mixed) == pytest.approx(hour / 1e6)


def test_claude_takes_more_of_all_tokens_of_a_long_request() -> None:
    # Claude Sonnet 4.5: to 200,000 tokens of input 3, 15, 0.30; beyond 6, 22.50, 0.60, and 12 written for an hour.
    short = claude("claude-sonnet-4-5-20250929", input_tokens=199_000, output_tokens=100, cache_read_input_tokens=1000)
    assert claude_dollars(short) == pytest.approx((199_000 * 3 + 100 * 15 + 1000 * 0.30) / 1e6)
    long = {"input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 150_000}
    written: dict[str, Any] = {
        "cache_creation_input_tokens": 50_000,
        "cache_creation": {"ephemeral_1h_input_tokens": 50_000},
    }
    price = (1000 * 6 + 100 * 22.5 + 150_000 * 0.60 + 50_000 * 12) / 1e6
    assert claude_dollars(claude("claude-sonnet-4-5-20250929", **long, **written)) == pytest.approx(price)
    # A later line of the same message brings only more output: it is still that of a long request.
    grown: dict[str, Any] = {**long, **written, "output_tokens": 300}
    both = claude("claude-sonnet-4-5-20250929", **long, **written), claude("claude-sonnet-4-5-20250929", **grown)
    assert claude_dollars(*both) == pytest.approx(price + 200 * 22.5 / 1e6)


def test_a_codex_run_costs_what_the_page_says() -> None:
    # GPT-5: input 1.25, from the cache 0.125, output 10. Codex counts what is cached among the input.
    used = {"input_tokens": 100_000, "cached_input_tokens": 60_000, "output_tokens": 5000}
    price = (40_000 * 1.25 + 60_000 * 0.125 + 5000 * 10) / 1e6
    assert price == 0.1075
    assert codex_usage("gpt-5-codex", used).estimated == pytest.approx(price)
    # GPT-5.5: 5, 0.50, 30; beyond 272,000 tokens of input 10, 1, 45.
    used = {"input_tokens": 300_000, "cached_input_tokens": 280_000, "output_tokens": 1000}
    assert codex_usage("gpt-5.5", used).estimated == pytest.approx((20_000 * 10 + 280_000 * 1 + 1000 * 45) / 1e6)


def test_a_gemini_run_costs_what_the_page_says() -> None:
    # Gemini 2.5 Pro: input 1.25, cached 0.125, output 10, thoughts too; beyond 200,000 tokens 2.50, 0.25, 15.
    price = (30_000 * 1.25 + 20_000 * 0.125 + (700 + 300) * 10) / 1e6
    assert price == 0.05
    found = gemini_dollars("gemini-2.5-pro", input=50_000, output=700, cached=20_000, thoughts=300, tool=0)
    assert found == pytest.approx(price)
    price = (50_000 * 2.5 + 200_000 * 0.25 + 1000 * 15) / 1e6
    assert gemini_dollars("gemini-2.5-pro", input=250_000, output=1000, cached=200_000) == pytest.approx(price)


def test_a_price_that_changed_is_that_of_the_day() -> None:
    # OpenAI o3: input 10 until 10 June 2025, 2 since.
    def dollars(at: float) -> float | None:
        return Prices().dollars(Spent(at, "@a", Usage(1_000_000), "s", "o3"))

    assert (dollars(1_749_513_599.0), dollars(1_749_513_600.0)) == (10.0, 2.0)


@pytest.mark.parametrize("model", ["gpt-99-of-tomorrow", "", "x" * 1000, "\0\ud83d"])
def test_a_model_without_a_price_is_unknown_and_named(model: str) -> None:
    used = codex_usage(model, {"input_tokens": 70, "cached_input_tokens": 0, "output_tokens": 7})
    assert (used.dollars, used.estimated, used.unpriced_tokens) == (None, None, 77)
    assert used.as_json()["cost"] is None


def test_another_service_is_not_asked_for_the_price_of_its_namesake() -> None:
    used = {"input_tokens": 70, "cached_input_tokens": 0, "output_tokens": 7}
    assert codex_usage("gpt-5", used, provider="ollama").unpriced == (("gpt-5", 77),)
    bedrock = claude("us.anthropic.claude-sonnet-4-5-20250929-v1:0", input_tokens=1_000_000)
    assert (claude_dollars(bedrock) or 0.0) > 3, "where Claude Code's models have names of their own"


def test_a_price_of_ones_own_counts_more() -> None:
    own = Prices({"claude-opus-5-5": Price(input=1, output=2), "llama": Price(input=0, output=0)})
    used = Usage(1000, 100, 10, 5, cache_write_1h=5)
    assert own.dollars(Spent(NOW, "@a", used, "s", "Claude-Opus-5-5")) == pytest.approx((1015 + 200) / 1e6)
    assert own.dollars(Spent(NOW, "@a", used, "s", "llama", provider="ollama")) == 0.0
    own.own({"claude-opus-5-5": Price(input=1, output=2, cache_read=3, cache_write=4, cache_write_1h=5)})
    assert own.dollars(Spent(NOW, "@a", used, "s", "claude-opus-5-5")) == pytest.approx((1000 + 200 + 30 + 25) / 1e6)


OFFLINE = """
import sys
def refuse(event, given):
    if event.startswith("socket."):
        raise AssertionError(f"{event} {given}")
sys.addaudithook(refuse)
from mailcore.programs.price_library import listed_rates
print([[rate.input for rate in listed_rates(name, "")] for name in sys.argv[1:]], "genai_prices" in sys.modules)
"""

SCRIPT = """
import sys
from mailcore.model.usage import Spent, Usage
from mailcore.programs import prices
from mailcore.programs.prices import Prices
names = sys.argv[1:]
found = [Prices().dollars(Spent(1.79e9, "@a", Usage(1_000_000), "s", name)) for name in names]
assert "genai_prices" not in sys.modules
print(found, prices._LIST._process is not None)
"""


def asked(*names: str, script: str = SCRIPT) -> str:
    done = subprocess.run([sys.executable, "-c", script, *names], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_is_fetched() -> None:
    assert asked("claude-opus-5-5", "gpt-5", "nobody's", script=OFFLINE) == "[[4.0], [1.25], []] True"


def test_the_process_that_was_asked_ends_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_list, "IDLE", 0.05)
    asked_of = PriceList()
    assert [rate.input for rate in asked_of.rates("gpt-5", "")] == [1.25]
    wait_until(lambda: asked_of._process is None, what="it ended")
    assert asked_of.rates("nobody's", "") == ()


def test_a_library_that_does_not_answer_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_list, "child", lambda *_: [sys.executable, "-c", "input()"])
    asked_of = PriceList()
    with pytest.raises(LibraryFailed):
        asked_of.rates("gpt-5", "")
    monkeypatch.undo()
    assert [rate.input for rate in asked_of.rates("gpt-5", "")] == [1.25]
    asked_of.close()


def test_a_library_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = "input(); print('[]', flush=True); import signal; signal.pause()"
    monkeypatch.setattr(price_list, "child", lambda *_: [sys.executable, "-c", answers])
    monkeypatch.setattr(price_list, "END_TIMEOUT", 0.05)
    asked_of = PriceList()
    assert asked_of.rates("gpt-5", "") == ()
    process = asked_of._process
    assert process is not None
    asked_of.close()
    assert process.returncode == -signal.SIGKILL


def test_the_library_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert asked("claude-opus-5-5", "nobody's") == "[4.0, None] True"
    assert asked("claude-opus-5-5", "nobody's") == "[4.0, None] False", "what has no price is known too"
    assert asked("gpt-5") == "[1.25] True"
    assert asked("gpt-5", "claude-opus-5-5") == "[1.25, 4.0] False"


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"edition": 3}', b'{"edition": "another", "rates": {}}'])
def test_what_is_kept_may_be_broken_or_of_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bytes
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "praxmonitor" / "prices.json"
    path.parent.mkdir()
    path.write_bytes(kept)
    assert Prices().dollars(Spent(NOW, "@a", Usage(1_000_000), "s", "gpt-5")) == 1.25
    assert b'"gpt-5 "' in path.read_bytes()


def test_without_a_cache_or_the_library_all_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert Prices().dollars(Spent(NOW, "@a", Usage(1_000_000), "s", "gpt-5")) == 1.25
    monkeypatch.setattr(prices, "LIBRARY", "no_such_library")
    assert Prices().dollars(Spent(NOW, "@a", Usage(1_000_000), "s", "gpt-5")) is None


def test_names_from_session_files_fill_no_memory_and_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(prices, "MAX_MODELS", 5)
    table = Prices()
    for n in range(20):
        table.dollars(Spent(NOW, "@a", Usage(1), "s", f"model-{n}"))
    kept = json.loads((tmp_path / "praxmonitor" / "prices.json").read_bytes())["rates"]
    assert list(kept) == [f"model-{n} " for n in range(15, 20)]
    assert table.dollars(Spent(NOW, "@a", Usage(1), "s", "x" * 1_000_000)) is None
    assert len((tmp_path / "praxmonitor" / "prices.json").read_bytes()) < 1000
    estimates = Estimates("@a", table)
    one = [Spent(NOW, "@a", Usage(1), "s", f"model-{n}") for n in range(200)]
    total = sum((priced.usage for priced in estimates.priced(one)), Usage())
    assert total.unpriced_tokens == 200 and len(total.unpriced_models) == 21
