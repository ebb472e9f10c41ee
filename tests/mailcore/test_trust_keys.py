"""Which keys of config.toml a stranger's workspace has withheld: each that starts something or gives a right."""

from __future__ import annotations

from dataclasses import replace

from mailcore.config import Config
from mailcore.config.reference import TABLES, TIER, ConfigKey, keys
from mailcore.hooks import policy
from mailcore.model.permission import PermissionRequest
from mailcore.workspace import trust
from tests.mailcore.conftest import House
from tests.mailcore.test_trust import git, needs_git


@needs_git
def test_what_a_stranger_allowed_without_asking_is_asked_for_and_what_it_denied_stays_denied(house: House) -> None:
    agent = house.agent("@writer")

    def decided(tool: str) -> bool | None:
        request = PermissionRequest("0" * 8, "@writer", "s-1", tool, {"command": "touch one"}, 1.0, 0.0)
        answer = policy.decided(house.workspace, agent, request)
        return answer.allow if answer is not None else None

    house.workspace.config_file.write_text('[permissions]\nallow = ["*"]\ndeny = ["Rm"]\n')
    assert decided("Bash") is True, "it is this user's own"
    git(house.root, "init")
    git(house.root, "add", "-A")
    git(house.root, "commit", "-m", "theirs")
    assert decided("Bash") is None, "nobody here watches, so its own terminal asks"
    assert decided("Rm") is False
    assert b'permissions.allow = ["*"]' in house.mailcore("trust", "--show").stdout
    assert house.mailcore("trust", "--from", "@operator").returncode == 0
    assert decided("Bash") is True
    house.workspace.config_file.write_text('[permissions]\nallow = ["*", "Rm"]\n')
    git(house.root, "commit", "-am", "pulled")
    assert decided("Bash") is None


@needs_git
def test_what_a_strangers_config_would_start_at_an_error_in_a_log_is_not_started(house: House) -> None:
    house.workspace.config_file.write_text("[errors]\ndispatch = true\n")
    git(house.root, "init")
    git(house.root, "add", "-A")
    git(house.root, "commit", "-m", "theirs")
    config, status = trust.trusted_config(house.workspace)
    assert status.lines == ["errors.dispatch = true"] and not config.errors.dispatch and config.errors.mail


GIVES_NO_RIGHT = {
    "alarms.notify", "alarms.your_move", "approval.tiers.2.proof", "errors.mute", "errors.owners", "errors.severity",
    "link.acts", "link.host", "permissions.deny", "projects.NAME.root", "sound.agents", "sound.backend", "sound.kinds",
    "sound.pack", "sound.quiet",
}  # fmt: skip
"""Keys of words that are followed whoever wrote them: they name, narrow, or say what is heard; nothing crosses to
another project unless its own config names this one."""


def test_each_key_that_holds_words_is_known_to_give_a_right_or_none() -> None:
    def words(key: ConfigKey) -> bool:
        return isinstance(key.default, str | dict) or (isinstance(key.default, tuple) and "number" not in key.allowed)

    found = {key.name for section in TABLES for key in keys(section) if words(key)}
    rights = {f"{section}.{key}" for section, names in trust.KEYS.items() for key in names}
    rights |= {f"agents.NAME.{key}" for key in trust.OF_AGENTS} | {"accounts.NAME.PROGRAM", f"{TIER}.approver"}
    assert found - rights == GIVES_NO_RIGHT


def test_what_is_withheld_is_as_if_it_were_not_there() -> None:
    for section, names in trust.KEYS.items():
        kind = TABLES[section]
        odd = kind(**{name: object() for name in names})
        config = trust.without_withheld(replace(Config(), **{section: odd}))
        for name in names:
            assert getattr(getattr(config, section), name) == getattr(kind(), name), name
