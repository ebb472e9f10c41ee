"""Keys of hosts and of the persons at them: Ed25519, as NKEYs, whose seeds never leave the host.

The library is imported where a key is used: most commands use none.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError, Refused
from mailcore.system import writing
from mailcore.system.safe_open import read_bytes

HOST_KEY, OPERATOR_KEY = "host.key", "operator.key"
"""The files of the two seeds, in the link's directory."""
_SEALED = b"sealed "
_PUBLIC = re.compile(r"U[A-Z2-7]{55}")
_COST = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 1 << 26, "dklen": 32}
_MISSING = "the link's libraries are not installed: pip install 'praxmonitor[link]'"


class Key:
    """A key pair that was read: it signs."""

    def __init__(self, seed: bytes) -> None:
        self._pair = _library().from_seed(bytearray(seed))
        self.seed = seed
        """What the server's client proves itself with."""
        self.public: str = self._pair.public_key.decode()
        """What others know it by."""

    def sign(self, data: bytes) -> str:
        """The signature of `data`, hexadecimal."""
        signature: bytes = self._pair.sign(data)
        return signature.hex()


def make_key(path: Path, phrase: str = "") -> Key:
    """A new key pair, its seed kept at `path` for its owner alone, sealed with the phrase if one is given; the pair
    that is there if there is one."""
    library = _library()
    seed = bytes(library.encode_seed(os.urandom(32), library.PREFIX_BYTE_USER))
    writing.link_new(path, (_sealed(seed, phrase) if phrase else seed) + b"\n", 0o600, durable=True)
    return load_key(path, phrase)


def load_key(path: Path, phrase: str = "") -> Key:
    """The key pair whose seed is kept at `path`.

    Refused (code `key`) if others may read it, or where another phrase opens it; MailcoreError if it is none.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise Refused(f"{path}: others may read it; chmod 600 it", "key")
        kept = read_bytes(path, links=False, most=4096).strip()
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}", "key") from error
    seed = _opened(kept, phrase, path) if kept.startswith(_SEALED) else kept
    try:
        return Key(seed)
    except MailcoreError:
        raise
    except Exception as error:  # the library's own, of several kinds
        raise MailcoreError(f"{path}: holds no key ({type(error).__name__})", "key") from error


def is_sealed(path: Path) -> bool:
    """True if a phrase is wanted to read the key at `path`."""
    try:
        return read_bytes(path, links=False, most=4096).startswith(_SEALED)
    except OSError:
        return False


def is_public(text: str) -> bool:
    """True if that is the public half of a key as the server takes it: of that form, its checksum right."""
    if not _PUBLIC.fullmatch(text):
        return False
    raw = base64.b32decode(text)
    return binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")


def verify(public: str, data: bytes, signature: str) -> bool:
    """True if `signature` is that of `data` by the key that is known as `public`."""
    _library()
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    try:
        raw = base64.b32decode(public + "=" * (-len(public) % 8))
        VerifyKey(raw[1:33]).verify(data, bytes.fromhex(signature))
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def _sealed(seed: bytes, phrase: str) -> bytes:
    from nacl.secret import SecretBox

    salt = os.urandom(16)
    return (
        _SEALED + salt.hex().encode() + b" " + bytes(SecretBox(_stretched(phrase, salt)).encrypt(seed)).hex().encode()
    )


def _opened(kept: bytes, phrase: str, path: Path) -> bytes:
    _library()
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    try:
        _, salt, box = kept.decode("ascii").split()
        return bytes(SecretBox(_stretched(phrase, bytes.fromhex(salt))).decrypt(bytes.fromhex(box)))
    except CryptoError:
        raise Refused(f"{path}: another passphrase opens it", "proof") from None
    except ValueError as error:
        raise MailcoreError(f"{path}: holds no key ({error})", "key") from error


def _stretched(phrase: str, salt: bytes) -> bytes:
    from hashlib import scrypt

    return scrypt(phrase.encode(), salt=salt, **_COST)


def _library() -> Any:
    try:
        import nkeys
    except ImportError as error:
        raise MailcoreError(_MISSING, "no_library") from error
    return nkeys
