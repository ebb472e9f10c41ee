"""The bounds of the values in config.toml: the last value that is allowed, and the first one beyond it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import UsageCaps, read_config
from mailcore.exceptions import ConfigError

BITS_63 = 9_223_372_036_854_775_807
BOUNDS: list[tuple[str, str, Any, Any]] = [
    ("dispatch", "stop_grace", 0, -0.001),
    ("dispatch", "stop_grace", 1_000_000_000, 1_000_000_001),
    ("dispatch", "startup_timeout", 0.001, 0),
    ("dispatch", "startup_timeout", 1_000_000_000, 1_000_000_001),
    ("dispatch", "attempts", 1, 0),
    ("dispatch", "max_runs", 0, -1),
    ("dispatch", "output_limit", 1, 0),
    ("dispatch", "nice", 0, -1),
    ("dispatch", "nice", 19, 20),
    ("alarms", "look", 0.1, 0.099),
    ("alarms", "look", 1_000_000_000, 1_000_000_001),
    ("alarms", "heartbeat_every", 1, 0.999),
    ("alarms", "heartbeat_every", 1_000_000_000, 1_000_000_001),
    ("alarms", "disk_free", 0, -1),
    ("observe", "sample", 0.5, 0.499),
    ("observe", "sample", 1_000_000_000, 1_000_000_001),
    ("sound", "volume", 0, -0.001),
    ("sound", "volume", 1, 1.001),
    ("usage", "warn", 0, -0.001),
    ("usage", "warn", 1, 1.001),
    ("usage", "daily_cost", 0, -0.01),
    ("usage", "daily_tokens", BITS_63, BITS_63 + 1),
    ("mail", "max_body", BITS_63, BITS_63 + 1),
    ("mail", "max_subject", BITS_63, BITS_63 + 1),
    ("alarms", "disk_free", BITS_63, BITS_63 + 1),
]


@pytest.mark.parametrize(("section", "key", "allowed", "refused"), BOUNDS)
def test_a_bound_is_allowed_and_what_lies_beyond_it_is_not(
    tmp_path: Path, section: str, key: str, allowed: Any, refused: Any
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[{section}]\n{key} = {allowed}\n")
    assert getattr(getattr(read_config(path), section), key) == allowed
    path.write_text(f"[{section}]\n{key} = {refused}\n")
    with pytest.raises(ConfigError, match=rf"\[{section}\] {key} = "):
        read_config(path)


def test_each_daily_cap_is_a_cap() -> None:
    caps = [each.name for each in fields(UsageCaps) if each.name.endswith(("daily_cost", "daily_tokens"))]
    assert len(caps) == 4 and not UsageCaps().capped and not UsageCaps().of_fleet
    for cap in caps:
        amount: dict[str, Any] = {cap: 1}
        usage = replace(UsageCaps(), **amount)
        assert usage.capped and usage.of_fleet == cap.startswith("fleet_"), cap
