"""Where many paths really lie: as `os.path.realpath` says it, links or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailcore.system.real_paths import real_paths

pytestmark = pytest.mark.backends


def test_each_path_is_where_realpath_says(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "a" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    (real / "b").symlink_to(real / "a")
    (real / "loop").symlink_to(real / "loop")
    asked = [
        real / "a", real / "a" / "inner", real / "b", real / "b" / "inner", real / "missing" / "below", real / "loop",
        tmp_path / "link" / "a", tmp_path / "link" / "b" / "inner", tmp_path / "link", real / "a" / "..", Path("/"),
        Path("relative"), Path(), Path(".."),
    ]  # fmt: skip
    assert real_paths(asked) == [os.path.realpath(path) for path in asked]
