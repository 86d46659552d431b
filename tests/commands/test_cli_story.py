"""The main job through the real command line: from a git ref to a supervised service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import odbctl, succeed
from git_repos import GitRepo, GitRepoFactory
from waiting import eventually

from odbctl.commands.demo.story import example_folder
from odbctl.paths import Home

SERVICE = "src/hello_world/service.py"
READY = 'print(f"{self.runtime.name} is ready", flush=True)'


@pytest.fixture
def repo(git_repo: GitRepoFactory) -> GitRepo:
    folder = example_folder()
    made = git_repo("hello_world")
    files = {str(p.relative_to(folder)): p.read_text("utf-8") for p in folder.rglob("*.py")}
    made.commit(files)
    return made


@pytest.fixture
def hello(repo: GitRepo, home: Home) -> Iterator[GitRepo]:
    """Yield the repository of a service `hello` that is created; end everything afterwards."""
    del home
    succeed("codebase", "add", "main", cwd=repo.path)
    succeed(
        *("service", "create", "hello", "--class", "hello_world.service:HelloService"),
        *("--codebase", "hello_world", "--config", "period_seconds=0.05", "--stop-grace", "1"),
    )
    yield repo
    odbctl("manager", "stop", "--with-services")


def _pids() -> dict[str, int]:
    return {i["id"]: i["pid"] for i in odbctl("ps", "-o", "json").json if i["pid"]}


def test_start_status_logs_kill_stop(hello: GitRepo) -> None:
    del hello
    started = succeed("service", "start", "hello", "--count", "2")
    assert started.out == "started service hello: 2/2 running\n"
    assert "starting a manager" in started.err
    again = succeed("service", "start", "hello")
    assert again.out == "unchanged: service hello: 2/2 running\n"
    assert succeed("status", "hello").out.startswith("hello is running 2/2")

    def greeting() -> bool:
        return "Hello from hello-1" in succeed("logs", "hello").out

    eventually(greeting)
    before = _pids()
    os.kill(before["hello-1"], signal.SIGKILL)
    eventually(lambda: len(_pids()) == 2 and "hello-1" not in _pids())
    assert "hello-1" in succeed("logs", "hello", "--previous", "-n", "1").out
    assert "signal 9" in succeed("why", "hello").out
    assert succeed("service", "stop", "hello").out == "stopped service hello\n"
    assert odbctl("status", "hello").code == 3
    assert _pids() == {}
    assert succeed("service", "stop", "hello").out.startswith("unchanged")


def test_a_change_is_a_document_with_json(hello: GitRepo) -> None:
    del hello
    started = succeed("service", "start", "hello", "-o", "json")
    document = json.loads(started.out)
    assert (document["kind"], document["action"]) == ("service", "started")
    assert document["running_count"] == 1
    eventually(lambda: '"kind": "log"' in succeed("logs", "hello", "-o", "json").out)


def test_configure_scale_and_restart(hello: GitRepo) -> None:
    del hello
    succeed("service", "start", "hello")
    configured = succeed("service", "configure", "hello", "greeting=Ahoy", "--settle", "0").out
    assert configured.startswith("configured service hello: release 2, main is commit ")
    assert configured.endswith("; greeting=Ahoy; 1/1 running\n")
    eventually(lambda: "Ahoy from" in succeed("logs", "hello").out)
    refused = odbctl("service", "configure", "hello", "period_seconds=soon")
    assert refused.code == 2, refused
    assert succeed("service", "scale", "hello", "3").out == "scaled service hello: 3/3 running\n"
    before = _pids()
    restarted = succeed("service", "restart", "hello").out
    assert restarted.startswith("restarted service hello: release 3, main is commit ")
    assert restarted.endswith("; 3/3 running\n")
    assert not before.keys() & _pids().keys()
    numbers = [r["number"] for r in succeed("service", "history", "hello", "--json").json]
    assert numbers == [1, 2, 3]


def test_deploy_replaces_and_a_bad_commit_leaves_the_old_ones(hello: GitRepo) -> None:
    succeed("service", "start", "hello")
    text = (hello.path / SERVICE).read_text()
    hello.commit({SERVICE: text.replace('print(f"{self.config', 'print(f"v2 {self.config')})
    deployed = succeed("service", "deploy", "hello", "main", "--settle", "0").out
    commit = hello.head()[:12]
    assert deployed == (
        f"deployed service hello: release 2, main is commit {commit}; 1/1 running\n"
    )
    eventually(lambda: "v2 Hello" in succeed("logs", "hello").out)
    running = _pids()
    hello.commit({SERVICE: text.replace("number = 0", "number = 0\nimport nonsense_module")})
    bad_import = odbctl("service", "deploy", "hello", "main")
    assert bad_import.code == 1, bad_import
    broken = text.replace(READY, 'raise OSError("no luck")')
    hello.commit({SERVICE: broken})
    failed = odbctl("service", "deploy", "hello", "main")
    assert failed.code == 1, failed
    assert "no luck" in failed.err
    assert _pids() == running


def test_instances_can_be_stopped_and_killed(hello: GitRepo) -> None:
    del hello
    succeed("service", "start", "hello")
    assert succeed("instance", "kill", "hello-1").out.startswith("killed instance hello-1")
    eventually(lambda: "hello-2" in _pids())
    succeed("instance", "stop", "hello-2")
    eventually(lambda: "hello-3" in _pids())
    assert odbctl("instance", "stop", "hello-1").code == 3


def test_ctrl_c_stops_the_waiting_and_nothing_else(hello: GitRepo) -> None:
    text = (hello.path / SERVICE).read_text()
    gate = hello.path / "go"
    wait = f"while not __import__('os').path.exists({str(gate)!r}): time.sleep(0.01)"
    indent = " " * (text.index(READY) - text.rindex("\n", 0, text.index(READY)) - 1)
    hello.commit({SERVICE: text.replace(READY, f"{wait}\n{indent}{READY}")})
    succeed("service", "deploy", "hello", "main")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "odbctl", "service", "start", "hello"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(_pids)
    waiting.send_signal(signal.SIGINT)
    _, told = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert "continues in the background" in told
    assert "Traceback" not in told
    gate.touch()
    eventually(lambda: odbctl("status", "hello").code == 0)


def test_a_wait_ends_with_its_timeout(hello: GitRepo) -> None:
    text = (hello.path / SERVICE).read_text()
    slow = text.replace(READY, f"time.sleep(30); {READY}")
    hello.commit({SERVICE: slow})
    succeed("service", "deploy", "hello", "main")
    ran = odbctl("service", "start", "hello", "--timeout", "0.5")
    assert ran.code == 124, ran
    assert "odbctl why hello" in ran.err


def test_following_ends_when_the_reader_goes(hello: GitRepo) -> None:
    del hello
    succeed("service", "start", "hello")
    follower = subprocess.Popen(
        [sys.executable, "-m", "odbctl", "logs", "hello", "-f", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["service"] == "hello"
    follower.stdout.close()
    assert follower.wait(timeout=30) == 0
    assert follower.stderr is not None
    assert follower.stderr.read() == ""
    follower.stderr.close()


def test_the_demo_tells_the_story_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    ran = odbctl("demo", "--home", str(folder))
    assert ran.code == 0, ran
    assert "kill -9" in ran.out
    assert "stopped service hello" in ran.out
    assert not folder.exists()


def test_an_interrupted_demo_ends_what_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = subprocess.Popen(
        [sys.executable, "-m", "odbctl", "demo", "--home", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    pids: list[int] = []
    for line in demo.stdout:  # until both instances were shown
        words = line.split()
        if line.startswith("hello-") and len(words) > 3 and words[1] == "running":
            pids.append(int(words[3]))
        if len(pids) == 2:
            break
    os.killpg(demo.pid, signal.SIGINT)
    assert demo.wait(timeout=30) == 130
    demo.stdout.close()
    assert not folder.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_of_two_that_create_the_same_service_one_wins(repo: GitRepo, home: Home) -> None:
    del home
    succeed("codebase", "add", "main", cwd=repo.path)
    words = ["service", "create", "twin", "--class", "hello_world.idle:IdleService"]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "odbctl", *words, "--codebase", "hello_world"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    assert sorted(process.wait(timeout=30) for process in both) == [0, 7]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("a/b", "--class", "hello_world.idle:IdleService"), 2, "not a valid service name"),
        (("a\x1bb", "--class", "hello_world.idle:IdleService"), 2, "not a valid service name"),
        (("x", "--class", "hello_world.idle:IdelService"), 1, "IdleService"),
        (("x", "--class", "hello_world.idle"), 2, "module:Class"),
        (("x", "--class", "hello_world.nothing:IdleService"), 1, "hello_world"),
        (("x", "--class", "hello_world.service:HelloConfig"), 1, "ServiceBase"),
        (("x", "--class", "hello_world.idle:IdleService", "--restart", "maybe"), 2, "on-failure"),
        (("x", "--class", "hello_world.idle:IdleService", "--env", "A"), 2, "has no '='"),
        (("x", "--class", "hello_world.idle:IdleService", "--count", "-1"), 2, "count"),
    ],
)
def test_a_service_that_cannot_be_is_told_at_create(
    words: tuple[str, ...], code: int, text: str, repo: GitRepo, home: Home
) -> None:
    del home
    succeed("codebase", "add", "main", cwd=repo.path)
    ran = odbctl("service", "create", *words, "--codebase", "hello_world")
    assert ran.code == code, ran
    assert text in ran.err
    assert "\x1b" not in ran.err


def test_a_ref_cannot_become_an_option_of_git(repo: GitRepo, home: Home) -> None:
    del home
    for words, text in (
        (["--upload-pack=touch x"], "no such option: --upload-pack"),
        (["--", "--upload-pack=touch x"], "looks like an option"),
    ):
        ran = odbctl("codebase", "add", *words, cwd=repo.path)
        assert (ran.code, text in ran.err) == (2, True), ran
        assert "Traceback" not in ran.err
    assert not (repo.path / "x").exists()


def test_the_demo_takes_no_home_that_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    assert odbctl("demo", "--home", str(tmp_path)).code == 7
