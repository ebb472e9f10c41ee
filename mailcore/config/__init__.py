"""`.praxmonitor/config.toml`: `values` are what it can say, `read` is how it is read. Both are imported from here.

`template` is the one of a new workspace.
"""

from mailcore.config.read import read_config, read_config_or_defaults
from mailcore.config.values import (
    START_SPARE,
    AgentConfig,
    Alarms,
    Config,
    Dispatch,
    Mail,
    Observe,
    ProgramConfig,
    Sound,
    Usage,
)

__all__ = [
    "START_SPARE",
    "AgentConfig",
    "Alarms",
    "Config",
    "Dispatch",
    "Mail",
    "Observe",
    "ProgramConfig",
    "Sound",
    "Usage",
    "read_config",
    "read_config_or_defaults",
]
