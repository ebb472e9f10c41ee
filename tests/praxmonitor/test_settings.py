"""config.toml while a screen or guard is open: what is changed holds, what cannot be followed is said until mended."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from mailcore.config import Alarms, Config
from praxmonitor.alarms.config_reload import ConfigReload
from tests.clock import Clock
from tests.praxmonitor.fake_feed import FakeFeed, FakeSpeaker, app_on, lighthouse, until, workspace


def settled(settings: ConfigReload) -> Config | str | None:
    """What two looks at the same file tell: the first may see it half written."""
    assert settings.look() is None
    return settings.look()


def test_only_a_change_is_read_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[alarms]\nsilence = 7\n")
    settings = ConfigReload(path)
    assert settled(settings) is None
    for broken, said in (
        ("[alarms\n", "line 1"),
        ("[alarms]\nsilense = 7\n", "no key silense"),
        ('[sound]\nquiet = "late"\n', "two times of the day"),
    ):
        path.write_text(broken)
        told = settled(settings)
        assert isinstance(told, str) and told.startswith(f"{path}: ") and said in told
        assert told.endswith("; the settings from before hold") and settings.look() is None
    path.write_text("[alarms]\nsilence = 70\n")
    found = settled(settings)
    assert isinstance(found, Config) and found.alarms.silence == 70


def test_what_is_being_written_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[alarms]\nsilence = 7\n[usage]\nhold = true\n")
    settings = ConfigReload(path)
    with path.open("w") as file:
        assert settings.look() is None
        file.write("[alarms]\nsilence = 70\n")
        file.flush()
        assert settings.look() is None
        file.write("[usage]\nhold = true\n")
    found = settled(settings)
    assert isinstance(found, Config) and (found.alarms.silence, found.usage.hold) == (70, True)


def test_a_file_that_is_there_no_more_is_told_and_its_settings_hold(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[alarms]\nsilence = 7\n")
    settings = ConfigReload(path)
    aside = path.rename(tmp_path / "config.bak")
    told = settled(settings)
    assert isinstance(told, str) and told.startswith(f"{path}: is there no more; the settings from before hold")
    aside.rename(path)
    found = settled(settings)
    assert isinstance(found, Config) and found.alarms.silence == 7


@pytest.mark.anyio
async def test_an_open_screen_follows_its_config_and_says_what_it_cannot_follow(tmp_path: Path) -> None:
    (tmp_path / ".praxmonitor").mkdir()
    path = tmp_path / ".praxmonitor" / "config.toml"
    fleet, speaker = structs.replace(lighthouse(), root=tmp_path), FakeSpeaker()
    before = Config(alarms=Alarms(silence=60.0, look=0.1))
    clock = Clock(runs=True)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=before, speaker=speaker, live=True, clock=clock)

    begun = app.opened.config

    def silent() -> bool:
        return any(episode.alarm.address == "@checker" and not episode.cleared_at for episode in app.standing)

    def degraded() -> list[str]:
        return [episode.alarm.text for episode in app.standing if episode.alarm.kind == "degraded"]

    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, silent, "it is silent")
        path.write_text("[alarms]\nsilence = \n")
        await until(pilot, degraded, "it says that the file cannot be followed")
        (text,) = degraded()
        assert str(path) in text and "line 2" in text and "the settings from before hold" in text
        assert app.opened.config is begun
        path.write_text("[alarms]\nsilence = 3000\nlook = 0.1\n[sound]\nvolume = 0.25\n")
        await until(pilot, lambda: not degraded(), "it says so no more when it is mended")
        assert app.opened.config.alarms.silence == 3000 and speaker.settings.volume == 0.25
        await until(pilot, lambda: not silent(), "the new limit holds")
        assert any("config.toml changed" in notice.text for notice in app.notices)
