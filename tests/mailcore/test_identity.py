"""Who is calling: evidence is checked, conflicts are refused naming both, nothing is invented."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.dispatch.runs import branch_lock
from mailcore.exceptions import Refused
from mailcore.formats.digest import digest
from mailcore.identity.caller import Identity, identify
from mailcore.mail import post
from mailcore.workspace.find import find_workspace
from tests.mailcore.conftest import House

N1 = digest(b"n1")
RUN = {"MAILCORE_RUN_ID": "r1", "MAILCORE_NONCE": "n1", "MAILCORE_AGENT": "@writer"}

# Where it is called, with which variables and --from, while @writer's lock says run r1, nonce n1: who it is, and how.
CASES: list[tuple[str, dict[str, str], str | None, str]] = [
    ("agents/writer", {}, None, "@writer passport"),
    ("agents/writer/deep/er", {}, None, "@writer passport"),
    ("agents/editor", {}, None, "@editor passport"),
    ("", {}, None, "refused: nothing says who calls"),
    ("agents", {}, None, "refused: no passport"),
    ("stray", {}, None, "refused: is in no row"),
    ("", {"AIPASS_BRANCH_NAME": "WRITER"}, None, "@writer router"),
    ("", {"AIPASS_BRANCH_NAME": "writer"}, None, "@writer router"),
    ("", {"AIPASS_BRANCH_NAME": "@writer"}, None, "@writer router"),
    ("", {"AIPASS_CALLER_BRANCH": "EDITOR"}, None, "@editor router"),
    ("agents/writer", {"AIPASS_CALLER_BRANCH": "WRITER"}, None, "@writer router"),
    ("", {"AIPASS_CALLER_BRANCH": "EDITOR", "AIPASS_BRANCH_NAME": "LEAD"}, None, "@editor router"),
    ("", {"AIPASS_BRANCH_NAME": "Team.Chief One"}, None, "@chief router"),
    ("", {"AIPASS_BRANCH_NAME": "nonexist"}, None, "refused: no agent @nonexist"),
    ("agents/writer", {"AIPASS_BRANCH_NAME": "EDITOR"}, None, "refused: @editor @writer two identities"),
    ("agents/writer", {"AIPASS_BRANCH_NAME": ""}, None, "@writer passport"),
    ("", {}, "@operator", "@operator declared"),
    ("", {}, "writer", "@writer declared"),
    ("agents/writer", {}, "@editor", "@editor declared"),
    ("agents/writer", {"AIPASS_BRANCH_NAME": "EDITOR"}, "@lead", "@lead declared"),
    ("", {}, "@nobody", "refused: no agent @nobody"),
    ("", RUN, None, "@writer run"),
    ("agents/editor", RUN, None, "@writer run"),
    ("agents/editor", RUN | {"AIPASS_BRANCH_NAME": "WRITER"}, None, "@writer run"),
    ("agents/writer", RUN | {"MAILCORE_NONCE": "guessed"}, None, "refused: MAILCORE_RUN_ID=r1 @writer"),
    ("agents/writer", RUN | {"MAILCORE_NONCE": ""}, None, "refused: MAILCORE_RUN_ID=r1"),
    ("agents/writer", RUN | {"MAILCORE_RUN_ID": "r0"}, None, "refused: MAILCORE_RUN_ID=r0"),
    ("agents/writer", RUN | {"MAILCORE_AGENT": "@editor"}, None, "refused: MAILCORE_RUN_ID=r1 @editor"),
    ("agents/writer", RUN | {"MAILCORE_AGENT": "@nobody"}, None, "refused: @nobody"),
    ("agents/writer", {"MAILCORE_RUN_ID": "r1"}, None, "refused: nobody"),
    ("agents/writer", {"MAILCORE_AGENT": "@editor"}, None, "@writer passport"),
    ("", RUN | {"MAILCORE_NONCE": "stale"}, "@operator", "@operator declared"),
    ("", RUN, "@editor", "refused: within @writer no other name"),
    ("", RUN, "@operator", "refused: within @writer no other name"),
    ("agents/editor", RUN, "writer", "@writer run"),
    # the place: a registered branch whose passport is missing, or that lies in another's
    ("agents/chief", {}, None, "@chief path"),
    ("agents/chief/deep", {}, None, "@chief path"),
    ("agents/writer/inner", {}, None, "refused: @writer @nested two identities"),
    ("agents/writer/inner", {"AIPASS_BRANCH_NAME": "NESTED"}, None, "refused: @writer @nested two identities"),
    ("agents/writer/stray", {}, None, "refused: is in no row"),
    ("agents/chief", {"AIPASS_BRANCH_NAME": "WRITER"}, None, "refused: @chief @writer two identities"),
    ("agents/chief", {"AIPASS_CALLER_BRANCH": "Team.Chief One"}, None, "@chief router"),
    # links: the place that is meant is where they lead
    ("link-to-writer", {}, None, "@writer passport"),
    ("agents/editor/link-to-writer", {}, None, "@writer passport"),
    # contacts: a name that no row has, whose mailbox is one of ours; or of another project, or nonsense
    ("", {"AIPASS_BRANCH_NAME": "scribe"}, None, "@writer router"),
    ("", {"AIPASS_BRANCH_NAME": "@Scribe"}, None, "@writer router"),
    ("", {"AIPASS_BRANCH_NAME": "outsider"}, None, "refused: no agent @outsider"),
    ("", {"AIPASS_BRANCH_NAME": "broken"}, None, "refused: no agent @broken"),
    ("agents/editor", {"AIPASS_BRANCH_NAME": "scribe"}, None, "refused: @editor @writer two identities"),
    # the router against the run
    ("agents/writer", RUN | {"AIPASS_CALLER_BRANCH": "EDITOR"}, None, "refused: @editor @writer two identities"),
    ("agents/writer", RUN | {"AIPASS_CALLER_BRANCH": "WRITER"}, None, "@writer run"),
    ("agents/writer", RUN | {"AIPASS_CALLER_BRANCH": "ghost"}, None, "refused: no agent @ghost"),
    # hostile values
    ("agents/writer", {"AIPASS_BRANCH_NAME": "../../etc"}, None, "refused: no agent @../../etc"),
    ("agents/writer", {"AIPASS_BRANCH_NAME": "@operator"}, None, "refused: no variable stands for a person"),
    ("", {"AIPASS_CALLER_BRANCH": "operator"}, None, "refused: no variable stands for a person"),
    ("", {"AIPASS_BRANCH_NAME": " "}, None, "refused: no agent @"),
    ("agents/writer", RUN | {"MAILCORE_RUN_ID": "../../x"}, None, "refused: MAILCORE_RUN_ID=../../x"),
    ("agents/writer", RUN | {"MAILCORE_AGENT": "@writer\x1b[2J"}, None, "refused: no agent"),
    ("agents/writer", RUN | {"MAILCORE_AGENT": ""}, None, "refused: nobody"),
    ("agents/writer", {"MAILCORE_NONCE": "n1"}, None, "@writer passport"),
    # the router's evidence, whole: where its caller is, and what says so
    ("agents/writer", {"AIPASS_CALLER_CWD": "/somewhere/else"}, None, "refused: router knows no agent"),
    (
        "agents/writer",
        {
            "AIPASS_CALLER_CWD": "/somewhere/else",
            "AIPASS_CALLER_IDENTITY_SOURCE": "assigned",
            "AIPASS_CALLER_BRANCH": "WRITER",
        },
        None,
        "@writer router",
    ),
    ("", {"AIPASS_CALLER_BRANCH": "WRITER", "AIPASS_CALLER_CWD": "/somewhere/else"}, None, "refused: router knows"),
    ("", {"AIPASS_CALLER_BRANCH": "WRITER", "AIPASS_CALLER_IDENTITY_SOURCE": "project"}, None, "refused: project"),
    ("", {"AIPASS_CALLER_IDENTITY_SOURCE": "project"}, None, "refused: nothing says who calls"),
    ("", {"AIPASS_CALLER_IDENTITY_SOURCE": "project", "AIPASS_BRANCH_NAME": "WRITER"}, None, "@writer router"),
    ("agents/writer", {"AIPASS_SPAWNED": "1", "AIPASS_SESSION_TYPE": "dispatched"}, None, "@writer passport"),
    ("", {"AIPASS_DISPATCH_ID": "r1"}, None, "refused: nothing says who calls"),
    ("", RUN | {"AIPASS_BRANCH_NAME": "WRITER", "AIPASS_CALLER_BRANCH": ""}, None, "@writer run"),
]


@pytest.mark.parametrize(("directory", "environment", "declared", "expected"), CASES)
@pytest.mark.elsewhere
def test_who_is_calling(
    house: House, directory: str, environment: dict[str, str], declared: str | None, expected: str
) -> None:
    document = json.loads(house.workspace.registry.read_text())
    document["branches"].append({"name": "Team.Chief One", "email": "@chief", "path": "agents/chief"})
    document["branches"].append({"name": "NESTED", "email": "@nested", "path": "agents/writer/inner"})
    house.workspace.registry.write_text(json.dumps(document))
    (house.root / "stray" / ".trinity").mkdir(parents=True)
    (house.root / "stray" / ".trinity" / "passport.json").write_text("{}")
    (house.root / "agents" / "writer" / "deep" / "er").mkdir(parents=True)
    (house.root / "agents" / "writer" / "inner").mkdir()
    (house.root / "agents" / "writer" / "stray" / ".trinity").mkdir(parents=True)
    (house.root / "agents" / "writer" / "stray" / ".trinity" / "passport.json").write_text("{}")
    (house.root / "agents" / "chief" / "deep").mkdir(parents=True)
    for place in (house.root, house.agent("@editor").branch):
        (place / "link-to-writer").symlink_to(house.agent("@writer").branch)
    contacts = house.root / "src/aipass/ai_mail/.ai_mail.local/contacts.json"
    contacts.parent.mkdir(parents=True)
    known = {"scribe": str(house.agent("@writer").inbox), "outsider": "/elsewhere/inbox.json", "editor": "/wrong"}
    entries = {name: {"inbox": inbox} for name, inbox in known.items()} | {"broken": 7}
    contacts.write_text(json.dumps({"contacts": entries}))
    assert branch_lock.acquire_lock(house.agent("@writer"), "r1", N1, "s") is None
    workspace = find_workspace(house.root)
    if expected.startswith("refused: "):
        with pytest.raises(Refused) as error:
            identify(workspace, environment, house.root / directory, declared)
        assert expected.removeprefix("refused: ").split()[0] in str(error.value)
        for word in expected.split():
            assert not word.startswith("@") or word in str(error.value)
        assert error.value.exit_status == 3
    else:
        found = identify(workspace, environment, house.root / directory, declared)
        assert f"{found.address} {found.how}" == expected
        assert found.evidence and found.agent == workspace.agent(found.address)


@pytest.mark.elsewhere
def test_the_run_is_known_only_with_its_nonce(house: House) -> None:
    branch_lock.acquire_lock(house.agent("@writer"), "r1", N1, "s")

    def who(declared: str | None, **more: str) -> Identity:
        return identify(house.workspace, RUN | more, house.root, declared)

    assert who(None).run_id == "r1"
    assert who("@writer").run_id == "r1"
    assert who("@editor", MAILCORE_NONCE="x").run_id == ""
    branch_lock.release_lock(house.agent("@writer"), "r1", N1)
    with pytest.raises(Refused, match="over"):
        who(None)


def test_variables_that_leak_from_another_workspaces_run_are_refused(house: House, tmp_path: Path) -> None:
    from mailcore.workspace import create

    other = create.create_workspace(tmp_path / "other", [("writer", "w")])
    branch_lock.acquire_lock(house.agent("@writer"), "r1", N1, "s")
    with pytest.raises(Refused, match="MAILCORE_RUN_ID"):
        identify(other, RUN, other.agent("@writer").branch)
    done = house.mailcore("whoami", cwd=other.agent("@writer").branch, env=RUN)
    assert done.returncode == 3 and b"inherited" in done.stderr


def test_whoami_explains(house: House) -> None:
    cwd = house.agent("@writer").branch
    found = house.json("whoami", cwd=cwd)
    assert (found["address"], found["how"]) == ("@writer", "passport")
    assert any(str(cwd) in step for step in found["evidence"])
    assert house.mailcore("whoami", cwd=cwd).stdout == b"@writer\n"
    assert str(cwd).encode() in house.mailcore("whoami", "--explain", cwd=cwd).stdout
    assert os.environ.get("MAILCORE_RUN_ID") is None


NAMES_TO_TRY = st.sampled_from(["WRITER", "EDITOR", "LEAD", "nobody", "", "@operator"]) | st.text(max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(["", "agents", "agents/writer", "agents/editor"]),
    run=st.sampled_from(["", "r1", "r2"]) | st.text(max_size=6),
    nonce=st.sampled_from(["", "n1", "n2"]),
    whose=NAMES_TO_TRY,
    router=NAMES_TO_TRY,
)
@pytest.mark.elsewhere
def test_nobody_is_ever_anyone_whom_nothing_names(
    house: House, place: str, run: str, nonce: str, whose: str, router: str
) -> None:
    branch_lock.acquire_lock(house.agent("@writer"), "r1", N1, "s")
    names = {"MAILCORE_RUN_ID": run, "MAILCORE_NONCE": nonce, "MAILCORE_AGENT": whose, "AIPASS_BRANCH_NAME": router}
    try:
        found = identify(house.workspace, names, house.root / place)
    except Refused as error:
        assert error.code in ("identity", "unknown_agent")
        return
    proved = (run, nonce, whose.strip().lstrip("@").lower()) == ("r1", "n1", "writer")
    said = {"@writer"} if proved else set()
    said |= {"@" + router.strip().lstrip("@").lower()} if router else set()
    said |= {"@" + Path(place).name} if not proved and place.count("/") else set()
    assert {found.address} == said
    assert (found.how == "run") == proved


@pytest.mark.parametrize("words", [("send", "@writer", "s", "b"), ("dispatch", "@writer", "s", "b"), ("away",)])
def test_who_is_nobody_is_told_what_was_looked_at_and_no_way_around_it(house: House, words: tuple[str, ...]) -> None:
    refused = house.mailcore(*words)
    said = refused.stderr.decode()
    assert refused.returncode == 3 and "nothing says who calls: no run; no name from AIPass; " in said
    assert "no terminal that it was called at" in said
    assert "--from" not in said and "unset" not in said and "@operator" not in said.replace("only @operator can", "")


def test_looking_needs_no_name_outside_the_agents_directories_and_within_one_it_is_the_agents(house: House) -> None:
    post.send_mail(house.workspace, "@writer", ["@operator"], "for you", "b")
    (house.root / "agents/lead/.trinity/passport.json").unlink()  # known by its place alone
    for words in (("inbox",), ("archive",), ("tasks",), ("runs",), ("history",)):
        assert house.mailcore(*words).returncode == 0, words
    assert [m["subject"] for m in house.json("inbox")] == ["for you"]
    assert house.json("inbox", cwd=house.agent("@lead").branch) == []
    assert house.json("archive", "restore", "12", status=3)["error"]["code"] == "identity"
    assert house.json("whoami", status=3)["error"]["code"] == "identity"


@pytest.mark.parametrize("words", [("run", "@writer"), ("agent", "remove", "@lead"), ("hooks", "status")])
def test_who_has_a_stale_variable_is_told_how_to_be_rid_of_it(house: House, words: tuple[str, ...]) -> None:
    """That helps with the verb that names it, and in a run it would help nobody: its supervisor is above."""
    house.over("@writer", house.started("@operator", "@writer"))
    stale = {"MAILCORE_RUN_ID": "gone", "MAILCORE_AGENT": "@writer", "MAILCORE_NONCE": "n"}
    refused = house.mailcore(*words, env=stale)
    assert refused.returncode == 3
    assert (
        b"`unset MAILCORE_RUN_ID MAILCORE_NONCE MAILCORE_AGENT`" in refused.stderr and b"--from" not in refused.stderr
    )
    assert house.mailcore(*words, "--from", "@operator", env=stale).returncode == 0
