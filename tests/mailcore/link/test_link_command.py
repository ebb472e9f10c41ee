"""`mailcore link` as persons on two hosts use it: real processes, a real server, mail between them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mailcore.cli.doctor_link import link_checks
from mailcore.config import Link
from mailcore.exceptions import UsageError
from mailcore.hosts.link_status import LinkReport, link_runs, read_link_status, write_link_report
from mailcore.hosts.membership import Membership, read_membership, write_membership
from mailcore.link.forward import Forward, SshPlace, forward_of, ssh_place
from mailcore.link.founding import free_port
from mailcore.link.joining import MARK, decode_token
from mailcore.link.service import unit_text
from mailcore.link.streams import payload_words
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.system.processes import start_ticks
from mailcore.workspace.create import create_workspace
from mailcore.workspace.find import Workspace, workspace_at
from tests.mailcore.conftest import wait_until

OPERATOR = ("--from", "@operator")


def mailcore(root: Path, *words: str, text: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mailcore.cli", *words, "-C", str(root)], input=text, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def as_json(root: Path, *words: str, text: str = "") -> Any:
    status, said = mailcore(root, *words, "--json", text=text)
    assert not status, said
    return json.loads(said)


class Hosts:
    """Workspaces below one directory, each a host of its own, and the link's processes of them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def root(self, name: str) -> Path:
        return self.place / name

    def workspace(self, name: str) -> Workspace:
        return workspace_at(self.root(name))

    def init(self, name: str, *agents: str) -> None:
        named = [word for agent in agents for word in ("--agent", f"{agent}=agents/{agent}")]
        status, said = mailcore(self.place, "init", str(self.root(name)), *named)
        assert not status, said

    def start(self, name: str, *words: str) -> None:
        command = [sys.executable, "-m", "mailcore.cli", "link", *words, *OPERATOR, "-C", str(self.root(name))]
        with (self.place / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self, name: str) -> str:
        return (self.place / f"{name}.log").read_text()

    def connected(self, name: str) -> None:
        def is_connected() -> bool:
            status = read_link_status(self.workspace(name))
            return status is not None and status.is_connected

        wait_until(is_connected, 30, f"{name} connected")

    def serve(self) -> None:
        self.init("alpha", "writer", "lead")
        self.start("alpha", "serve", "--host", "alpha")
        self.connected("alpha")

    def token(self, host: str) -> str:
        return str(as_json(self.root("alpha"), "link", "invite", host, *OPERATOR)["token"])

    def join(self, name: str, *agents: str) -> None:
        self.init(name, *agents)
        as_json(self.root(name), "link", "join", "-", *OPERATOR, text=self.token(name))
        self.start(name, "run")
        self.connected(name)

    def subjects(self, name: str, agent: str) -> list[str]:
        return [one.subject for one in read_mailbox(self.workspace(name).agent(agent).inbox).messages]

    def close(self) -> None:
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self.processes.values():
            assert process.wait(30) in (0, -signal.SIGKILL)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Hosts(tmp_path)
    yield made
    made.close()
    left = subprocess.run(["pgrep", "-f", f"nats-server -c {tmp_path}"], capture_output=True, text=True).stdout
    assert not left, f"servers are left: {left}"


def test_two_hosts_from_nothing_to_an_answered_mail_through_a_killed_hub(hosts: Hosts) -> None:
    hosts.serve()
    hosts.join("beta", "editor")
    alpha, beta = hosts.root("alpha"), hosts.root("beta")
    wait_until(lambda: as_json(alpha, "link", "status")["hosts"][0]["agents"] == ["@editor"], what="agents are told")
    as_json(alpha, "send", "@editor.beta", "a question", "the body", "--from", "@lead")
    wait_until(lambda: hosts.subjects("beta", "@editor") == ["a question"])
    as_json(beta, "reply", "1", "the answer", "--from", "@editor")
    wait_until(lambda: hosts.subjects("alpha", "@lead") == ["RE: a question"])
    hosts.processes["alpha"].kill()  # its server stays, and is found by the next
    hosts.processes["alpha"].wait()
    assert not link_runs(hosts.workspace("alpha"))
    as_json(beta, "send", "@lead.alpha", "while it is away", "the body", "--from", "@editor")
    hosts.start("alpha", "serve")
    wait_until(lambda: "while it is away" in hosts.subjects("alpha", "@lead"), 40, hosts.log("alpha"))
    wait_until(lambda: not as_json(beta, "link", "status")["hosts"][0]["waiting"], what="confirmed")
    status, said = mailcore(alpha, "link", "doctor")
    assert not status and "0 to mend" in said, said
    status, said = mailcore(beta, "link", "run")
    assert status == 3 and "is run by PID" in said


