"""The config.toml that `mailcore init` writes."""

from __future__ import annotations

SETTINGS = """\
# The settings of this workspace, most of them with what holds anyway. Take the # off a line, and off its [section].
# An agent is the first program on PATH of those that `mailcore doctor` lists. What every agent is instead, unless its
# own section says otherwise:
#[agents]
#program = "NAME"            # one of those; model, permission_mode and max_turns likewise
# One agent, and any other program:
#[agents.NAME]
#command = ["python3", "agent.py", "{prompt}"]   # run in the branch; the prompt is in MAILCORE_PROMPT too

#[dispatch]
#startup_timeout = 90        # seconds to the first sign of life
#attempts = 3                # start, resume, fresh; then the sender gets a bounce

#[alarms]
#silence = 300               # seconds without a sign of life, while work is expected; 0: never
#silence_tool = 900          # the same within a tool
#repeat = [180, 120, 60]     # seconds until it is heard again; [] for never

#[usage]
#daily_cost = 20             # US dollars of one agent in a day, then an alarm; daily_tokens likewise
#hold = true                 # and nothing starts it until you release it

#[sound]
#quiet = "22:00-07:00"       # and quiet_breaks = true, if urgent alarms may break it
#heartbeat = 30              # a soft sign that work goes on
"""
"""The config.toml of a new workspace: all of it comments."""
