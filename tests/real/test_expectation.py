"""The real Claude Code, left alone in a tool of a person's session and of a run: what is recorded of it."""

from __future__ import annotations

import signal

import pytest

from mailcore.model.activity import Kind
from mailcore.programs.registry import built_in
from mailcore.programs.session_processes import session_processes
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, DONE, READ, Lab
from tests.real.recorder import end, nap, recording, running, script, spin
from tests.real.stub import Text, Tool, Tools
from tests.real.test_prompts import terminal

DISPATCH = 'dispatch @writer "Release notes" "Write them from the changes."'


def naps(lab: Lab, seconds: float = 600.0, **given: object) -> Tool:
    return Tool("Bash", {"command": nap(lab, seconds), **given})


def spins(lab: Lab, seconds: float = 600.0, **given: object) -> Tool:
    return Tool("Bash", {"command": spin(lab, seconds), **given})


# A person's own session.
def test_a_tool_that_never_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab))
    with recording(lab, "claude-hangs") as seen:
        with terminal(lab):
            wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
            seen.goes_on(25)
        seen.goes_on(8)
        end(running(lab, "nap.py"))
    facts = seen.facts()
    assert facts.tool is not None and facts.turn_open and facts.lock is None
    assert [runs for _, runs, _ in seen.machine][-1] is False


def test_a_tool_that_its_own_timeout_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab, timeout=6000), Text("It takes too long."))
    with recording(lab, "claude-timeout") as seen, terminal(lab) as shown:
        wait_until(lambda: "It takes too long." in shown.text, 60, "the turn is over")
        seen.goes_on(20)
        end(running(lab, "nap.py"))
    facts = seen.facts()
    calls = [one for one in facts.activities if one.kind is Kind.TOOL]
    assert [one.timeout for one in calls] == [6.0] and not facts.turn_open


def test_a_program_that_stands_still_past_the_timeout_of_its_tool(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab, timeout=6000), Text("It takes too long."))
    with recording(lab, "claude-stopped") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        (claude,) = [process.pid for process, where in session_processes(built_in()) if where == lab.branch]
        end([claude], signal.SIGSTOP)
        seen.goes_on(50)
        end([claude], signal.SIGCONT)
        wait_until(lambda: "It takes too long." in shown.text, 60, "the turn is over")
        seen.goes_on(3)
        end(running(lab, "nap.py"))
    assert not seen.facts().turn_open


def test_a_tool_that_was_killed(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab), Text("It was killed."))
    with recording(lab, "claude-killed-tool") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        seen.goes_on(15)
        end(running(lab, "nap.py"))
        wait_until(lambda: "It was killed." in shown.text, 60, "the turn is over")
        seen.goes_on(15)
    assert not seen.facts().open


def test_a_tool_that_its_person_interrupts(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab), Text("never"))
    with recording(lab, "claude-interrupted") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        seen.goes_on(5)
        shown.send("\x1b")
        wait_until(lambda: not running(lab, "nap.py"), 60, "it is interrupted")
        seen.goes_on(20)
    assert not seen.facts().turn_open


def test_a_tool_in_the_background(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab, timeout=5000, run_in_background=True), Text("It runs beside."))
    with recording(lab, "claude-background") as seen, terminal(lab) as shown:
        wait_until(lambda: "It runs beside." in shown.text, 60, "the turn is over")
        seen.goes_on(40)
        end(running(lab, "nap.py"))
    assert not seen.facts().open


def test_a_tool_that_spins(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(spins(lab, timeout=600_000), Text("It was killed."))
    with recording(lab, "claude-spins") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "spin.py"), 60, "the tool is at work")
        seen.goes_on(40)
        end(running(lab, "spin.py"))
        wait_until(lambda: "It was killed." in shown.text, 60, "the turn is over")
        seen.goes_on(5)
    assert any(works for _, _, works in seen.machine)