def test_a_token_is_good_once_and_a_host_that_is_thrown_out_is_out_at_once(hosts: Hosts) -> None:
    hosts.serve()
    hosts.join("beta", "editor")
    token = hosts.token("gamma")
    assert token.startswith(MARK) and decode_token(token).host == "gamma"
    for name in ("gamma", "delta"):
        hosts.init(name, "tester")
    as_json(hosts.root("gamma"), "link", "join", "-", *OPERATOR, text=token)
    status, said = mailcore(hosts.root("delta"), "link", "join", "-", *OPERATOR, text=token)
    assert status == 3 and "it was used" in said and "link invite gamma, on alpha" in said, said
    assert read_membership(hosts.workspace("delta")) is None
    status, said = mailcore(hosts.root("alpha"), "link", "invite", "beta", *OPERATOR)
    assert status == 3 and "there is a host beta in the link already" in said
    as_json(hosts.root("alpha"), "link", "revoke", "beta", *OPERATOR)
    wait_until(lambda: "does not take this host's key" in hosts.log("beta"), 20, "beta is out")
    said = mailcore(hosts.root("beta"), "link", "status")[1]
    assert "not connected" in said and "revoked" in said
    assert mailcore(hosts.root("beta"), "link", "doctor")[0] == 4
    wait_until(lambda: "revoked" in mailcore(hosts.root("alpha"), "link", "status")[1])
    status, said = mailcore(hosts.root("alpha"), "send", "@editor.beta", "too late", "body", "--from", "@lead")
    assert status == 3 and "belongs to the link no more" in said
    token = hosts.token("beta")  # a new key, by a new token
    hosts.processes["beta"].terminate()
    hosts.processes["beta"].wait()
    as_json(hosts.root("beta"), "link", "leave", *OPERATOR)
    as_json(hosts.root("beta"), "link", "join", "-", *OPERATOR, text=token)
    hosts.start("beta", "run")
    hosts.connected("beta")


def test_agents_may_not_change_a_link_and_a_dotted_name_keeps_out_of_one(hosts: Hosts) -> None:
    hosts.serve()
    for words in (("invite", "beta"), ("revoke", "beta"), ("leave",)):
        status, said = mailcore(hosts.root("alpha"), "link", *words, "--from", "@writer")
        assert status == 3 and "only @operator can do this" in said, said
    status, said = mailcore(hosts.root("alpha"), "link", "leave", *OPERATOR)
    assert status == 3 and "the link's process runs" in said
    hosts.init("beta", "writer")
    registry = next(hosts.root("beta").glob("*_REGISTRY.json"))
    registry.write_text(registry.read_text().replace("@writer", "@wri.ter").replace("WRITER", "WRI.TER"))
    status, said = mailcore(hosts.root("beta"), "link", "join", hosts.token("beta"), *OPERATOR)
    assert status == 3 and "dot" in said
    hosts.init("gamma", "writer")
    status, said = mailcore(hosts.root("gamma"), "link", "join", "nonsense", *OPERATOR)
    assert status == 2 and "that is no token" in said


