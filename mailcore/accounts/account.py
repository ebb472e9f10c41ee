"""Which account an agent works with, and which accounts there are: the one rule that everything here shares.

An account is a directory in which a program keeps its credentials, its settings and its sessions. config.toml names
such directories under [accounts.NAME]; the default account is the directory that the program takes by itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from mailcore.config import Config
from mailcore.exceptions import ConfigError, Refused, did_you_mean
from mailcore.formats.digest import digest
from mailcore.model.account import Account
from mailcore.programs.base import Program
from mailcore.programs.registry import find_program, has_home, programs
from mailcore.system import user_directories


def account_of(config: Config, address: str, program_name: str, wanted: str | None = None) -> Account:
    """The account with which an agent works in a program: the `wanted` one, else the one that config names for it.

    One that is not there has the default directory; who is to start something asks `require_account`.
    """
    return _account(config, program_name, config.agent(address).account if wanted is None else wanted)


def require_account(config: Config, address: str, program_name: str, wanted: str | None = None) -> Account:
    """`account_of`; Refused (code `no_account`) if there is none of that name, or none of that program in it."""
    account = account_of(config, address, program_name, wanted)
    name = account.name
    if name and name not in config.accounts:
        known = f"there are {', '.join(config.accounts)}" if config.accounts else "config.toml names none"
        raise Refused(f"no account {name!r}; {known}{did_you_mean(name, config.accounts)}", "no_account")
    if name and has_home(program_name) and program_name not in config.accounts[name]:
        raise Refused(
            f"the account {name} has no directory of {program_name}, which {address} is: name one in "
            f".praxmonitor/config.toml, [accounts.{name}]",
            "no_account",
        )
    return account


def accounts(config: Config, kinds: Iterable[Program] | None = None) -> tuple[Account, ...]:
    """Every account that an agent may work with: the default one of each program, and those that config names.

    `kinds`: only those of these programs. To ask which there are in all takes 25 ms.

    A directory that has two names, or is the default one as well, is one account, with the first of its names.
    """
    found: dict[str, Account] = {}
    for kind in programs() if kinds is None else kinds:
        for name in ("", *(name for name, homes in config.accounts.items() if kind.name in homes)):
            one = _account(config, kind.name, name)
            if one.key not in found or not found[one.key].name:
                found[one.key] = one
    return tuple(found.values())


def default_accounts() -> tuple[Account, ...]:
    """The default one of each program."""
    return accounts(Config())


def account_variables(config: Config, account: Account) -> dict[str, str]:
    """The environment variables by which programs are given an account; of the default one none: nothing is changed.

    Every program that has a directory of that account is given it: an agent's program may start another.
    """
    return {
        kind.home.variable: str(_directory(text))
        for name, text in config.accounts.get(account.name, {}).items()
        if (kind := find_program(name)) is not None and kind.home is not None
    }


def why_unusable(account: Account) -> str:
    """Why no program could work in the directory of an account that config names; empty where it may.

    One that is not there yet is made by the program, or refused in its own words.
    """
    if not account.name:
        return ""
    try:
        os.scandir(account.home).close()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return (
            f"{account.home}: {error.strerror}; it is [accounts.{account.name}] {account.program} in config.toml: "
            "mend its rights, or name another directory"
        )
    return ""


def require_usable(account: Account) -> None:
    """ConfigError if its directory cannot be worked in."""
    if why := why_unusable(account):
        raise ConfigError(why, "no_account")


def _account(config: Config, program_name: str, name: str) -> Account:
    text = config.accounts.get(name, {}).get(program_name)
    kind = find_program(program_name)
    if text is not None:
        home = _directory(text)
    else:
        home = kind.home.usual() if kind is not None and kind.home is not None else user_directories.home()
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", program_name)
    return Account(program_name, name, home, f"{plain}-{digest(os.fsencode(os.path.realpath(home)), 4)}")


def _directory(text: str) -> Path:
    """As config.toml writes it: absolute, or from the user's home directory on."""
    return user_directories.home() / text[1:].lstrip("/") if text.startswith("~") else Path(text)
