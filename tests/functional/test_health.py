"""Readiness and liveness: what is not ready is not shown so, what hangs is found."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from real_world import World, is_running, kill
from waiting import eventually

from odbctl.engine.api import why
from odbctl.engine.api.settings import ServiceSettings, set_service
from odbctl.errors import UsageError

# Ready, and alive, as files in its folder say.
BY_FILE = """
from odbctl import Health

class Svc(ServiceBase):
    def health(self):
        if os.path.exists("sick"):
            return Health(is_healthy=False, message=open("sick").read())
        return os.path.exists("ready")
"""
QUICK: dict[str, Any] = {
    "probe_period_seconds": 0.1,
    "probe_timeout_seconds": 0.3,
    "probe_failures": 2,
}


def folder(world: World, instance: str = "svc-1") -> str:
    return str(world.home.storage / "svc" / instance)


def say(world: World, name: str, text: str = "", instance: str = "svc-1") -> None:
    path = os.path.join(folder(world, instance), name)
    with open(f"{path}~", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{path}~", path)


def health_of(world: World) -> str:
    """Return what is said of the health of the first instance; empty before it is there."""
    return "".join(i["health"] for i in world.instances() if i["id"] == "svc-1")


def test_an_instance_is_ready_when_its_own_health_says_so(world: World) -> None:
    world.service(BY_FILE, **QUICK)
    world.start()
    world.wait(lambda: world.status()["running_count"] == 1)
    assert world.status()["ready_count"] == 0
    assert world.status()["state"] == "starting"
    say(world, "ready")
    world.wait_running()
    assert world.status()["state"] == "running"
    say(world, "sick", "no more beans")
    world.wait(lambda: world.status()["ready_count"] == 0)
    assert world.instance("svc-1")["health"] == "no more beans"
    assert [e["reason"] for e in world.events()][-1] == "not-ready"
    assert world.instance("svc-1")["state"] == "running"  # readiness replaces nobody


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        ("exec:sh -c 'echo stale; exit 3'", "exit code 3: stale"),
        ("exec:no-such-program", "FileNotFoundError"),
        ("exec:sleep 60", "no answer within 0.3s"),
        ("tcp:127.0.0.1:1", "ConnectionRefusedError"),
        ("http:127.0.0.1:1/ready", "ConnectionRefusedError"),
    ],
)
def test_a_failing_probe_says_why(world: World, probe: str, text: str) -> None:
    world.service(readiness=probe, **QUICK)
    world.start()
    world.wait(lambda: text in health_of(world), text)
    assert world.status()["ready_count"] == 0


SERVES = """
import http.server, socketserver, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready?x=1" else 503)
        self.end_headers()

    def log_message(self, *_):
        pass

class Svc(ServiceBase):
    def do_work(self, should_stop):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        should_stop.wait()
"""


@pytest.mark.parametrize(
    ("probe", "is_ready"),
    [("http:{}/ready?x=1", True), ("http://127.0.0.1:{}/", False), ("tcp:{}", True)],
)
def test_a_probe_of_a_port(world: World, free_port: int, probe: str, *, is_ready: bool) -> None:
    world.service(SERVES, env={"PORT": str(free_port)}, readiness=probe.format(free_port), **QUICK)
    world.start()
    if is_ready:
        world.wait_running()
    else:
        world.wait(lambda: health_of(world) == "503 Service Unavailable")


# What a C call does that never gives the interpreter back.
HOLDS_THE_GIL = """
import ctypes

class Svc(ServiceBase):
    def do_work(self, should_stop):
        while not os.path.exists("hang"):
            should_stop.wait(0.02)
        ctypes.PyDLL(None).sleep(600)
