"""Who is asked about an error, and why: the stories that matter, and what is nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailcore.errors.owner import Branches, Ownership, error_owner
from mailcore.model.agent import Agent
from mailcore.model.error_group import ErrorEvent, StackFrame

ROOT = Path("/srv/shop")
AGENTS = [
    Agent("@lead", "LEAD", ROOT / "lead", root=ROOT),
    Agent("@api", "API", ROOT / "agents/api", root=ROOT),
    Agent("@web", "WEB", ROOT / "agents/web", root=ROOT),
    Agent("@css", "CSS", ROOT / "agents/web/css", root=ROOT),
]
FILES = {f"{ROOT}/agents/api/prices.py", f"{ROOT}/agents/web/page.py", f"{ROOT}/tools/run.py"}
LIBRARY_FILE = "/usr/lib/python3.11/json/decoder.py"


def owner(agent: str, *files: str, owners: dict[str, str] | None = None, kind: str = "python") -> Ownership:
    """`files`: those of the traceback, the innermost last."""
    frames = tuple(StackFrame(file, number + 1) for number, file in enumerate(files))
    event = ErrorEvent(1.0, agent, kind, "ValueError: x", frames=frames)
    return error_owner(event, Branches(ROOT, AGENTS, exists=FILES.__contains__), owners or {})


def test_whose_files_a_traceback_names_is_asked_whoever_logged_it() -> None:
    found = owner("@web", f"{ROOT}/tools/run.py", f"{ROOT}/agents/api/prices.py")
    assert found == Ownership(
        "@api", 'the traceback is in its files: "agents/api/prices.py:2"', ("agents/api/prices.py",)
    )


def test_of_two_agents_in_one_traceback_the_innermost_is_asked() -> None:
    found = owner("@web", f"{ROOT}/agents/web/page.py", f"{ROOT}/agents/api/prices.py", LIBRARY_FILE)
    assert found.owner == "@api" and found.why.startswith("the innermost frame in a branch is in its files")
    assert owner("@api", f"{ROOT}/agents/api/prices.py", f"{ROOT}/agents/web/page.py").owner == "@web"


def test_where_no_frame_tells_config_does() -> None:
    names = {"npm": "@web", "billing": "@lead"}
    assert owner("@api", kind="npm", owners=names) == Ownership("@web", 'config names it for errors of "npm"')
    found = owner("@api", "/elsewhere/billing/tax.py", owners=names)
    assert found == Ownership("@lead", 'config names it for the module "billing"')
    # A file in a branch says more.
    assert owner("@web", f"{ROOT}/agents/api/prices.py", kind="npm", owners=names).owner == "@api"


def test_a_path_that_config_names_goes_before_the_branch() -> None:
    names = {"agents/api/*": "@lead", "tools/*": "@css"}
    found = owner("@web", f"{ROOT}/tools/run.py", f"{ROOT}/agents/api/prices.py", owners=names)
    assert found.owner == "@lead" and '"agents/api/*"' in found.why
    assert owner("@web", f"{ROOT}/tools/run.py", owners=names).owner == "@css"


@pytest.mark.parametrize(
    "file",
    [
        LIBRARY_FILE, "<frozen importlib._bootstrap>", "node:internal/modules/cjs/loader", "/rustc/9fc6b/core/panic.rs",
        f"{ROOT}/agents/api/.venv/lib/python3.11/site-packages/httpx/_client.py",
        f"{ROOT}/agents/api/node_modules/express/lib/router.js", "/opt/go/pkg/mod/x@v1/y.go", "../../../etc/passwd",
        "", "a\0b", "Gone.java", "/srv/shopping/agents/api/prices.py",
    ],
)  # fmt: skip
def test_where_nothing_tells_who_logged_it_is_asked(file: str) -> None:
    assert owner("@web", file) == Ownership("@web", "it reported it, and no frame is in anybody's files")


def test_a_relative_path_counts_from_the_branch_and_from_the_root() -> None:
    assert owner("@api", "prices.py").files == ("agents/api/prices.py",)
    assert owner("@web", "agents/api/prices.py").owner == "@api"
    assert owner("@web", "./page.py").owner == "@web"
    # What is gone by now is where it would have been.
    assert owner("@web", "agents/api/gone.py").owner == "@api" and owner("@api", "src/gone.py").files == (
        "agents/api/src/gone.py",
    )


def test_a_branch_within_another_is_the_inner_ones() -> None:
    assert owner("@api", f"{ROOT}/agents/web/css/grid.py").owner == "@css"


def test_a_worktree_is_the_branch_that_it_is_of() -> None:
    """As git makes it: the same files at another place, of the same agents."""
    event = ErrorEvent(1.0, "@web", "python", "x", frames=(StackFrame("/tmp/tree/agents/api/prices.py", 3),))

    def mirrored(place: Path) -> Path | None:
        return ROOT / place.relative_to("/tmp/tree") if place.is_relative_to("/tmp/tree") else None

    found = error_owner(event, Branches(ROOT, AGENTS, FILES.__contains__, mirrored), {})
    assert found.owner == "@api" and found.files == ("agents/api/prices.py",)


def test_why_holds_nothing_that_a_path_says() -> None:
    found = owner("@web", f'{ROOT}/agents/api/"\x1b]0;x\x07<b>\n.py')
    assert found.owner == "@api" and "\x1b" not in found.why and "\n" not in found.why and "<b>" not in found.why
