"""`.praxmonitor/config.toml`: `schema` is what it can say, `read` how it is read. Both are imported from here.

`types` are the kinds of values, `agents` what is said of agents, `tiers` of approvals. `check` and `resolve` judge what
a file says, in `words`. `reference` is the schema as text for people, `template` the file of a new workspace,
`effective` what holds, and from where.
"""

from mailcore.config.agents import AgentConfig, ProgramConfig
from mailcore.config.read import read_config, read_config_or_defaults, read_mail_or_defaults
from mailcore.config.schema import START_SPARE, Alarms, Config, Dispatch, Mail, Observe, Operator, Sound, Usage
from mailcore.config.tiers import Tier

__all__ = [
    "START_SPARE",
    "AgentConfig",
    "Alarms",
    "Config",
    "Dispatch",
    "Mail",
    "Observe",
    "Operator",
    "ProgramConfig",
    "Sound",
    "Tier",
    "Usage",
    "read_config",
    "read_config_or_defaults",
    "read_mail_or_defaults",
]
