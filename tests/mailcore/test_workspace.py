"""Registry, passports and addresses; what is refused is said with its reason, and `init` makes what AIPass reads."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import NoWorkspace, Refused, UsageError
from mailcore.mail import post
from mailcore.workspace import create, find
from mailcore.workspace import registry as registries
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House, git


def registry(root: Path, rows: Any, name: str = "X_REGISTRY.json") -> Path:
    path = root / name
    path.write_text(json.dumps({"metadata": {}, "branches": rows}))
    return path


def test_the_workspace_that_aipass_wrote(aipass: Workspace) -> None:
    assert [(a.address, a.name) for a in aipass.agents] == [
        ("@alpha", "ALPHA"),
        ("@beta", "BETA"),
        ("@gamma", "GAMMA"),
        ("@ai_mail", "ai_mail"),
    ]
    assert aipass.agent("@ai_mail").branch == aipass.root / "src" / "aipass" / "ai_mail"
    assert aipass.refused == () and aipass.agent("@alpha").role
    deep = aipass.agent("@beta").mail_dir / "deleted"
    assert find.find_workspace(deep).root == aipass.root
    assert find.branch_above(deep) == aipass.agent("@beta").branch


def test_none_above_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace, match="mailcore init") as error:
        find.find_workspace(tmp_path)
    assert error.value.exit_status == 2


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"name": "A", "path": "../outside"}, "leaves the project"),
        ({"name": "A", "path": "/etc"}, "leaves the project"),
        ({"name": "A", "path": "link"}, "leaves the project"),
        ({"name": "A", "path": "loop"}, "A"),
        ({"name": "A"}, "no path"),
        ({"name": "A", "path": "agents/\ud800x"}, "no file can have"),
        ({"name": "A", "path": ""}, "no path"),
        ({"name": "A", "path": "a\0b"}, "no path"),
        ({"name": "A", "path": 3}, "no path"),
        ({"name": "", "path": "a"}, "address"),
        ({"name": "A", "email": "@a b", "path": "a"}, "address"),
        ({"name": "A", "email": "@a\x1b[2J", "path": "a"}, "address"),
        ({"name": "OPERATOR", "path": "a"}, "reserved"),
        ({"name": "WRITER", "path": "other"}, "twice"),
    ],
)
def test_a_row_that_is_not_taken_is_told_and_the_others_are(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "loop").symlink_to("loop")
    path = registry(tmp_path, [{"name": "WRITER", "path": "w"}, row, {"name": "Editor", "path": "e"}])
    found = find.load_workspace(path)
    assert [a.address for a in found.agents] == ["@writer", "@editor"]
    assert len(found.refused) == 1 and why in found.refused[0] and "X_REGISTRY.json" in found.refused[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"branches": 3}', "{}", "[" * 5000, "\udcff"])
def test_what_is_no_registry_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "X_REGISTRY.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match="X_REGISTRY"):
        find.find_workspace(tmp_path)
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("WRITER", "@writer"),
        ("Team.Writer", "@writer"),
        ("Writer the First", "@writer"),
        ("AIPASS-Writer", "@writer"),
        ("writer-old", "@writer"),
    ],
)
def test_addresses_are_derived_where_the_row_gives_none(tmp_path: Path, name: str, address: str) -> None:
    found = find.load_workspace(registry(tmp_path, [{"name": name, "path": "w"}]))
    assert [a.address for a in found.agents] == [address]


def test_rows_may_be_an_object_and_the_private_registry_gives_way(tmp_path: Path) -> None:
    registry(tmp_path, {"ALPHA": {"path": "a"}, "BETA": {"path": "b", "email": "@bee"}})
    registry(tmp_path, [], "PRIVATE_BRANCH_REGISTRY.json")
    assert [a.address for a in find.find_workspace(tmp_path).agents] == ["@alpha", "@bee"]


def test_an_unknown_address_names_the_known_ones(house: House) -> None:
    with pytest.raises(Refused, match="@writer @editor @lead") as error:
        house.agent("@nobody")
    assert (error.value.code, error.value.exit_status) == ("unknown_agent", 3)
    assert house.agent("Writer") == house.agent(" @WRITER ") == house.agent("@writer")
    assert house.agent("@operator").branch == house.root / ".praxmonitor" / "operator"


def test_init_writes_passport_memories_and_mailbox(house: House) -> None:
    writer = house.agent("@writer")
    passport = json.loads(writer.passport.read_text())
    row = json.loads(house.workspace.registry.read_text())["branches"][0]
    assert (row["name"], row["email"], row["path"]) == ("WRITER", "@writer", "agents/writer")
    assert passport["citizenship"]["citizen_id"] == row["registry_id"]
    assert passport["branch_info"]["email"] == "@writer"
    for name in ("local.json", "observations.json"):
        assert json.loads((writer.branch / ".trinity" / name).read_text())["document_metadata"]
    assert json.loads(writer.inbox.read_text())["messages"] == []
    assert find.find_workspace(writer.branch) == house.workspace


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    passport = tmp_path / "a" / ".trinity" / "passport.json"
    passport.parent.mkdir(parents=True)
    passport.write_text('{"mine": true}')
    create.create_workspace(tmp_path, [("a", "a"), ("b", "b")])
    assert passport.read_text() == '{"mine": true}'
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(Refused, match="already"):
        create.create_workspace(tmp_path, [("c", "c")])
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    "agents",
    [
        [],
        [("a", "../a")],
        [("operator", "a")],
        [("a b", "a")],
        [("a", "a"), ("A", "b")],
        [("a", "same"), ("b", "same")],
        [("a", "same"), ("b", "./same/")],
    ],
)
def test_init_refuses_before_it_writes(tmp_path: Path, agents: list[tuple[str, str]]) -> None:
    with pytest.raises(UsageError):
        create.create_workspace(tmp_path, agents)
    assert list(tmp_path.iterdir()) == []


FOREIGN = [
    '{"schemas": []}',
    '{"branches": ["main", "dev"]}',
    '{"branches": [{"name": "main", "sha": "1"}]}',
    "[]",
    "{}",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_another_tools_registry_is_passed_over_with_a_note(tmp_path: Path, text: str) -> None:
    """Above it, and beside it whatever their names' order."""
    registry(tmp_path, [{"name": "WRITER", "path": "w/deep"}])
    deep = tmp_path / "w" / "deep"
    deep.mkdir(parents=True)
    for place in (tmp_path, tmp_path / "w"):
        (place / "A_SCHEMA_REGISTRY.json").write_text(text)
    found = find.find_workspace(deep)
    assert found.root == tmp_path and [a.address for a in found.agents] == ["@writer"]
    assert [str(tmp_path / "w" / "A_SCHEMA_REGISTRY.json") in note for note in found.notes] == [True, False]
    with pytest.raises(NoWorkspace, match=r"A_SCHEMA_REGISTRY\.json is passed over"):
        (tmp_path / "X_REGISTRY.json").unlink()
        find.find_workspace(deep)