def test_a_call_that_is_granted_late(lab: Lab) -> None:
    """It asks, is granted after a while, and then has the time that it gives itself."""
    lab.init()
    asks = Tool("Bash", {"command": "touch one && sleep 4", "description": "one", "timeout": 6000})
    lab.stub.plays(asks, Text("all done"))
    with recording(lab, "claude-granted") as seen, terminal(lab) as shown:
        wait_until(lambda: shown.asks, 60, "it asks")
        seen.goes_on(45)
        shown.send("\r")
        wait_until(lambda: "all done" in shown.text, 60, "the turn is over")
        seen.goes_on(5)
    assert (lab.branch / "one").exists() and not seen.facts().open


def test_two_calls_at_once(lab: Lab) -> None:
    """The one that takes long keeps the other's silence from being one."""
    lab.init()
    slow = Tool("Bash", {"command": script(lab, "slow.py", "import time\ntime.sleep(14)\n"), "timeout": 20_000})
    lab.stub.plays(Tools((naps(lab, 2.0, timeout=6000), slow)), Text("both done"))
    with recording(lab, "claude-two-calls") as seen, terminal(lab) as shown:
        wait_until(lambda: "both done" in shown.text, 90, "the turn is over")
        seen.goes_on(5)
    assert not seen.facts().open


# A run.
def test_a_run_whose_tool_never_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, naps(lab), DONE, BYE)
    with recording(lab, "run-hangs") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        seen.goes_on(25)
        lab.mailcore("kill @writer")
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.phase.ended


def test_a_run_whose_tool_its_own_timeout_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, naps(lab, timeout=6000), DONE, BYE)
    with recording(lab, "run-timeout") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: lab.run().replied, 60, "it goes on")
        end(running(lab, "nap.py"))  # Claude Code let it run on, and waits for it at its end
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied


def test_a_run_whose_tool_spins(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, spins(lab, 40.0), DONE, BYE)
    with recording(lab, "run-spins") as seen:
        lab.mailcore(DISPATCH)
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied and any(works for *_, works in seen.machine)


def test_hooks_that_are_removed_in_the_midst(lab: Lab) -> None:
    lab.init()
    lab.mailcore("hooks install @writer")
    (lab.branch / "step.py").write_text("import time\ntime.sleep(13)\n")
    step = Tool("Bash", {"command": "python3 step.py"})
    lab.stub.plays(READ, step, step, step, step, step, step, step, DONE, BYE)
    with recording(lab, "run-hooks-removed") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: len(lab.stub.requests) == 3, 60, "two calls were told")
        lab.mailcore("hooks remove @writer")
        (lab.branch / "logs" / "hooks.jsonl").write_bytes((lab.branch / "logs" / "hooks.jsonl").read_bytes())
        wait_until(lambda: len(lab.stub.requests) == 10, 150, "it worked on")
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied
    print([(one.kind, one.source) for one in facts.activities])


def test_hooks_that_go_on(lab: Lab) -> None:
    lab.init()
    lab.mailcore("hooks install @writer")
    (lab.branch / "step.py").write_text("import time\ntime.sleep(13)\n")
    step = Tool("Bash", {"command": "python3 step.py"})
    lab.stub.plays(READ, step, step, step, step, step, step, DONE, BYE)
    with recording(lab, "run-hooks") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: lab.run().phase.ended, 150, "it is over")
        lab.over()
        seen.goes_on(3)
    assert seen.facts().hooks_stopped is None


@pytest.mark.parametrize("served", [False, True])
def test_a_service_that_does_not_answer(lab: Lab, served: bool) -> None:
    """The run is silent between two tools, and goes on if the service does."""
    lab.init()
    lab.stub.plays(READ, DONE, BYE)
    with recording(lab, f"run-no-answer{'-then-one' if served else ''}") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: lab.stub.requests, 60, "it works")
        lab.stub.hold.clear()
        seen.goes_on(25)
        if served:
            lab.stub.hold.set()
        else:
            lab.mailcore("kill @writer")
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.phase.ended
