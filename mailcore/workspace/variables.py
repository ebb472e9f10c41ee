"""Names of the environment variables that say who calls. Whoever reads them weighs them: anybody can set one."""

from __future__ import annotations

RUN_ID, NONCE, AGENT = "MAILCORE_RUN_ID", "MAILCORE_NONCE", "MAILCORE_AGENT"
"""Set by our supervisor for the agent's program and whatever it starts. Lock and journal hold the nonce's digest."""

SUPERVISES = "MAILCORE_SUPERVISES"
"""In the environment of a supervisor and of its sentinel: the run that they own."""

CALLER, CALLER_CWD, SOURCE = "AIPASS_CALLER_BRANCH", "AIPASS_CALLER_CWD", "AIPASS_CALLER_IDENTITY_SOURCE"
"""Whom AIPass's router takes for the caller, from where, and what says so (contract section 3)."""
ASSIGNED = "AIPASS_BRANCH_NAME"
"""Whom AIPass started this process as; behind its router, who is called."""
ROUTER_NAMES = (CALLER, ASSIGNED)
