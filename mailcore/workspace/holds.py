"""Who holds an agent: `.ai_mail.local/.hold`, or `.praxmonitor/.hold` for every agent. Reads only."""

from __future__ import annotations

import json
from pathlib import Path

from mailcore.system import safe_open

HOLD = ".hold"


def hold_text(directory: Path, whom: str) -> str:
    """`@writer is held by @operator: lunch` if `directory` holds a hold; empty if not. Never raises."""
    try:
        record = json.loads(safe_open.read_bytes(directory / HOLD))
        why = f": {record['why']}" if record.get("why") else ""
        return f"{whom} is held by {record['by']}{why}"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{whom} is held ({directory / HOLD})"
