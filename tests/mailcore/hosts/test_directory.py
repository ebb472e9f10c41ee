"""Names of hosts, membership, and whom an address means."""

from __future__ import annotations

import json
import stat

import pytest

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts import directory, membership, names
from mailcore.model.link import HostRecord
from mailcore.workspace import create, find
from tests.mailcore.conftest import House
from tests.mailcore.hosts.conftest import Linked


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("@writer", ("@writer", "")),
        ("@writer.beta", ("@writer", "beta")),
        ("@a.b.beta", ("@a.b", "beta")),
        ("@w-1_2.be-ta", ("@w-1_2", "be-ta")),
    ],
)
def test_an_address_is_split_at_its_last_dot(address: str, parts: tuple[str, str]) -> None:
    assert names.split_address(address) == parts
    assert names.joined(*parts) == address


def test_names_of_hosts() -> None:
    assert names.valid_host(" Beta-2 ") == "beta-2"
    for wrong in ("", "2beta", "be.ta", "be_ta", "-", "a" * 32, "../x", "bé"):
        with pytest.raises(UsageError):
            names.valid_host(wrong)


def test_a_workspace_without_a_link(house: House) -> None:
    assert membership.read_membership(house.workspace) is None
    assert directory.remote_agents(house.workspace) == ()
    assert directory.find_agent(house.workspace, "writer").address == "@writer"
    assert not (house.root / ".praxmonitor" / "link").exists()
    with pytest.raises(Refused, match="belongs to no link"):
        membership.member(house.workspace)


def test_a_membership_is_kept(house: House) -> None:
    mine = membership.Membership("alpha", "p", ("nats://127.0.0.1:4222",), membership.HUB, "/etc/c.pem", "me@hub")
    membership.write_membership(house.workspace, mine)
    assert membership.read_membership(house.workspace) == mine
    assert stat.S_IMODE(membership.link_directory(house.workspace).stat().st_mode) == 0o700
    membership.end_membership(house.workspace)
    assert membership.read_membership(house.workspace) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"host": "../x", "project": "p"}', "\xff"])
def test_a_membership_that_is_none_is_said(house: House, text: str) -> None:
    membership.make_link_directory(house.workspace)
    path = house.root / find.MEMBERSHIP
    path.write_text(text)
    with pytest.raises(MailcoreError, match="join the link anew"):
        membership.read_membership(house.workspace)


def test_no_workspace_with_a_dotted_agent_joins(house: House) -> None:
    document = json.loads(house.workspace.registry.read_text())
    document["branches"][0]["email"] = "@wri.ter"
    house.workspace.registry.write_text(json.dumps(document))
    workspace = find.workspace_at(house.root)
    with pytest.raises(Refused, match=r"@wri\.ter: in a link a dot separates"):
        membership.write_membership(workspace, membership.Membership("alpha", "p"))
    assert membership.read_membership(workspace) is None


def test_no_dotted_agent_is_made_and_none_is_of_a_link(house: House) -> None:
    with pytest.raises(Refused, match="a dot separates"):
        create.add_agent(house.workspace, "wri.ter2", "agents/x")
    membership.write_membership(house.workspace, membership.Membership("alpha", "p"))
    document = json.loads(house.workspace.registry.read_text())
    document["branches"][0]["email"] = "@wri.ter"
    house.workspace.registry.write_text(json.dumps(document))
    workspace = find.workspace_at(house.root)
    assert [agent.address for agent in workspace.agents] == ["@editor", "@lead"]
    assert "@wri.ter is passed over: in a link a dot separates" in workspace.refused[0]


def test_whom_an_address_means(link: Linked) -> None:
    def on_alpha(address: str) -> tuple[str, str]:
        agent = directory.find_agent(link.alpha, address)
        return agent.address, agent.host

    assert on_alpha("@writer") == on_alpha("Writer") == on_alpha("@writer.alpha") == ("@writer", "")
    assert on_alpha("@editor") == on_alpha("@editor.beta") == ("@editor.beta", "beta")
    assert on_alpha("@lead.alpha") == ("@lead", "")
    assert on_alpha("@lead.beta") == ("@lead.beta", "beta")
    assert on_alpha("@operator") == ("@operator", "")
    assert on_alpha("@operator.beta") == ("@operator.beta", "beta")


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("@lead", "ambiguous", r"@lead is @lead\.alpha and @lead\.beta"),
        ("@nobody", "unknown_agent", r"no agent @nobody .* known: @writer @lead @editor\.beta @lead\.beta"),
        ("@editr.beta", "unknown_agent", "did you mean @editor"),
        ("@writer.beta", "unknown_agent", "no agent @writer on beta"),
        ("@writer.gamma", "unknown_host", "no host gamma in the link; known: beta"),
        ("@editor.alpha", "unknown_agent", "no agent @editor in"),
        ("@x./../y", "unknown_host", "no host"),
    ],
)
def test_whom_no_address_means(link: Linked, address: str, code: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        directory.find_agent(link.alpha, address)
    assert refused.value.code == code


def test_a_revoked_host_has_no_agents(link: Linked) -> None:
    directory.write_host(link.alpha, HostRecord("beta", agents=("@editor", "@lead"), revoked=True))
    assert directory.remote_agents(link.alpha) == ()
    assert directory.find_agent(link.alpha, "@lead").host == ""
    with pytest.raises(Refused, match="belongs to the link no more"):
        directory.find_agent(link.alpha, "@editor.beta")
    assert [record.name for record in directory.read_hosts(link.alpha)] == ["beta"]


def test_what_a_host_says_its_agents_are_is_not_believed(link: Linked) -> None:
    told = ("@../../x", "@a.b", "@operator", "@all", "editor", "", "@ok", "@" + "x" * 99)
    directory.write_host(link.alpha, HostRecord("beta", agents=told))
    assert [agent.address for agent in directory.remote_agents(link.alpha)] == ["@ok.beta"]


def test_a_record_that_is_none_is_no_host(link: Linked) -> None:
    for name, text in (("gamma", "{}"), ("delta", "\xff"), ("UPPER", '{"name": "UPPER"}'), ("eps", '{"name": "beta"}')):
        place = directory.host_directory(link.alpha, name)
        place.mkdir()
        (place / directory.RECORD).write_text(text)
    assert [record.name for record in directory.read_hosts(link.alpha)] == ["beta"]


def test_what_is_kept_of_a_remote_agent_lies_apart(link: Linked) -> None:
    agent = directory.find_agent(link.alpha, "@editor")
    assert agent.branch == membership.link_directory(link.alpha) / "hosts" / "beta" / "agents" / "editor"
    assert agent.is_remote
    assert not agent.branch.exists()


def test_a_workspace_that_is_made_now_is_of_no_link(link: Linked) -> None:
    other = create.create_workspace(link.alpha.root / "inner", [("writer", "writer")])
    assert directory.remote_agents(other) == ()
