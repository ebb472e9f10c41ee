"""What ships is found in a checkout and in a wheel alike."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from praxmonitor import assets


def test_a_checkout_has_them_at_its_top() -> None:
    root = Path(__file__).parents[2]

    assert assets.sounds_dir() == root / "sounds"
    assert (assets.sounds_dir() / "default" / "openpeon.json").is_file()
    assert assets.themes_dir() == root / "themes"


def test_a_wheel_has_them_in_its_share(tmp_path: Path) -> None:
    package = tmp_path / "praxmonitor"
    for name in ("sounds", "themes"):
        (package / "share" / name).mkdir(parents=True)
        (tmp_path / name).mkdir()  # site-packages may hold such a directory of somebody else's
    (package / "__init__.py").touch()
    shutil.copy(assets.__file__, package)

    asked = subprocess.run(
        [sys.executable, "-c", "from praxmonitor.assets import *; print(sounds_dir()); print(themes_dir())"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert asked.stdout.splitlines() == [str(package / "share" / "sounds"), str(package / "share" / "themes")]