def test_a_torn_registry_leads_into_no_other_workspace(tmp_path: Path) -> None:
    registry(tmp_path, [{"name": "OUTER", "path": "o"}])
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "Y_REGISTRY.json").write_text('{"branches": [{"na')
    with pytest.raises(UsageError, match="Y_REGISTRY"):
        find.find_workspace(tmp_path / "inner")


def test_while_the_registry_is_gone_its_copy_is_read(house: House) -> None:
    path = house.workspace.registry
    kept = path.read_bytes()
    path.unlink()
    found = find.find_workspace(house.agent("writer").branch)
    assert (found.root, found.agents) == (house.root, house.workspace.agents)
    assert f"{path} is gone" in found.notes[0]
    assert not path.exists(), "looking writes nothing: a `git stash pop` must find the place free"
    assert house.json("doctor", status=4)["checks"]
    assert f"{path} was gone: its copy is put in its place" in house.mailcore("repair").stdout.decode()
    assert path.read_bytes() == kept and find.find_workspace(house.root).notes == ()


def test_a_registry_that_aipass_changed_is_copied_with_the_next_act(house: House) -> None:
    path = house.workspace.registry
    document = json.loads(path.read_text())
    document["branches"].append({"name": "POET", "path": "agents/poet", "email": "@poet"})
    path.write_text(json.dumps(document))
    assert house.mailcore("send", "@writer", "s", "b", "--from", "@lead").returncode == 0
    path.unlink()
    assert find.find_workspace(house.root).agent("@poet")
    (house.root / "NEW_REGISTRY.json").write_text(json.dumps(document))
    assert find.find_workspace(house.root).registry.name == "NEW_REGISTRY.json"
    assert house.mailcore("send", "@writer", "s", "b", "--from", "@lead").returncode == 0
    copies = [one.name for one in (house.root / ".praxmonitor").glob("*.copy")]
    assert copies == ["NEW_REGISTRY.json.copy"]