def test_the_link_ends_with_its_parent(hosts: Hosts) -> None:
    hosts.serve()
    hosts.processes["alpha"].terminate()
    assert hosts.processes.pop("alpha").wait(30) == 0
    command = [sys.executable, "-m", "mailcore.cli", "link", "serve", "--with-parent", "-C", str(hosts.root("alpha"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        hosts.connected("alpha")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0
    assert not link_runs(hosts.workspace("alpha"))


def test_a_guard_on_duty_runs_the_link(hosts: Hosts) -> None:
    hosts.serve()
    hosts.processes["alpha"].terminate()
    hosts.processes.pop("alpha").wait(30)
    config = hosts.root("alpha") / ".praxmonitor" / "config.toml"
    config.write_text('[sound]\nbackend = "none"\n[alarms]\nlook = 0.5\n')
    command = [sys.executable, "-m", "praxmonitor", "guard", "--mute", str(hosts.root("alpha"))]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as guard:
        try:
            hosts.connected("alpha")
        finally:
            guard.terminate()
            assert guard.wait(30) == 0
    assert not link_runs(hosts.workspace("alpha"))


def test_the_unit_says_what_runs_and_where(tmp_path: Path) -> None:
    text = unit_text(tmp_path / "a b%c", Membership("alpha", "shop", (), "hub"))
    assert f'link serve -C "{tmp_path}/a b%%c"' in text and "Restart=always" in text
    assert "KillMode=process" in text, "else its end is the end of what acts began: supervisors, and runs with them"
    assert " link run -C " in unit_text(tmp_path, Membership("beta", "shop"))
    if shutil.which("systemd-analyze"):
        unit = tmp_path / "praxmonitor-link-shop.service"
        unit.write_text(unit_text(tmp_path, Membership("beta", "shop")))
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
        assert "praxmonitor-link-shop.service" not in done.stderr or "not found" in done.stderr, done.stderr


def test_places_of_ssh_are_read_and_cannot_be_options() -> None:
    assert ssh_place("ssh://me@host:2222/srv/shop") == SshPlace("me@host", 2222, "/srv/shop")
    assert ssh_place("ssh://host") == SshPlace("host")
    for wrong in ("ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "http://host", "ssh://host:x/"):
        with pytest.raises(UsageError):
            ssh_place(wrong)
    forward = Forward(SshPlace("me@host", 2222), 4000, "127.0.0.1:4222")
    assert forward_of(forward.text) == forward
    assert forward.command[-4:] == ["-p", "2222", "--", "me@host"]


@pytest.mark.skipif(not Path("/usr/sbin/sshd").exists() or os.geteuid() != 0, reason="needs sshd, and root to run it")
def test_a_host_joins_over_ssh_and_its_forward_is_made_again(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.serve()
    place, port = hosts.place / "ssh", free_port()
    place.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True)
    (place / "authorized").write_text((place / "user.pub").read_text())
    programs = place / "bin"
    programs.mkdir()
    (programs / "mailcore").write_text(f'#!/bin/sh\nexec {sys.executable} -m mailcore.cli "$@"\n')
    (programs / "ssh").write_text(
        f"#!/bin/sh\nexec {shutil.which('ssh')} -F none -i {place}/user -o StrictHostKeyChecking=no "
        f'-o UserKnownHostsFile={place}/known -o IdentitiesOnly=yes "$@"\n'
    )
    for each in programs.iterdir():
        each.chmod(0o755)
    state = os.environ["XDG_STATE_HOME"]
    (place / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized\n"
        f"PidFile {place}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f"SetEnv PATH={programs}:/usr/bin:/bin XDG_STATE_HOME={state}\n"
    )
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", str(place / "sshd_config")], stderr=subprocess.DEVNULL
    ) as sshd:
        try:
            hosts.init("beta", "editor")
            me = os.environ.get("USER") or "root"
            where = f"ssh://{me}@127.0.0.1:{port}{hosts.root('alpha')}"

            def joins() -> bool:
                status, said = mailcore(hosts.root("beta"), "link", "join", where, "--host", "beta", *OPERATOR)
                assert not status or "Connection refused" in said or "ssh ended with 255" in said, said
                return not status

            wait_until(joins, 30)
            hosts.start("beta", "run")
            hosts.connected("beta")
            as_json(hosts.root("beta"), "send", "@lead.alpha", "by ssh", "body", "--from", "@editor")
            wait_until(lambda: hosts.subjects("alpha", "@lead") == ["by ssh"])
            forward = subprocess.run(
                ["pgrep", "-f", "--", f"-L 127.0.0.1:.*-p {port} -- {me}@127"], capture_output=True, text=True
            ).stdout.split()
            assert forward, "the forward runs"
            for pid in forward:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            as_json(hosts.root("beta"), "send", "@lead.alpha", "again", "body", "--from", "@editor")
            wait_until(lambda: "again" in hosts.subjects("alpha", "@lead"), 40, "by another forward")
        finally:
            sshd.terminate()


def test_status_and_doctor_say_what_the_server_refuses(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "alpha", [("writer", "agents/writer")])
    write_membership(workspace, Membership("alpha", "project", ("nats://127.0.0.1:1",)))

    def told(max_payload: int, trouble: str = "") -> list[str]:
        report = LinkReport(
            os.getpid(), start_ticks(os.getpid()) or 0, 1.0, True, trouble=trouble, max_payload=max_payload
        )
        write_link_report(workspace, report)
        return [check.finding for check in link_checks(workspace, Link()) if check.name == "link payload"]

    assert told(1 << 20) == [payload_words(1 << 20)] and "1.0 MB at most" in payload_words(1 << 20)
    assert told(8 << 20) == told(0) == []
    told(8 << 20, "to beta: the server does not take it: no room\x1b[2J; offered again")
    status, said = mailcore(workspace.root, "link", "status")
    assert not status and "connected" in said and "last: to beta: the server does not take it: no room" in said
    assert "\x1b" not in said
