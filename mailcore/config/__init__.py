"""`.praxmonitor/config.toml`: `schema` is what it can say, `reader` how it is read. Both are imported from here.

`kinds` are the kinds of values, `agents` what is said of agents, `prices` of models, `tiers` of approvals. `check` and
`inherit` judge what a file says, in `toml_text`. `reference` is the schema as text for people, `template` the file of a
new workspace, `effective` what holds, and from where.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailcore.config.agents import AgentConfig, ProgramConfig
    from mailcore.config.errors import Errors
    from mailcore.config.link import Link
    from mailcore.config.mail import Mail
    from mailcore.config.prices import Price
    from mailcore.config.reader import read_config, read_config_or_defaults, read_mail_or_defaults
    from mailcore.config.schema import (
        START_SPARE,
        Alarms,
        Config,
        Dispatch,
        Limits,
        Observe,
        Operator,
        Sound,
        UsageCaps,
    )
    from mailcore.config.tiers import Tier

_HOMES = {
    "AgentConfig": "agents", "ProgramConfig": "agents", "Errors": "errors", "Link": "link", "Mail": "mail",
    "Price": "prices", "Tier": "tiers",
    "read_config": "reader", "read_config_or_defaults": "reader", "read_mail_or_defaults": "reader",
}  # fmt: skip
"""The modules of the names below; all others are of `schema`."""

__all__ = [
    "START_SPARE",
    "AgentConfig",
    "Alarms",
    "Config",
    "Dispatch",
    "Errors",
    "Limits",
    "Link",
    "Mail",
    "Observe",
    "Operator",
    "Price",
    "ProgramConfig",
    "Sound",
    "Tier",
    "UsageCaps",
    "read_config",
    "read_config_or_defaults",
    "read_mail_or_defaults",
]


def __getattr__(name: str) -> Any:
    """A name's module is imported when the name is asked for: all sections together cost 6 ms, [mail] alone one."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'schema')}"), name)
