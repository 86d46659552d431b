"""How wrong input is told: short, with what to do next, and never as a crash of odbctl."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import Ran, odbctl
from real_world import World
from stocked_home import stock

from odbctl.engine.api import class_check, codebases, services
from odbctl.errors import ServiceClassError
from odbctl.paths import Home

RETURNS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        os._exit(7)
"""
SLOW = """
class Svc(ServiceBase):
    def initialize(self):

        print("waits", flush=True)
        while not os.path.exists(os.environ["GATE"]):
            signal.sigtimedwait([], 0.01)
"""
SOURCE = Path(__file__).parents[2]


def shell(script: str, *words: str) -> Ran:
    """Run the command line from a shell that has done something unkind first."""
    command = ["sh", "-c", script, "sh", *words]
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "ODBCTL": f"{sys.executable} -m odbctl"}
    return Ran(
        subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    )


def assert_told(ran: Ran, code: int, *texts: str) -> None:
    assert ran.code == code, ran
    assert all(text in ran.err for text in texts), ran
    assert "unexpected" not in ran.err, ran
    assert "Traceback" not in ran.err, ran


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("service", "create", "n" * 4000, "--class", "a:B", "--codebase", "c"), 2),
        (("service", "show", "n" * 4000), 4),
        (("codebase", "show", "n" * 4000), 4),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_is_far_too_long_is_not_repeated_in_full(words: tuple[str, ...], code: int) -> None:
    ran = odbctl(*words)
    assert ran.code == code, ran
    assert len(ran.err) < 400


def test_an_empty_name_is_not_taken_for_none(world: World) -> None:
    world.commit("")
    ran = odbctl("codebase", "add", "main", "--name", "", cwd=world.repo.path)
    assert_told(ran, 2, "'' is not a valid codebase name")
    assert codebases.list_codebases(world.engine) == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("instance", "show", "nobody"), "hint: odbctl instance list --all"),
        (("host", "show", "nowhere"), "hint: odbctl host list"),
        (("manager", "stop", "--host", "nowhere"), "hint: odbctl host list"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_is_not_there_comes_with_where_to_look(words: tuple[str, ...], hint: str) -> None:
    assert_told(odbctl(*words), 4, hint)


def test_a_timeout_is_a_number(home: Home) -> None:
    stock(home)
    ran = odbctl("service", "start", "hello", "--timeout", "nan")
    assert_told(ran, 2, "not a duration")


def test_a_closed_standard_input_is_nobody_to_ask(home: Home) -> None:
    stock(home)
    ran = shell("exec $ODBCTL service remove hello <&-")
    assert_told(ran, 2, "--yes")
    assert odbctl("service", "show", "hello").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a folder cannot be removed")
def test_a_relative_home_in_a_removed_folder_is_told(tmp_path: Path) -> None:
    script = 'mkdir "$1" && cd "$1" && rmdir "$1" && ODBCTL_HOME=home exec $ODBCTL ps'
    assert_told(shell(script, str(tmp_path / "gone")), 6, "removed", "an absolute path")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), (b"A=\xff\n", "it is not UTF-8 text")],
)
def test_an_environment_file_that_cannot_be_read_is_told_plainly(
    home: Home, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    stock(home)
    file = tmp_path / "env"
    if content is not None:
        file.write_bytes(content)
    ran = odbctl("service", "configure", "hello", "--env-file", str(file))
    assert_told(ran, 2, f"cannot read {file}: {reason}\n")


def test_a_missing_dependency_comes_with_how_to_name_an_environment(world: World) -> None:
    with pytest.raises(ServiceClassError, match="No module named 'nothing_of_that'") as caught:
        world.service("import nothing_of_that\n")
    assert "--python PATH" in (caught.value.hint or "")


def test_a_syntax_error_is_told_with_its_place(world: World) -> None:
    with pytest.raises(ServiceClassError, match=r"SyntaxError: .*\(svc\.py, line 4\)"):
        world.service("def (\n")


def test_a_class_of_something_else_is_named_once(world: World) -> None:
    with pytest.raises(ServiceClassError) as caught:
        world.service("class Svc:\n    pass\n")
    assert caught.value.message.count("svc:Svc") == 1


def test_an_import_that_never_ends_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_check, "TIMEOUT_SECONDS", 0.5)
    with pytest.raises(ServiceClassError, match="the import took longer than"):
        world.service("import threading\nthreading.Event().wait()\n")


def test_how_one_ended_is_said_where_it_is_listed(world: World) -> None:
    world.service(RETURNS, restart="never")
    world.start()
    world.wait_ended("svc-1")
    assert "exit code 7" in odbctl("ps").out


def test_a_start_that_fails_says_how_it_ended(world: World) -> None:
    world.service(RETURNS)
    world.start()
    world.wait_state("svc", "backoff")
    ran = odbctl("service", "start", "svc", "--count", "2")
    assert "exit code 7" in ran.err, ran


def test_a_start_that_a_stop_overtook_is_no_success(world: World, tmp_path: Path) -> None:
    world.service(SLOW, env={"GATE": str(tmp_path / "gate")}, stop_grace_seconds=0.2)
    world.manager()
    command = [sys.executable, "-m", "odbctl", "service", "start", "svc"]
    starting = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    world.wait_line("waits")
    services.stop_service(world.engine, "svc")
    _, err = starting.communicate(timeout=30)
    assert starting.returncode == 7, err
    assert "was stopped while it started" in err


def test_a_name_that_begins_another_is_a_name_of_its_own(world: World) -> None:
    world.service(name="app")
    world.another("app-1")
    world.another("app-10")
    world.start("app")
    world.wait_running("app")
    assert world.instances("app-1") == []


def test_of_many_users_of_a_codebase_a_few_are_named(world: World) -> None:
    world.service(name="s0")
    for number in range(1, 7):
        world.another(f"s{number}")
    ran = odbctl("codebase", "remove", world.repo.path.name, "--yes")
    assert_told(ran, 7, "is used by s0, s1, s2, s3, s4, 2 more\n")