"""


def test_an_interpreter_that_hangs_is_found_and_replaced(world: World) -> None:
    (first,) = world.run(HOLDS_THE_GIL, liveness="health", start_grace_seconds=0.1, **QUICK)
    say(world, "hang")
    ended = world.wait_ended("svc-1")
    assert (ended["state"], ended["reason"]) == ("crashed", "unhealthy: no answer within 0.3s")
    assert ended["exit"] == {"code": None, "signal": 9, "cause": "unhealthy"}
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert not is_running(first["pid"])
    assert any("unhealthy" in line for line in why.why(world.engine, "svc")["lines"])


def test_a_stopped_process_is_found_and_replaced(world: World) -> None:
    (first,) = world.run(liveness="health", start_grace_seconds=0.1, **QUICK)
    kill(first["pid"], signal.SIGSTOP)
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert not is_running(first["pid"])


def test_an_unhealthy_one_is_only_told_of_when_so_wanted(world: World) -> None:
    options: dict[str, Any] = {"readiness": "none", "liveness": "health", "on_unhealthy": "report"}
    world.service(BY_FILE, start_grace_seconds=0.0, **options, **QUICK)
    world.start()
    world.wait(lambda: any(e["reason"] == "unhealthy" for e in world.events()))
    assert [i["id"] for i in world.wait_running()] == ["svc-1"]
    say(world, "ready")
    world.wait(lambda: any(e["reason"] == "healthy" for e in world.events()))


def test_an_unhealthy_one_is_asked_first(world: World) -> None:
    source = (
        BY_FILE
        + """
    def teardown(self):
        print("torn down")
"""
    )
    options: dict[str, Any] = {
        "readiness": "none",
        "liveness": "health",
        "start_grace_seconds": 0.1,
    }
    world.service(source, **options, **QUICK)
    world.start()
    world.wait_ended("svc-1")
    assert "torn down" in world.texts(instance="svc-1")
    assert world.instance("svc-1")["exit"] == {"code": 0, "signal": None, "cause": "unhealthy"}


def test_a_health_that_hangs_keeps_nobody_from_stopping_it(world: World) -> None:
    source = """
    import time

    class Svc(ServiceBase):
        def health(self):
            time.sleep(600)
    """
    world.service(source, stop_grace_seconds=10.0, **QUICK)
    world.start()
    world.wait(lambda: "no answer" in health_of(world))
    world.stop()
    assert world.instance("svc-1")["exit"] == {"code": 0, "signal": None, "cause": "stop"}


def test_a_release_that_never_becomes_ready_changes_nothing(world: World) -> None:
    world.service(BY_FILE, start_grace_seconds=5.0, **QUICK)
    world.start()
    eventually(lambda: os.path.isdir(folder(world)))
    say(world, "ready")
    (before,) = world.wait_running()
    set_service(world.engine, "svc", ServiceSettings(start_grace_seconds=0.5))
    world.commit(BY_FILE)
    release = world.deploy()
    world.wait(lambda: any(e["reason"] == "deploy-failed" for e in world.events()))
    assert [i["pid"] for i in world.ready()] == [before["pid"]]
    (failed,) = [e for e in world.events() if e["reason"] == "deploy-failed"]
    assert f"release {release}: svc-2: not ready within 0.5s of its start" in failed["message"]
    world.wait(lambda: world.instance("svc-2")["state"] == "stopped")


def test_the_next_manager_goes_on_with_the_checks(world: World) -> None:
    (first,) = world.run(liveness="health", start_grace_seconds=0.1, **QUICK)
    os.kill(world.manager_pid(), signal.SIGKILL)
    kill(first["pid"], signal.SIGSTOP)
    eventually(lambda: not any(m["state"] == "running" for m in world.managers()))
    world.manager()
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (ServiceSettings(readiness="ping"), "no probe 'ping'"),
        (ServiceSettings(readiness="tcp:port"), "'port' has no port"),
        (ServiceSettings(liveness="http:0/x"), "has no port"),
        (ServiceSettings(readiness="exec:"), "an exec probe needs a command"),
        (ServiceSettings(readiness="health", probe_period_seconds=0.0), "from 50ms"),
        (ServiceSettings(on_unhealthy="panic"), "'panic'"),
        (ServiceSettings(stop_signal="SIGNONE"), "no signal 'SIGNONE'"),
    ],
)
def test_wrong_settings_are_refused(world: World, settings: ServiceSettings, text: str) -> None:
    world.service()
    before = world.status()
    with pytest.raises(UsageError, match=text.replace("(", r"\(")):
        set_service(world.engine, "svc", settings)
    assert world.status() == before


def test_a_stop_signal_of_its_own_is_sent_at_once(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
            print("set")
            while True:
                signal.pause()
    """
    world.run(source, stop_signal="usr1", stop_grace_seconds=30.0)
    world.wait_line("set")
    world.stop()
    assert world.instance("svc-1")["exit"] == {"code": 7, "signal": None, "cause": "stop"}
