"""Events are seen once each, and hooks are called for them without holding anybody up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli_runner import odbctl
from real_world import World, is_running, kill, parent_of
from waiting import eventually

from odbctl.engine.api import hooks, services, status, why
from odbctl.engine.api.hooks import HookOptions
from odbctl.engine.model.events import record_event

WRITER = """
import sys
from pathlib import Path
from odbctl.engine.model.events import record_event
from odbctl.engine.odb import Database
db = Database(Path(sys.argv[1]), run_dir=Path(sys.argv[2]))
for number in range(500):
    db.run(lambda: record_event("test", "numbered", f"{sys.argv[3]} {number}", actor="test"))
"""


def lines_of(path: Path) -> list[Any]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []


def into(path: Path) -> tuple[str, ...]:
    """Return a command that appends what it is told to a file, as a line."""
    return ("sh", "-c", f"cat >> {path}; echo >> {path}")


@contextmanager
def a_page(status: int = 200) -> Generator[tuple[str, list[Any]]]:
    """Serve a page that takes calls; yield its URL and what it was told."""
    told: list[Any] = []

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append((json.loads(body), self.headers["X-Token"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", told
        finally:
            server.shutdown()
            thread.join()


def test_watching_sees_each_event_of_several_writers_once_and_in_order(world: World) -> None:
    record = [sys.executable, "-c", WRITER, str(world.home.database), str(world.home.run)]
    world.engine.db.run(lambda: record_event("test", "numbered", "before", actor="test"))
    watching = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "odbctl",
            "event",
            "watch",
            "--reason",
            "numbered",
            "-o",
            "json",
            "--since",
            "1h",
        ],
        stdout=subprocess.PIPE,
    )
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["message"] == "before"
        writers = [subprocess.Popen([*record, str(w)]) for w in range(4)]
        seen: dict[str, list[int]] = {}
        for _ in range(2000):
            word, number = json.loads(watching.stdout.readline())["message"].split()
            seen.setdefault(word, []).append(int(number))
        assert all(writer.wait() == 0 for writer in writers)
        assert seen == {str(w): list(range(500)) for w in range(4)}
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate()
    assert watching.returncode == 130


def test_events_are_found_by_what_they_say(world: World) -> None:
    world.run()
    kill(world.ready()[0]["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    shown = odbctl("event", "list", "--level", "error", "-o", "json").json
    assert [(e["object"], e["reason"]) for e in shown] == [("instance/svc-1", "crashed")]
    assert "SIGKILL" in shown[0]["message"]
    assert len(odbctl("event", "list", "--instance", "svc-2", "-o", "json").json) == 1
    assert odbctl("event", "list", "--since", "1h", "--grep", "nothing", "-o", "json").json == []
    assert odbctl("event", "list", "--level", "loud").code == 2
    assert odbctl("event", "list", "--grep", "(").code == 2


def test_a_command_is_called_with_the_event(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    options = HookOptions(command=into(told), reasons=("crashed",), service="s*", level="error")
    hooks.add_hook(world.engine, "note", options)
    (found,) = world.run()
    kill(found["pid"])
    eventually(lambda: lines_of(told))
    (event,) = lines_of(told)
    assert (event["object"], event["reason"], event["count"]) == ("instance/svc-1", "crashed", 1)


def test_each_failed_start_of_a_rollout_calls_the_hook_once(world: World, tmp_path: Path) -> None:
    world.run(count=2, stop_grace_seconds=20.0)
    told = tmp_path / "told"
    options = HookOptions(command=into(told), reasons=("failed",), debounce_seconds=0.0)
    hooks.add_hook(world.engine, "note", options)
    world.commit("""
        class Svc(ServiceBase):
            def initialize(self):
                if not self.runtime.name.endswith("3"):  # fails once the rollout is given up
                    self.db.wait_for_condition(lambda: self.service.candidate is None)
                raise RuntimeError("no such table")
    """)
    world.deploy()
    eventually(lambda: len(lines_of(told)) >= 2)
    world.engine.db.run(lambda: record_event("test", "failed", "the last event", actor="test"))
    eventually(lambda: lines_of(told)[-1]["object"] == "test")
    objects = [(e["object"], e["level"]) for e in lines_of(told)[:-1]]
    assert sorted(objects) == [("instance/svc-3", "error"), ("instance/svc-4", "error")]
    assert all("no such table" in e["message"] for e in lines_of(told)[:-1])
    assert world.instance("svc-4")["state"] == "failed"


def test_a_page_is_called_with_its_headers(world: World, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("X-Token: secret\n")
    with a_page() as (url, told):
        ran = odbctl(
            "hook",
            "add",
            "chat",
            "--url",
            url,
            "--reason",
            "started",
            "--header-file",
            str(tmp_path / "headers"),
        )
        assert ran.code == 0, ran
        world.run()
        eventually(lambda: told)
    event, token = told[0]
    assert (event["reason"], event["service"], token) == ("started", "svc", "secret")
    shown = odbctl("hook", "show", "chat", "-o", "json")
    assert shown.json["header_names"] == ["X-Token"]
    assert "secret" not in shown.out


def test_events_in_a_time_of_quiet_are_one_call(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    options = HookOptions(command=into(told), reasons=("noise",), debounce_seconds=0.5)
    hooks.add_hook(world.engine, "note", options)
    world.manager()
    for _ in range(20):
        world.engine.db.run(lambda: record_event("test", "noise", "", actor="test"))
    eventually(lambda: sum(e["count"] for e in lines_of(told)) == 20)
    assert len(lines_of(told)) == 2


def test_services_start_while_a_hook_hangs(world: World, tmp_path: Path) -> None:
    called = tmp_path / "called"
    command = ("sh", "-c", f"touch {called}; exec sleep 600")
    options = HookOptions(command=command, timeout_seconds=600.0, debounce_seconds=0.0)
    hooks.add_hook(world.engine, "slow", options)
    world.service()
    world.manager()
    eventually(called.exists)
    services.start_service(world.engine, "svc", count=5)
    world.wait_running(count=5)
    odbctl("hook", "remove", "slow", "--yes")


def test_a_hook_that_hangs_is_killed(world: World) -> None:
    command = ("sh", "-c", "sleep 600 & sleep 600")
    options = HookOptions(command=command, timeout_seconds=0.3, debounce_seconds=0.0)
    hooks.add_hook(world.engine, "slow", options)
    world.run()

    def failed() -> list[str]:
        shown = odbctl("event", "list", "--reason", "hook-failed", "-o", "json").json
        return [e["message"] for e in shown]

    eventually(failed)
    assert failed()[0] == "it took longer than 0.3s and was killed"
    odbctl("hook", "remove", "slow", "--yes")


def test_a_flood_of_events_costs_the_manager_nothing(world: World) -> None:
    options = HookOptions(command=("sleep", "0.2"), reasons=("noise",), debounce_seconds=0.0)
    hooks.add_hook(world.engine, "slow", options)
    world.manager()

    def write() -> None:
        for number in range(1500):
            record_event(f"test/{number}", "noise", "", actor="test")

    world.engine.db.run(write)
    world.run()
    hooks.remove_hook(world.engine, "slow")
    assert world.status()["state"] == "running"


def test_hooks_go_on_where_a_killed_manager_was(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    options = HookOptions(command=into(told), reasons=("noise",), debounce_seconds=0.0)
    hooks.add_hook(world.engine, "note", options)
    world.manager()
    world.engine.db.run(lambda: record_event("test/1", "noise", "1", actor="test"))
    eventually(lambda: len(lines_of(told)) == 1)
    os.kill(world.manager_pid(), signal.SIGKILL)
    world.engine.db.run(lambda: record_event("test/2", "noise", "2", actor="test"))
    eventually(lambda: not any(m["state"] == "running" for m in world.managers()))
    world.manager()
    eventually(lambda: {"1", "2"} <= {e["message"] for e in lines_of(told)})


def test_what_a_killed_manager_called_is_ended_by_the_next(world: World, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = ("sh", "-c", f"echo $$ >> {pids}; sleep 600 & exec sleep 600")
    options = HookOptions(command=command, reasons=("noise",), timeout_seconds=500.0)
    hooks.add_hook(world.engine, "hangs", options)
    manager = world.manager()
    world.engine.db.run(lambda: record_event("test/1", "noise", "1", actor="test"))
    eventually(lambda: pids.exists() and len(pids.read_text()) > 1)
    first = int(pids.read_text())
    world.manager("zz")  # of another host, which calls no hooks
    (launcher,) = [pid for pid in world.launcher_pids() if parent_of(pid) == manager]
    kill(launcher)  # so managers look for what that has left: workers only
    world.run()
    assert is_running(first)
    kill(manager)
    eventually(lambda: not is_running(manager))
    world.manager()
    eventually(lambda: not is_running(first))


def test_a_failing_hook_is_told_and_calls_no_hook(world: World, tmp_path: Path) -> None:
    hooks.add_hook(world.engine, "all", HookOptions(command=("sh", "-c", "echo no; exit 3")))
    ran = odbctl("hook", "test", "all")
    assert (ran.code, "exit code 3: no" in ran.err) == (1, True)
    with a_page(500) as (url, _told):
        hooks.add_hook(world.engine, "page", HookOptions(url=url))
        called = odbctl("hook", "test", "page", "--json")
        assert (called.code, called.error["code"]) == (1, "hook-failed")
        assert "500" in called.error["message"]
    assert odbctl("hook", "list", "-o", "name").out.split() == ["all", "page"]


def test_the_event_of_a_failed_call_calls_no_hook(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    hooks.add_hook(world.engine, "fails", HookOptions(command=("false",), reasons=("noise",)))
    hooks.add_hook(world.engine, "note", HookOptions(command=into(told)))
    world.manager()
    world.engine.db.run(lambda: record_event("test/1", "noise", "1", actor="test"))
    eventually(lambda: "hook-failed" in [e["reason"] for e in status.list_events(world.engine)])
    world.engine.db.run(lambda: record_event("test/2", "noise", "2", actor="test"))
    eventually(lambda: "2" in [e["message"] for e in lines_of(told)])
    assert "hook-failed" not in [e["reason"] for e in lines_of(told)]


@pytest.mark.parametrize(
    "words",
    [
        ("hook", "add", "x"),
        ("hook", "add", "x", "--url", "ftp://example.org"),
        ("hook", "add", "x", "--url", "http://example.org", "--", "true"),
        ("hook", "add", "x", "--level", "loud", "--", "true"),
        ("hook", "add", "x", "--header-file", "/none", "--url", "http://example.org"),
    ],
)
def test_wrong_hooks_are_refused(world: World, words: tuple[str, ...]) -> None:
    assert odbctl(*words).code == 2
    assert odbctl("hook", "list", "-o", "json").json == []
    assert odbctl("hook", "show", "x").code == 4
    assert world.home.data.exists()


def test_why_speaks_of_an_instance_too(world: World) -> None:
    (found,) = world.run(
        "class Svc(ServiceBase):\n    def initialize(self):\n        print('hi')\n"
    )
    kill(found["pid"], signal.SIGUSR1)
    world.wait_ended("svc-1")
    told = why.why(world.engine, "svc-1")
    assert "svc-1 is crashed, an instance of svc" in told["lines"]
    assert any("signal 10 (SIGUSR1)" in line for line in told["lines"])
    assert [line["text"] for line in told["log"]][:1] == ["hi"]
    assert [e["reason"] for e in told["events"]] == ["running", "crashed"]
    services.stop_service(world.engine, "svc")


def test_watching_instances_prints_what_has_changed(world: World) -> None:
    (first,) = world.run()
    watching = subprocess.Popen(
        [sys.executable, "-m", "odbctl", "ps", "-w", "-o", "json"], stdout=subprocess.PIPE
    )
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["id"] == "svc-1"
        kill(first["pid"])
        seen = [json.loads(watching.stdout.readline()) for _ in range(1)]
        while (seen[-1]["id"], seen[-1]["state"]) != ("svc-2", "running"):
            seen.append(json.loads(watching.stdout.readline()))
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate()
    assert watching.returncode == 130
    assert odbctl("status", "nobody", "--watch").code == 4
