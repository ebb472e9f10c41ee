"""Keys sign; who may read them, and with what phrase."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts import keys


def test_a_key_is_on_disk_before_it_is_used(tmp_path: Path, synced: Callable[[Path], bool]) -> None:
    """The hub keeps its public half: without the seed nobody could prove to be that host."""
    keys.make_key(tmp_path / "host.key")
    assert synced(tmp_path / "host.key") and synced(tmp_path)


def test_a_key_signs_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "host.key"
    key = keys.make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.make_key(path).public == keys.load_key(path).public == key.public
    signature = key.sign(b"what is said")
    assert keys.verify(key.public, b"what is said", signature)
    other = keys.make_key(tmp_path / "other.key")
    assert other.public != key.public
    assert not keys.verify(other.public, b"what is said", signature)
    assert not keys.verify(key.public, b"what is sais", signature)


@pytest.mark.parametrize(("public", "signature"), [("", ""), ("U", "00"), ("é", "zz"), ("UA" * 28, "00" * 64)])
def test_what_is_no_key_or_no_signature_verifies_nothing(public: str, signature: str) -> None:
    assert not keys.verify(public, b"", signature)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "host.key"
    keys.make_key(path)
    path.chmod(0o640)
    with pytest.raises(Refused, match="others may read it"):
        keys.load_key(path)


def test_a_sealed_key_wants_its_phrase(tmp_path: Path) -> None:
    path = tmp_path / "operator.key"
    key = keys.make_key(path, "a long phrase")
    assert key.seed not in path.read_bytes()
    assert keys.is_sealed(path)
    assert keys.load_key(path, "a long phrase").public == key.public
    for wrong in ("", "another phrase"):
        with pytest.raises(Refused, match="another passphrase"):
            keys.load_key(path, wrong)


@pytest.mark.parametrize("text", [b"", b"SUAAAA", b"sealed 00", b"sealed zz zz", b"\xff\xff", b"sealed \xff 00"])
def test_what_is_no_key_is_said(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "host.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(MailcoreError, match=r"host\.key"):
        keys.load_key(path)
    with pytest.raises(MailcoreError, match="No such file"):
        keys.load_key(tmp_path / "none.key")
