"""Closed mail: listed, searched, restored; removed only when asked, and only one's own."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail import archive, lookup, mailbox, post
from mailcore.model.agent import Agent
from tests.mailcore.conftest import House


def closed(house: House, subject: str, to: str = "@writer", body: str = "b", **more: str) -> str:
    (sent,) = post.send_mail(house.workspace, "@lead", [to], subject, body, **more)  # type: ignore[arg-type]
    post.close_messages(house.workspace, to, [sent.id])
    return sent.id


def test_list_search_restore(house: House) -> None:
    one = closed(house, "Deploy", body="to the MOON")
    closed(house, "other")
    writer = house.agent("@writer").branch
    assert sorted(m["subject"] for m in house.json("archive", cwd=writer)) == ["Deploy", "other"]
    for text in ("moon", "DEPLOY", one, "@lead"):
        assert one in [m["id"] for m in house.json("archive", "search", text, cwd=writer)]
    assert house.json("archive", "search", "nothing like it", cwd=writer) == []
    assert house.json("archive", "restore", "#1", cwd=writer) == {"id": one, "status": "opened"}
    assert [(m.subject, m.unread) for m in house.inbox("@writer")] == [("Deploy", False)]
    assert [m["subject"] for m in house.json("archive", cwd=writer)] == ["other"]
    assert house.json("archive", "restore", one, cwd=writer, status=4)["error"]["code"] == "no_message"
    assert house.json("archive", "restore", cwd=writer, status=2)["error"]["code"] == "usage"


def test_a_restored_message_is_what_it_was(house: House) -> None:
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b", extra={"weather": [1]})
    before = dict(house.inbox("@writer")[0].raw)
    post.close_messages(house.workspace, "@writer", [sent.id])
    post.restore(house.workspace, "@writer", sent.id)
    after = dict(house.inbox("@writer")[0].raw)
    assert after == before | {"status": "opened", "read": True, "unseen": True}
    assert not list(house.agent("@writer").archive_dir.iterdir())


def test_restoring_rewrites_no_newer_mail_of_the_same_key(house: House) -> None:
    old = closed(house, "old", key="k")
    post.send_mail(house.workspace, "@lead", ["@writer"], "new", "b", key="k")
    post.restore(house.workspace, "@writer", old)
    assert [m.subject for m in house.inbox("@writer")] == ["old", "new"]


def test_killed_in_the_midst_nothing_is_doubled(house: House) -> None:
    one = closed(house, "s")
    writer = house.agent("@writer")
    (path,) = writer.archive_dir.iterdir()
    data = path.read_bytes()
    post.restore(house.workspace, "@writer", one)
    path.write_bytes(data)  # restored, and killed before the file went
    post.restore(house.workspace, "@writer", one)
    assert [m.id for m in house.inbox("@writer")] == [one] and not path.exists()
    archive.write_archived(
        writer, dict(house.inbox("@writer")[0].raw)
    )  # archived, and killed before it left the open mail
    post.close_messages(house.workspace, "@writer", [one])
    assert [raw["id"] for _, raw in lookup.archived_messages(writer)] == [one] and house.inbox("@writer") == ()


def age(agent: Agent, days: float) -> None:
    at = time.time() - days * 86400
    for directory in (agent.archive_dir, agent.sent_dir):
        for path in directory.glob("*.json"):
            os.utime(path, (at, at))


def files(house: House) -> set[str]:
    everyone = (*house.workspace.agents, house.workspace.operator)
    return {f"{a.address}/{d.name}" for a in everyone for d in (a.archive_dir, a.sent_dir) for _ in d.glob("*.json")}


def test_prune_takes_what_is_old_and_ones_own_and_the_operators_takes_all(house: House) -> None:
    closed(house, "old")
    closed(house, "theirs", "@editor")
    for name in ("@writer", "@editor", "@lead"):
        age(house.agent(name), 31)
    writer = house.agent("@writer").branch
    everything = {"@writer/deleted", "@editor/deleted", "@lead/sent"}
    for words in (["--older", "32d"], ["--older", "30d", "--dry-run"]):
        said = house.json("prune", *words, cwd=writer)
        assert len(said["files"]) == ("--dry-run" in words) and files(house) == everything
    closed(house, "young")
    assert len(house.json("prune", "--older", "30", cwd=writer)["files"]) == 1
    assert [raw["subject"] for _, raw in lookup.archived_messages(house.agent("@writer"))] == ["young"]
    assert files(house) == everything
    assert len(house.json("prune", "--older", "30d", "--from", "@operator")["files"]) == 3
    assert files(house) == {"@writer/deleted", "@lead/sent"}


@pytest.mark.parametrize("older", ["", "d", "soon", "-1d", "1.5d", "²d", "9" * 400, "1e3"])
def test_prune_of_no_number_of_days_removes_nothing(house: House, older: str) -> None:
    closed(house, "s")
    age(house.agent("@writer"), 99)
    assert house.json("prune", f"--older={older}", cwd=house.agent("@writer").branch, status=2)["error"]["code"]
    assert "@writer/deleted" in files(house)


def test_no_agent_prunes_as_the_operator(house: House) -> None:
    closed(house, "theirs", "@editor")
    age(house.agent("@editor"), 99)
    cli = f"{sys.executable} -m mailcore.cli"
    house.shell("writer", f"echo up; cd {house.root}; env -i {cli} prune --older 0d --from @operator; exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    log = house.agent("@writer").runs_dir / run.run_id / "attempt-1.stderr.log"
    assert "no other name is taken" in log.read_text()
    told = house.json("prune", "--older=0d", "--from=@operator", cwd=house.agent("@writer").branch, status=3)
    assert told["error"]["code"] == "identity"
    assert "@editor/deleted" in files(house)


@pytest.mark.parametrize("what", ["deleted", "sent", "inbox.json", ""])
def test_a_symlink_out_of_the_project_is_refused_and_nothing_written_there(
    house: House, tmp_path: Path, what: str
) -> None:
    outside = tmp_path / "outside"
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    writer = house.agent("@writer")
    place = writer.mail_dir / what
    if place.exists():
        place.rename(tmp_path / "aside")
    if what == "inbox.json":
        outside.write_text('{"messages": []}')
    else:
        outside.mkdir()
    place.symlink_to(outside)
    if what == "inbox.json" or not what:
        (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
        assert not sent.delivered and "out of the project" in sent.error
    elif what == "sent":
        with pytest.raises(Refused, match="out of the project"):
            post.send_mail(house.workspace, "@writer", ["@lead"], "s", "b")
    else:
        with pytest.raises(Refused, match="out of the project"):
            post.close_messages(house.workspace, "@writer", ["1"])
        (outside / "x.json").write_text("{}")
        os.utime(outside / "x.json", (1, 1))
        assert house.json("prune", "--older=1d", cwd=writer.branch, status=3)["error"]["code"] == "boundary"
        assert (outside / "x.json").exists() and len(house.inbox("@writer")) == 1
        return
    assert not outside.is_dir() or not list(outside.iterdir())


def test_a_circle_of_symlinks_is_an_error_in_words(house: House) -> None:
    writer = house.agent("@writer")
    writer.inbox.unlink()
    writer.inbox.symlink_to(writer.inbox)
    with pytest.raises(MailcoreError, match=r"inbox\.json"):
        mailbox.deliver(writer, {"subject": "s"})


def test_the_archive_that_aipass_wrote_is_found(tmp_path: Path, aipass: object) -> None:
    from mailcore.workspace.find import Workspace

    assert isinstance(aipass, Workspace)
    (found,) = [raw for _, raw in lookup.archived_messages(aipass.agent("@beta"))]
    assert found["subject"] == "Demo ok"
    back = post.restore(aipass, "@beta", "b8f6f494")
    assert (back.id, back.status) == ("c5ca380f", "opened")
    after = json.loads(aipass.agent("@beta").inbox.read_bytes())
    assert after["total_messages"] == 1 and after["messages"][0]["dispatched_to"] == "@beta"
