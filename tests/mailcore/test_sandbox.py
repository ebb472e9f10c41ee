"""An agent whose program runs its commands in a PID namespace of its own, as Codex's sandbox does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from mailcore import liveness
from mailcore.model.run import Phase
from mailcore.system import processes
from tests.mailcore.conftest import House

UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
works = shutil.which("unshare") and subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
needs_unshare = pytest.mark.skipif(not works, reason="no PID namespace can be made here (unshare --user --pid)")


@needs_unshare
@pytest.mark.linux_only("POSIX knows no PID namespaces")
def test_a_dispatch_from_within_a_sandbox_begins_when_the_sandbox_is_left(
    house: House, wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    """The lock of an agent at work, unseen from within, is honoured, and the run begins outside."""
    house.shell("editor", "echo at work; sleep 60")
    at_work = house.started("@operator", "@editor", "long")
    inside = " ".join(UNSHARE)
    cli = f"{sys.executable} -m mailcore.cli"
    script = f"{cli} dispatch @writer a b --json; echo ---; {cli} kill @editor --json; {cli} dispatch @editor c d"
    house.shell("lead", f"echo up; {inside} sh -c '{script}' > told 2>&1; sleep 0.2")
    begun = house.started("@operator", "@lead", "delegate")
    run = house.over("@lead", begun)
    told = (house.agent("@lead").branch / "told").read_text()
    queued, refused = (json.JSONDecoder().raw_decode(part)[0] for part in told.split("---\n"))
    assert (queued["code"], queued["queued"]) == ("sandbox", True)
    assert refused["error"]["code"] in ("sandbox", "visibility")
    assert run.phase is Phase.COMPLETED
    wait_until(lambda: house.runs("@writer"), 10, "the run that was asked for begins outside")
    house.over("@writer", house.runs("@writer")[0].run_id)
    assert [one.subject for one in house.inbox("@writer")] == ["a"]
    lock = liveness.read_lock(house.agent("@editor").dispatch_lock)
    assert lock is not None and lock.run_id == at_work, "the agent at work was left alone"


def test_what_a_sandbox_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(liveness.PID_NAMESPACE, raising=False)
    assert not liveness.sandboxed(), "an ordinary caller"
    monkeypatch.setenv(liveness.PID_NAMESPACE, processes.pid_namespace())
    assert not liveness.sandboxed(), "an agent's ordinary program"
    monkeypatch.setenv(liveness.PID_NAMESPACE, "pid:[1]")
    assert liveness.sandboxed()
