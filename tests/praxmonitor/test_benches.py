"""Every bench starts from a clean copy, by the command that its docs give, where the programs are merely installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parents[2]
BENCHES = sorted(path.stem for path in (ROOT / "tests" / "bench").glob("bench_*.py"))
TINY = {
    "bench_alarms": "--agents 3 --turns 3",
    "bench_alertmanager": "--hours 1.6 --speed 1200",
    "bench_dispatch": "--turns 1 --runs 1 --seconds 0.5",
    "bench_errors": "--lines 500 --turns 1",
    "bench_feed": "--agents 2 --rate 10 --seconds 1 --gigabytes 0.001",
    "bench_fleet": "--turns 2 --agents 2 --seconds 3 --capacity-seconds 2",
    "bench_history": "--agents 2 --hours 0.1",
    "bench_hooks": "--turns 2",
    "bench_link": "--turns 3 --commands 1 --sustained 20 --writers 2 --backlog 20 --agents 3",
    "bench_link_sight": "--hosts 1 --agents 2 --rate 20 --seconds 0.5 --probes 2",
    "bench_logs": "--megabytes 2 --turns 1 --seconds 1 --files 5 --rate 500",
    "bench_mail": "--sizes 0 10 --turns 2 --each 1 --rounds 1",
    "bench_observe": "--agents 2 --turns 2",
    "bench_paint": "--agents 2 --turns 1",
    "bench_rotation": "--seconds 1 --rates 20 --ways rename truncate",
    "bench_screen": "--agents 2 --rate 20 --seconds 0.5 --probes 2",
    "bench_search": "--mails 100 --turns 1",
    "bench_sessions": "--sessions 6 --inside 2 --seconds 1 --probes 1",
    "bench_sound": "--turns 1",
}
SERVER = Path(sys.executable).with_name("nats-server")
"""The program that links hosts, where it is installed."""
COMMAND = re.compile(r"python -m (tests\.bench\.(bench_\w+))")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with an environment into which the programs were installed as files, not as a link."""
    place = tmp_path_factory.mktemp("clean")
    for name in ("mailcore", "praxmonitor", "tests", "sounds", "themes"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    (place / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    venv.create(place / ".venv", symlinks=True)
    python = place / ".venv" / "bin" / "python"
    own = Path(sysconfig.get_path("purelib", vars={"base": str(place / ".venv"), "platbase": str(place / ".venv")}))
    for name in ("mailcore", "praxmonitor"):
        shutil.copytree(place / name, own / name)
    for name in ("sounds", "themes"):
        shutil.copytree(place / name, own / "praxmonitor" / "share" / name)
    # What stands in a .pth of that directory is not followed: a link to a checkout would hide what is missing.
    (own / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name, module in (("mailcore", "mailcore.cli"), ("praxmonitor", "praxmonitor.__main__")):
        script = python.with_name(name)
        script.write_text(f"#!{python}\nimport sys\nfrom {module} import main\nsys.exit(main())\n")
        script.chmod(0o755)
    if SERVER.exists():
        python.with_name(SERVER.name).symlink_to(SERVER)
    return place


def test_each_bench_is_told_of_where_benches_are_told() -> None:
    told = {found[2] for found in COMMAND.finditer((ROOT / "tests" / "bench" / "README.md").read_text())}
    assert set(BENCHES) == set(TINY) == told


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_starts_by_the_command_that_its_docs_give(name: str, clean: Path, tmp_path: Path) -> None:
    source = (ROOT / "tests" / "bench" / f"{name}.py").read_text()
    commands = {found[1] for found in COMMAND.finditer(source.partition('"""\n\nfrom')[0])}
    assert commands == {f"tests.bench.{name}"}, "its own words name it"
    if name == "bench_sound" and not (shutil.which("pulseaudio") and shutil.which("parec")):
        pytest.skip("pulseaudio and parec are not installed")
    if "link" in name and not SERVER.exists():
        pytest.skip("nats-server is not installed")
    left_out = ("PYTHONPATH", "PRAX_AIPASS_VENV", "MAILCORE_SYSTEM")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    words = [str(clean / ".venv" / "bin" / "python"), "-m", *commands, *TINY[name].split()]
    done = subprocess.run(
        words,
        cwd=clean,
        env={**environment, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d (ms|MB|%)", done.stdout) or "ms" in done.stdout, done.stdout
    assert sys.prefix not in done.stderr
