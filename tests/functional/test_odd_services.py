"""A service, or anybody else, that says odd things: no other service notices."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

import pytest
from real_world import World, kill

from odbctl.engine.managers.launcher_client import find_launchers
from odbctl.engine.worker.control import PROBE, control_path, send_control

# What `health()` says is what its file evaluates to; the other class is as usual.
SOURCE = """
from odbctl import Health

class Svc(ServiceBase):
    def health(self):
        if not os.path.exists("odd"):
            return True
        return eval(open("odd").read())

class Other(ServiceBase):
    pass
"""
QUICK: dict[str, Any] = {
    "readiness": "health",
    "probe_period_seconds": 0.1,
    "probe_timeout_seconds": 2.0,
    "probe_failures": 1,
}
ODD = {
    "no message": ("Health(is_healthy=False, message=None)", ""),
    "a tuple": ("Health(is_healthy=False, message=('a', 1))", "('a', 1)"),
    "half a surrogate pair": ("Health(is_healthy=False, message='caf\\udce9')", "caf?"),
    "leaving": ("sys.exit('enough')", "SystemExit: enough"),
}


def say(world: World, text: str) -> None:
    path = world.home.storage / "svc" / "svc-1" / "odd"
    path.with_suffix(".new").write_text(text)
    os.rename(path.with_suffix(".new"), path)


@pytest.mark.parametrize("what", ODD)
def test_an_odd_health_message_holds_up_no_service(world: World, what: str) -> None:
    expression, text = ODD[what]
    world.run(SOURCE, **QUICK)
    world.another("other", class_name="Other")
    say(world, expression)
    world.wait(lambda: world.status()["ready_count"] == 0)
    assert world.instance("svc-1")["health"] == text
    world.start("other")
    world.wait_running("other")
    say(world, "True")
    world.wait_running()


def instance_number(world: World) -> int:
    """Return the number that names the one control socket."""
    (name,) = (n for n in os.listdir(world.home.run / "w") if "." not in n)
    return int(name, 16)


def test_garbage_on_sockets_ends_neither_thread_nor_launcher(world: World) -> None:
    (found,) = world.run(SOURCE, **QUICK)
    path = control_path(world.home.run, instance_number(world))
    garbage = [b"", b"\xff" * 8192, b"stop?", PROBE, PROBE + b"{}", PROBE + b"[" * 8000]
    garbage.append(PROBE + json.dumps([2, "health", "", 1.0, None]).encode())
    for message in garbage:
        send_control(path, message)
    (launcher,) = find_launchers(world.home, "local")
    for data in (b"\xff\n", b"[]\n", b'{"ack": "x"}\n', b'{"spawn": 7}\n', b'{"keep": [1]}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(launcher))
            connection.settimeout(10)
            assert b"hello" in connection.recv(1 << 16)
            connection.sendall(data)
            assert connection.recv(1 << 16) == b""  # it hangs up, and goes on
    say(world, "False")
    world.wait(lambda: world.status()["ready_count"] == 0)
    kill(found["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert world.instance("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "signal"}


def test_an_exception_that_cannot_be_stored_is_the_reason_all_the_same(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def initialize(self):
            raise OSError("caf\\udce9")
    """
    world.service(source, restart="never")
    world.start()
    assert world.wait_ended("svc-1")["reason"] == "OSError: caf?"
    assert any("OSError" in text for text in world.texts())


def test_a_worker_that_writes_into_its_report_pipe_harms_nobody(world: World) -> None:
    source = """
    import contextlib

    class Svc(ServiceBase):
        def initialize(self):
            for name in os.listdir("/proc/self/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                        os.write(int(name), b"who are you?\\n")

    class Other(ServiceBase):
        pass
    """
    world.run(source)
    world.another("other", class_name="Other")
    world.start("other")
    world.wait_running("other")
    assert len(world.launcher_pids()) == 1
    assert world.status()["restarts"] == 0
