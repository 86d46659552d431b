"""Homes, folders of sockets and settings that another user owns or can write to are refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import odbctl

from odbctl.config import PROJECT_FILE, USER_FILE, load_settings
from odbctl.connecting import connect
from odbctl.engine.api.engine import Engine
from odbctl.errors import NotPermittedError
from odbctl.ownership import is_own_peer, require_own, require_trusted_settings
from odbctl.paths import HOME_VARIABLE, Home

STRANGER = 65534  # nobody

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder for temporary files, which all users share."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        os.chmod(folder, 0o1777)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def long_home(tmp_path: Path) -> Home:
    """Return a home whose path is too long for the addresses of sockets."""
    return Home.at(tmp_path / ("h" * 100))


def again(home: Home) -> Home:
    """Return the same home as another process sees it."""
    return Home.at(home.data)


# The folder of sockets


def test_a_link_in_place_of_the_run_folder_is_refused(
    temporary: Path, long_home: Home, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    long_home.run.symlink_to(target)
    with pytest.raises(NotPermittedError, match="symbolic link"):
        again(long_home).create()
    assert list(target.iterdir()) == []


@needs_root
def test_a_run_folder_of_another_user_is_refused(temporary: Path, long_home: Home) -> None:
    long_home.run.mkdir(mode=0o700)
    os.chown(long_home.run, STRANGER, STRANGER)
    with pytest.raises(NotPermittedError, match="belongs to nobody") as caught:
        again(long_home).create()
    assert caught.value.hint


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755, 0o710])
def test_a_run_folder_that_is_open_to_others_is_refused(home: Home, mode: int) -> None:
    home.create()
    home.run.chmod(mode)
    with pytest.raises(
        NotPermittedError, match=f"other users can access it \\(mode {mode:o}\\)"
    ) as caught:
        again(home).create()
    assert caught.value.hint == f"chmod 700 {home.run}"


def test_a_file_in_place_of_the_run_folder_is_refused(temporary: Path, long_home: Home) -> None:
    long_home.run.write_text("")
    with pytest.raises(NotPermittedError):
        again(long_home).create()


def test_the_runtime_folder_of_the_user_is_preferred(
    temporary: Path, long_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = temporary / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    long_home.create()
    assert long_home.run.parent == runtime
    assert long_home.run.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open", "link", "relative", "missing"])
def test_a_runtime_folder_that_is_not_safe_is_not_used(
    temporary: Path, long_home: Home, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    runtime = temporary / "runtime"
    if kind == "open":
        runtime.mkdir()
        runtime.chmod(0o777)
    elif kind == "link":
        (temporary / "real").mkdir(mode=0o700)
        runtime.symlink_to(temporary / "real")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "runtime" if kind == "relative" else str(runtime))
    long_home.create()
    assert long_home.run.parent == temporary


def test_every_process_of_a_home_uses_the_same_run_folder(
    temporary: Path, long_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = temporary / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    long_home.create()
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert again(long_home).run == long_home.run
    assert again(long_home).run.parent == runtime
    with connect(long_home.data) as db:
        assert db.run_dir == long_home.run


def test_two_choices_at_once_become_one(
    temporary: Path, long_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = again(long_home), again(long_home)
    assert first.run.parent == temporary
    first.run  # noqa: B018 - chosen now, before the other is recorded
    runtime = temporary / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    second.create()
    first.create()
    assert first.run == second.run == again(long_home).run


def test_a_run_folder_of_an_earlier_version_goes_on_being_used(
    temporary: Path, long_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = again(long_home).run
    old.mkdir(mode=0o700)
    runtime = temporary / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    long_home.create()
    assert long_home.run == old


def test_a_recorded_run_folder_that_is_gone_is_replaced(
    temporary: Path, long_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = temporary / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    long_home.create()
    long_home.run.rmdir()
    runtime.rmdir()
    renewed = again(long_home)
    renewed.create()
    assert renewed.run.parent == temporary
    assert again(long_home).run == renewed.run


@needs_root
def test_a_socket_of_another_user_is_noticed(temporary: Path) -> None:
    path = temporary / "s"
    code = (
        f"import os, socket; os.setuid({STRANGER}); s = socket.socket(socket.AF_UNIX)\n"
        f"s.bind({str(path)!r}); s.listen(); print('ready', flush=True); s.accept(); input()"
    )
    words = [sys.executable, "-c", code]
    stranger = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert stranger.stdout is not None
    try:
        assert stranger.stdout.readline() == b"ready\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            assert not is_own_peer(connection)
    finally:
        stranger.communicate(b"\n", timeout=10)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_own_peer(ours)


# Homes and databases


@needs_root
@pytest.mark.parametrize("what", ["data", "cache", "database"])
def test_what_belongs_to_another_user_is_refused(home: Home, what: str) -> None:
    home.create()
    home.database.touch()
    place: Path = getattr(home, what)
    os.chown(place, STRANGER, STRANGER)
    with pytest.raises(NotPermittedError, match="belongs to nobody, not to root"):
        Engine.open(again(home))
    with pytest.raises(NotPermittedError, match="belongs to nobody"):
        connect(home.data)


@pytest.mark.parametrize("what", ["data", "cache", "database"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_can_write_to_is_refused(home: Home, what: str, mode: int) -> None:
    home.create()
    home.database.touch()
    place: Path = getattr(home, what)
    place.chmod(place.stat().st_mode | mode)
    with pytest.raises(NotPermittedError, match="others can write to the") as caught:
        Engine.open(again(home))
    assert caught.value.hint == f"chmod go-w {place}"


@needs_root
def test_a_link_of_another_user_to_a_home_is_refused(temporary: Path, home: Home) -> None:
    home.create()
    link = temporary / "link"
    link.symlink_to(home.data)
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(NotPermittedError, match="belongs to nobody"):
        require_own(link, "home")


def test_a_home_that_others_can_only_read_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "h"
    folder.mkdir()
    folder.chmod(0o755)
    Home.at(folder).create()
    Home.at(folder).database.touch(mode=0o644)
    with Engine.open(Home.at(folder)):
        pass


@needs_root
def test_commands_and_managers_refuse_a_foreign_home(home: Home) -> None:
    home.create()
    os.chown(home.data, STRANGER, STRANGER)
    for words in (("service", "list"), ("manager", "start"), ("manager", "run"), ("db", "check")):
        ran = odbctl(*words)
        assert (ran.code, "belongs to nobody" in ran.err) == (6, True), (words, ran)


# Settings


@needs_root
def test_a_project_file_of_another_user_is_refused(tmp_path: Path) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text('[settings]\noutput = "json"\n')
    assert load_settings({}, {}, str(tmp_path))["output"] == "json"
    os.chown(file, STRANGER, STRANGER)
    with pytest.raises(NotPermittedError, match=f"{file} belongs to nobody"):
        load_settings({}, {}, str(tmp_path))
    ran = odbctl("config", "show", cwd=tmp_path)
    assert (ran.code, "belongs to nobody" in ran.err) == (6, True), ran


@pytest.mark.parametrize("mode", [0o666, 0o602])
def test_a_project_file_that_all_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text("[settings]\n")
    file.chmod(mode)
    with pytest.raises(NotPermittedError, match="others can write to the settings file"):
        load_settings({}, {}, str(tmp_path))


def test_a_user_file_that_all_can_write_to_is_refused(home: Home) -> None:
    home.create()
    file = home.data / USER_FILE
    file.write_text("[settings]\n")
    file.chmod(0o666)
    with pytest.raises(NotPermittedError, match="others can write to the settings file"):
        load_settings({}, {HOME_VARIABLE: str(home.data)}, None)


@needs_root
def test_a_settings_file_of_root_is_trusted(tmp_path: Path) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text("[settings]\n")
    tmp_path.chmod(0o755)
    code = (
        "import os; from odbctl.ownership import require_trusted_settings\n"
        f"file = {str(file)!r}; os.chdir('/'); descriptor = os.open(os.path.dirname(file), 0)\n"
        f"os.setgroups([]); os.setgid({STRANGER}); os.setuid({STRANGER}); os.fchdir(descriptor)\n"
        "require_trusted_settings(os.path.basename(file))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    require_trusted_settings(file)
