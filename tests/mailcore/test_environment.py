"""Which Python and which programs: a project's own files never run in our processes, nor ours before its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailcore.dispatch.process.environment import search_path
from mailcore.dispatch.runs.run_list import read_run
from mailcore.model.run import Phase
from mailcore.system.python_child import child
from tests.mailcore.conftest import House, wait_until

SHADOWED = ("random", "inspect", "json", "select", "uuid", "orjson", "secrets", "enum")


def shadow(directory: Path) -> Path:
    """Modules of the standard library's names, which tell that they ran and then break; where they tell it."""
    directory.mkdir(exist_ok=True)
    ran = directory / "RAN"
    source = f"import os, sys\nos.write(os.open({str(ran)!r}, os.O_CREAT | os.O_WRONLY), b'x')\nraise ImportError\n"
    for name in SHADOWED:
        (directory / f"{name}.py").write_text(source)
    return ran


@pytest.mark.elsewhere
def test_no_file_of_the_project_runs_in_a_supervisor(house: House) -> None:
    ran = shadow(house.root)
    house.shell("writer", "echo up; mailcore done 1 ok")
    run_id = house.started("@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.COMPLETED and not ran.exists()


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONINSPECT", "PYTHONWARNINGS"])
def test_pythons_variables_are_the_agents_and_change_no_child_of_ours(
    house: House, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that the agent is gets them as they are."""
    value = str(house.root / "src") if name in ("PYTHONPATH", "PYTHONHOME") else "error" if "WARN" in name else "1"
    ran = shadow(house.root / "src")
    house.shell("writer", f"echo up; echo ${name} > said; unset PYTHONHOME; mailcore done 1 ok")
    monkeypatch.setenv(name, value)
    run_id = house.started("@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    assert house.says(house.agent("writer").branch / "said") == value and not ran.exists()


def test_the_command_imports_the_projects_modules_last(house: House) -> None:
    script = shutil.which("mailcore", path=str(Path(sys.executable).parent))
    assert script is not None
    (house.root / "src").mkdir()
    for name in ("argparse", "orjson", "msgspec", "uuid"):
        (house.root / "src" / f"{name}.py").write_text("raise SystemExit('the project ran')")
    done = house.mailcore("agents", env={"PYTHONPATH": str(house.root / "src")}, program=(script,))
    assert done.returncode == 0, done.stderr


def test_a_mailcore_that_only_pythonpath_leads_to_is_found_by_its_children(tmp_path: Path) -> None:
    """Then its place comes after the standard library, so that a project beside it hides nothing."""
    import mailcore

    ran = shadow(tmp_path / "src")
    (tmp_path / "src" / "mailcore").symlink_to(Path(mailcore.__file__).parent)
    code = (
        "import sys, subprocess; sys.path = [p for p in sys.path if not p.endswith('src')] + [sys.argv[1]]\n"
        "import mailcore.system.python_child as ours\n"
        "ours.__file__ = sys.argv[1] + '/mailcore/system/python_child.py'\n"
        "words = ours.child('mailcore.cli', '--version'); assert '-m' not in words, words\n"
        "raise SystemExit(subprocess.call(words))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run([sys.executable, "-P", "-E", "-c", code, str(tmp_path / "src")], env=environment, timeout=60)
    assert done.returncode == 0 and not ran.exists()


def test_every_child_of_ours_is_started_so() -> None:
    root = Path(__file__).parents[2]
    places = [path for part in ("mailcore", "praxmonitor") for path in (root / part).rglob("*.py")]
    ours = {
        path.name for path in places if '"-m", "mailcore' in (text := path.read_text()) or '"-m", "praxmonitor' in text
    }
    assert ours == set() and child("m", "w")[:5] == [sys.executable, "-P", "-E", "-Xutf8", "-m"]


@pytest.mark.elsewhere
def test_of_our_programs_an_agent_finds_mailcore_alone(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project's or the system's python, pytest and the like are its own, and ours are none of its."""
    mine = tmp_path / "bin"
    mine.mkdir()
    (mine / "python3").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", f"{mine}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    scripts = str(Path(sys.executable).parent)
    found = shutil.which("mailcore", path=search_path())
    assert found and b"mailcore" in subprocess.check_output([found, "--version"])
    assert shutil.which("python3", path=search_path()) == str(mine / "python3")
    assert scripts not in search_path().split(":") and list(Path(found).parent.iterdir()) == [Path(found)]
    house.shell("writer", "echo up; command -v python3 mailcore pytest; mailcore done 1 ok")
    run_id = house.started("@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    said = (house.agent("writer").runs_dir / run_id / "attempt-1.stdout.log").read_text()
    assert str(mine / "python3") in said and f"{scripts}/" not in said


@pytest.mark.parametrize("state", ["file", "nowhere"])
def test_without_a_place_of_its_own_mailcore_is_found_last(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file") if state == "file" else "/proc/nowhere")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert search_path().split(":")[-1] == str(Path(sys.executable).parent)


def test_the_users_order_stays_and_what_cron_leaves_out_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{scripts}:/usr/bin:/bin")
    path = search_path()
    assert path.split(":")[1:4] == [scripts, "/usr/bin", "/bin"] and "/usr/local/bin" in path.split(":")[4:]
    monkeypatch.setenv("PATH", path)
    assert search_path() == path


@pytest.mark.parametrize("how", ["broken", "gone"])
def test_a_supervisor_that_does_not_stand_is_told_at_once(house: House, how: str, tmp_path: Path) -> None:
    """Not `started`: exit 4 with what it said, the branch free, the sender told; a run that had a process is ended."""
    house.shell("writer", "echo up")
    if how == "broken":
        code = (
            "import mailcore.dispatch.lifecycle.start as start, sys\n"
            "start.child = lambda module, *words: [sys.executable, '-c', 'raise SystemExit(\"no such library\")']\n"
        )
        why = "no such library"
    else:
        code = (
            "import mailcore.dispatch.lifecycle.start as start\nstart.child = lambda *words: ['/nonexistent/python']\n"
        )
        why = "/nonexistent/python"
    code += "import sys; from mailcore.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "dispatch", "@writer", "s", "b", "--from", "@lead"]
    done = subprocess.run(words, cwd=house.root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and why in done.stdout + done.stderr
    assert not house.agent("writer").dispatch_lock.exists()
    if how == "gone":
        assert house.runs("@writer") == [] and not list(house.agent("writer").runs_dir.iterdir())
    else:
        (run,) = house.runs("@writer")
        assert run.phase is Phase.BOUNCED and why in run.reason
        wait_until(lambda: [m.subject for m in house.inbox("@lead")], what="its sender has a bounce")


@pytest.mark.elsewhere
def test_a_run_hands_over_its_root(house: House) -> None:
    """Wherever its agent goes: a nested workspace, another directory."""
    house.shell(
        "writer",
        "echo up; cd /; mailcore agents --json > $OLDPWD/agents; cd $OLDPWD; mailcore init inner --agent x=x >&2;"
        " cd inner; mailcore done 1 ok",
    )
    run_id = house.started("@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    assert json.loads((house.agent("writer").branch / "agents").read_text())[0]["address"] == "@writer"
    assert read_run(house.agent("writer").runs_dir / run_id) is not None


@pytest.mark.parametrize("value", [":/opt", ".", "/opt:"])
@pytest.mark.parametrize(
    "words", [["mailcore", "agents"], ["praxmonitor", "status"], ["praxmonitor", "sounds", "list"]]
)
def test_a_pythonpath_that_means_the_working_directory_hides_nothing(
    house: House, value: str, words: list[str]
) -> None:
    """An empty place in it, as of `PYTHONPATH=$PYTHONPATH:/opt`, is the project that one works in."""
    for name in ("random", "tempfile", "textual", "msgspec", "uuid", "wave"):
        (house.root / f"{name}.py").write_text("raise SystemExit('the project ran')")
    script = shutil.which(words[0], path=str(Path(sys.executable).parent))
    assert script is not None
    done = house.mailcore(*words[1:], env={"PYTHONPATH": value}, program=(script,))
    assert done.returncode == 0, done.stderr


@pytest.mark.linux_only("no other system says where a directory was that is gone")
def test_from_a_directory_that_was_removed_the_workspace_is_still_found(house: House, tmp_path: Path) -> None:
    elsewhere, within, branch = tmp_path / "gone", house.root / "gone", house.agent("@writer").branch / "gone"
    root = str(house.root)
    for place, words, env in (
        (elsewhere, ["-C", root, "inbox", "@writer"], {}),
        (elsewhere, ["inbox", "@writer"], {"MAILCORE_ROOT": root}),
        (within, ["inbox", "@writer"], {}),
        (branch, ["whoami", "--json"], {}),
    ):
        place.mkdir()
        command = shlex.join([sys.executable, "-m", "mailcore.cli", *words])
        script = f"cd {shlex.quote(str(place))} && rmdir {shlex.quote(str(place))} && {command}"
        done = subprocess.run(["sh", "-c", script], env={**os.environ, **env}, capture_output=True, timeout=60)
        assert done.returncode == 0, (words, done.stderr)
    assert json.loads(done.stdout)["address"] == "@writer", "by the branch that it was in"
    elsewhere.mkdir()
    script = f"cd {elsewhere} && rmdir {elsewhere} && {sys.executable} -m praxmonitor status"
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=60)
    assert done.returncode == 2 and b"is in no workspace" in done.stderr and b"Traceback" not in done.stderr


def test_words_are_utf8_whatever_the_locale_knows(house: House) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = house.mailcore("send", "@writer", "Grüße ✓", "Größe → 日本", "--from", "@lead", env=env)
    assert done.returncode == 0, done.stderr
    (mail,) = house.inbox("@writer")
    assert (mail.subject, mail.body) == ("Grüße ✓", "Größe → 日本")
    shown = house.mailcore("read", mail.id, "--from", "@writer", env=env).stdout.decode()
    assert "Größe → 日本" in shown
    status = subprocess.run(
        [sys.executable, "-m", "praxmonitor", "status"], cwd=house.root, env={**os.environ, **env}, capture_output=True
    )
    assert status.returncode == 0 and "Traceback" not in status.stderr.decode(), status.stderr