def test_an_agent_is_added_to_a_registry_that_is_gone(house: House) -> None:
    house.workspace.registry.unlink()
    assert create.add_agent(house.workspace, "poet", "agents/poet").agent("@poet")
    assert len(json.loads(house.workspace.registry.read_text())["branches"]) == 4


def test_a_torn_registry_is_never_copied(house: House) -> None:
    copy = house.root / ".praxmonitor" / f"{house.workspace.registry.name}.copy"
    before = copy.read_bytes()
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    house.workspace.registry.write_text('{"branches": [')
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    house.workspace.registry.write_text("{}")
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert copy.read_bytes() == before


def test_the_variable_and_the_option_say_which_workspace(house: House, tmp_path: Path) -> None:
    """Below a nested workspace, in another one, and outside of any."""
    inner = house.agent("writer").branch
    create.create_workspace(inner, [("inner", "inner")])
    other = tmp_path / "other"
    create.create_workspace(other, [("poet", "poet")])
    for place in (inner, other, tmp_path):
        for how in (
            {"words": ("-C", str(house.root))}, {"env": {"MAILCORE_ROOT": str(house.root)}},
            {"words": ("-C", str(house.agent("lead").branch)), "env": {"MAILCORE_ROOT": str(other)}},
        ):  # fmt: skip
            done = house.mailcore(*how.get("words", ()), "agents", "--json", cwd=place, env=how.get("env"))  # type: ignore[arg-type]
            assert [row["address"] for row in json.loads(done.stdout)][:2] == ["@writer", "@editor"], (place, how)
    done = house.mailcore("agents", env={"MAILCORE_ROOT": str(tmp_path)})
    assert done.returncode == 2 and b"MAILCORE_ROOT" in done.stderr


def test_a_linked_worktree_belongs_to_the_main_worktrees_workspace(house: House, tmp_path: Path) -> None:
    git(house.root, "init", "-q")
    git(house.root, "add", "-A")
    git(house.root, "commit", "-qm", "workspace")
    for place in (house.root / ".worktrees" / "feat", tmp_path / "beside"):
        git(house.root, "worktree", "add", "-q", str(place))
        assert find.find_workspace(place / "agents" / "writer").root == house.root
        assert find.workspace_at(place).root == place, "who names it literally means it"
        done = house.mailcore("send", "@lead", f"from {place.name}", "b", cwd=place / "agents" / "writer")
        assert done.returncode == 0, done.stderr
    assert {(m.sender, m.subject) for m in house.inbox("lead")} == {
        ("@writer", "from feat"),
        ("@writer", "from beside"),
    }


def test_a_git_file_that_git_did_not_write_proves_nothing(house: House, tmp_path: Path) -> None:
    git(house.root, "init", "-q")
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / house.workspace.registry.name).write_bytes(house.workspace.registry.read_bytes())
    for text in (f"gitdir: {house.root}/.git\n", f"gitdir: {house.root}/.git/worktrees/feat\n", "nonsense", "\0", ""):
        (fake / ".git").write_text(text)
        assert find.find_workspace(fake).root == fake, text


def test_a_registry_that_is_written_in_place_is_waited_for(house: House) -> None:
    path = house.workspace.registry
    whole = path.read_bytes()
    for torn in (b"", whole[: len(whole) // 2]):
        path.write_bytes(torn)
        writer = threading.Timer(0.1, path.write_bytes, [whole])
        writer.start()
        assert find.load_workspace(path).agents == house.workspace.agents
        writer.join()


def test_a_registry_that_stays_torn_is_refused_without_a_wait_once_it_is_old(house: House) -> None:
    path = house.workspace.registry
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UsageError, match="mend it or restore it"):
        find.load_workspace(path)
    os.utime(path, (1, 1))
    assert not registries.is_being_written(path)
    with pytest.raises(UsageError, match="mend it or restore it"):
        find.load_workspace(path)
