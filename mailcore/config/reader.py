"""config.toml → `Config`. What is not allowed there is said with file, section, key, value and what is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailcore.config.mail import Mail
from mailcore.exceptions import ConfigError
from mailcore.system.safe_open import read_bytes

if TYPE_CHECKING:
    from mailcore.config.schema import Config

TOO_LONG = "has a number that is too long, or is nested too deep"


def read_config(path: Path) -> Config:
    """Read config.toml; a missing file is all defaults. ConfigError names the first fault, and how many more there are.

    It may be a regular file, or a symlink to one: what is kept among other settings of yours is linked to. Nothing
    else is waited for.
    """
    config, faults = read_settings(path)[1:]
    if faults:
        more = f" (and {len(faults) - 1:,} more: `mailcore config` lists them)" if faults[1:] else ""
        raise ConfigError(f"{path}: {faults[0]}{more}")
    return config


def read_config_or_defaults(path: Path) -> tuple[Config, str]:
    """The config, or all defaults and why: for what must work whatever stands there, like kill and reply."""
    try:
        return read_config(path), ""
    except ConfigError as error:
        from mailcore.config.schema import Config

        return Config(), f"{error}; the defaults are used meanwhile"


def read_mail_or_defaults(path: Path) -> Mail:
    """What [mail] says, or the defaults where it has a fault. Nothing else of the file is judged: a fault of the sound
    keeps no mail back, and what is not judged costs nothing."""
    try:
        table = _tables(path).get("mail")
    except ConfigError:
        return Mail()
    if table is None:
        return Mail()
    from mailcore.config.check import checked_section

    values, faults = checked_section(Mail, table, "mail")
    return Mail() if faults else Mail(**values)


def read_settings(path: Path) -> tuple[dict[str, Any], Config, list[str]]:
    """What the file says itself, the settings, and every fault in words. ConfigError if there is no TOML to judge."""
    tables = _tables(path)
    if not tables:
        from mailcore.config.schema import Config

        return {}, Config(), []
    from mailcore.config.inherit import resolve_config

    try:
        return tables, *resolve_config(tables)
    except (ValueError, RecursionError) as error:  # over 4,300 digits, or nested about 1,000 deep
        raise ConfigError(f"{path}: {TOO_LONG}") from error


def _tables(path: Path) -> dict[str, Any]:
    """What the file says. ConfigError if there is no TOML to judge."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{path}: is a symlink that leads nowhere; mend or remove it") from None
        return {}
    except OSError as error:
        remedy = "; put a plain file there" if str(error.strerror).endswith("refused") else ""
        raise ConfigError(f"{path}: {error.strerror}{remedy}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: is no UTF-8 text: {error.reason} at byte {error.start}; save it as UTF-8"
        ) from error
    if _is_comments(text):
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {TOO_LONG}") from error


def _is_comments(text: str) -> bool:
    """Whether nothing is set there, as in every new workspace: then no parser is loaded, 3 ms of a command's 80."""
    return all(line[:1] in ("", "#") and line.isprintable() for line in text.split("\n"))


def parse_toml(data: bytes) -> dict[str, Any]:
    """What a config.toml says whose content is known. ValueError if it is none."""
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError(TOO_LONG) from error
