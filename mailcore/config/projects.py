"""What config.toml says of other projects on this machine: `[projects.NAME]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import Directory, describe

PROJECT_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
"""What another project may be called here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """Another project on this machine, to whose agents one writes as `@lead@NAME`.

    Something crosses only where the config of each of the two names the other, and both let it. Nobody is started by
    what crosses: no task does, and mail of high priority wakes nobody.
    """

    root: Annotated[Directory, describe("Where it lies: the directory of its registry.", "/srv/docs")] = ""
    mail: Annotated[bool, describe("Whether mail crosses, in both directions.")] = True
    topics: Annotated[bool, describe("Whether agents of the one may subscribe to topics of the other.")] = True
    feedback: Annotated[
        bool, describe("Whether mailcore feedback crosses. It does where neither names the other, too.")
    ] = True
