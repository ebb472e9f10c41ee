"""The operator's passphrase: what is the operator's alone asks for it, and nothing that an agent can do replaces it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import journal
from mailcore.identity import passphrase
from mailcore.mail import approvals
from mailcore.system import safe_open
from mailcore.workspace import audit
from tests.mailcore.conftest import House

PHRASE, NEW = "a good passphrase", "another, better one"
CLI = [sys.executable, "-m", "mailcore.cli"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def said(house: House, *words: str, phrases: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[bytes]:
    """One command, its passphrases by a descriptor."""
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{one}\n" for one in phrases).encode())
    os.close(writing)
    try:
        options = ["--from", "@operator", "--proof-fd", str(reading)]
        return subprocess.run(
            [*CLI, *words, *options],
            cwd=house.root,
            env={**os.environ, **env},
            capture_output=True,
            pass_fds=(reading,),
        )
    finally:
        os.close(reading)


@pytest.fixture
def secured(house: House) -> House:
    """A workspace that asks for the passphrase, with a request that waits."""
    house.extra = '[operator]\nproof = "passphrase"'
    house.configure()
    assert said(house, "operator", "passphrase", phrases=(PHRASE,)).returncode == 0
    approvals.request_approval(house.workspace, "@writer", "@operator", "@operator", "may I", "b", 1)
    return house


def approved(house: House) -> bool:
    return not [m for m in house.inbox("@operator") if m.undecided]


OPERATORS = [
    ("approve", "1", "yes"), ("deny", "1", "no"), ("release", "@editor"), ("kill", "@editor"),
    ("prune", "--older", "0d"), ("trust",), ("operator", "off"),
]  # fmt: skip


@pytest.mark.parametrize("words", OPERATORS, ids=lambda words: words[0])
def test_without_the_passphrase_nothing_of_the_operators_is_done(secured: House, words: tuple[str, ...]) -> None:
    secured.mailcore("hold", "@editor", "--from", "@operator")
    for phrases in ((), ("",), ("a guess",), (PHRASE + " ",)):
        refused = said(secured, *words, phrases=phrases)
        assert refused.returncode == 3 and b"passphrase" in refused.stderr, (phrases, refused.stderr)
    no_terminal = secured.mailcore(*words, "--from", "@operator")
    assert no_terminal.returncode == 3 and b"--proof-fd N" in no_terminal.stderr
    assert not approved(secured)
    done = said(secured, *words, phrases=(PHRASE,))
    assert done.returncode == 0 or b"nothing runs" in done.stderr, done.stderr
    acts = journal.read_records(secured.workspace.state_dir / "audit.jsonl")
    assert sum(act["verb"] == passphrase.WRONG for act in acts) == 4, "each wrong one stands in the audit"
    if words[0] == "approve":
        (act,) = [act for act in acts if act["verb"] == "approved"]
        assert act["proof"] == "passphrase"


def test_it_is_typed_at_the_terminal_and_not_shown(secured: House) -> None:
    child = pexpect.spawn(
        CLI[0], [*CLI[1:], "approve", "1", "yes", "--from", "@operator"], cwd=str(secured.root), timeout=20
    )
    child.expect("the operator's passphrase: ")
    child.sendline(PHRASE)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and approved(secured)
    assert PHRASE.encode() not in (child.before or b"")


def test_it_is_set_at_the_terminal_twice_the_same(house: House, home: Path) -> None:
    for second, status in (("something else", 2), (PHRASE, 0)):
        child = pexpect.spawn(
            CLI[0], [*CLI[1:], "operator", "passphrase", "--from", "@operator"], cwd=str(house.root), timeout=20
        )
        child.expect("the new passphrase: ")
        child.sendline(PHRASE)
        child.expect("once more: ")
        child.sendline(second)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == status
        assert passphrase.passphrase_file().exists() == (status == 0)


def test_only_a_salted_hash_is_kept_for_the_user_alone(secured: House) -> None:
    text = passphrase.passphrase_file().read_text()
    assert PHRASE not in text and stat.S_IMODE(passphrase.passphrase_file().stat().st_mode) == 0o600
    before = passphrase.stored_passphrase()
    assert said(secured, "operator", "passphrase", phrases=(PHRASE, PHRASE)).returncode == 0
    after = passphrase.stored_passphrase()
    assert before and after and before.hash != after.hash and before.salt != after.salt, "the same, salted anew"


def test_a_new_one_asks_for_the_former_and_other_workspaces_know_it(secured: House, tmp_path: Path) -> None:
    from mailcore.workspace import create

    other = House(create.create_workspace(tmp_path / "other", [("writer", "w")]))
    assert said(other, "operator", "passphrase", phrases=(PHRASE, PHRASE)).returncode == 0
    assert said(secured, "operator", "passphrase", phrases=("a guess", NEW)).returncode == 3
    assert said(secured, "operator", "passphrase", phrases=(PHRASE, "short")).returncode == 2
    assert said(secured, "operator", "passphrase", phrases=(PHRASE, NEW)).returncode == 0
    for house in (secured, other):
        assert said(house, "trust", phrases=(PHRASE,)).returncode == 3
        assert said(house, "trust", phrases=(NEW,)).returncode == 0


def test_neither_a_hand_in_the_config_nor_another_home_gets_around_it(secured: House, tmp_path: Path) -> None:
    secured.extra = '[operator]\nproof = "none"'
    secured.configure()
    assert secured.mailcore("approve", "1", "yes", "--from", "@operator").returncode == 3
    elsewhere = str(tmp_path / "elsewhere")
    made = said(secured, "operator", "passphrase", phrases=(NEW,), XDG_CONFIG_HOME=elsewhere)
    assert made.returncode == 3 and b"no passphrase is set" in made.stderr
    other = tmp_path / "elsewhere" / "praxmonitor" / "operator.json"
    other.parent.mkdir(parents=True)
    salt = "00"
    other.write_text(f'{{"salt": "{salt}", "hash": "{passphrase._hashed(NEW, salt)}"}}')
    refused = said(secured, "approve", "1", "yes", phrases=(NEW,), XDG_CONFIG_HOME=elsewhere)
    assert refused.returncode == 3 and b"another passphrase than the one that" in refused.stderr
    assert not approved(secured)
    assert said(secured, "operator", "off", phrases=(PHRASE,)).returncode == 0
    assert secured.mailcore("approve", "1", "yes", "--from", "@operator").returncode == 0, "put off by who knows it"


def test_the_passphrase_makes_no_run_the_operator(secured: House, tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text(PHRASE)
    command = f"{' '.join(CLI)} approve 1 yes --from @operator --proof-fd 3 3<{tmp_path}/phrase >{tmp_path}/said 2>&1"
    secured.shell("editor", f"echo up; {command}; exit 0")
    secured.over("@editor", secured.started("@operator", "@editor"))
    assert "no other name is taken" in (tmp_path / "said").read_text() and not approved(secured)


def test_words_and_variables_are_no_way_to_say_it(secured: House) -> None:
    assert secured.mailcore("approve", "1", "yes", "--proof", PHRASE, "--from", "@operator").returncode == 2
    done = secured.mailcore("approve", "1", "yes", "--from", "@operator", env={"MAILCORE_PASSPHRASE": PHRASE})
    assert done.returncode == 3 and not approved(secured)
    bad = secured.mailcore("approve", "1", "yes", "--from", "@operator", "--proof-fd", "77")
    assert bad.returncode == 2 and b"--proof-fd 77: Bad file descriptor" in bad.stderr


def test_a_spoilt_file_is_said(secured: House) -> None:
    passphrase.passphrase_file().write_text("{")
    refused = said(secured, "trust", phrases=(PHRASE,))
    assert refused.returncode == 4 and str(passphrase.passphrase_file()).encode() in refused.stderr
    passphrase.passphrase_file().unlink()
    told = secured.mailcore("doctor").stdout.decode()
    assert "no passphrase is set" in told and "mailcore operator passphrase" in told
    with pytest.raises(Refused, match="no passphrase is set"):
        passphrase.require_passphrase(secured.workspace, iter([PHRASE]))


def test_an_audit_that_grew_beyond_what_is_read_whole_still_asks_for_it(house: House) -> None:
    """It is never cut. What cannot be read of it, or was torn in a power cut, puts nothing off either."""
    assert said(house, "operator", "passphrase", phrases=(PHRASE,)).returncode == 0
    assert passphrase.is_wanted(house.workspace, "none")
    path = house.root / ".praxmonitor" / "audit.jsonl"
    with path.open("ab") as file:
        file.write(b'{"at":"2026-11-01T00:00:00","by":"@operator","verb":"passphrase wr\n')
        file.write(b'{"by":"@writer","verb":"passphrase off","at":"x"}\n' + b"x" * 3 * audit.MAX_AUDIT_LINE + b"\n")
        file.truncate(safe_open.MAX_WHOLE_FILE + 4096)  # a hole: as long, and no disk is filled
    assert passphrase.is_wanted(house.workspace, "none")
    with path.open("ab") as file:
        file.write(b'\n{"at":"2026-11-02T00:00:00","by":"@operator","verb":"passphrase off"}\n')
    assert not passphrase.is_wanted(house.workspace, "none")
    path.unlink()
    path.symlink_to(house.root / "elsewhere")
    with pytest.raises(MailcoreError, match="whether a passphrase is asked for is not known"):
        passphrase.is_wanted(house.workspace, "none")
