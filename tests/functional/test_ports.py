"""Services that listen on a port: they are deployed, and what keeps them from it is named."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest
from cli_runner import odbctl
from real_world import World

from odbctl.engine.api import releases, why
from odbctl.engine.api.settings import ServiceSettings, set_service
from odbctl.errors import ConflictError, StartFailedError, UsageError

SERVES = """
import http.server, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass

class Svc(ServiceBase):
    def initialize(self):
        address = ("127.0.0.1", int(os.environ["PORT"]))
        self.server = http.server.ThreadingHTTPServer(address, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
"""
# As servers do that catch the error and leave.
EXITS = """
import socket

class Svc(ServiceBase):
    def do_work(self, should_stop):
        with socket.socket() as server:
            try:
                server.bind(("127.0.0.1", int(os.environ["PORT"])))
            except OSError as error:
                print("cannot listen:", error)
                sys.exit(1)
            server.listen()
            should_stop.wait()
"""
PROBE: dict[str, Any] = {"readiness": "http:PORT/ready", "probe_period_seconds": 0.2}


def restart(world: World) -> None:
    """Restart the service, and wait until its new release is active."""
    releases.restart_service(world.engine, "svc")
    number = releases.latest_outcome(world.engine, "svc")[0]
    world.settle(release=number)


@pytest.mark.parametrize("source", [SERVES, EXITS], ids=["raises", "exits"])
def test_port_that_the_old_instance_holds_is_cured_by_a_singleton(
    world: World, free_port: int, source: str
) -> None:
    # Long enough for the one that fails in its work: it runs before it fails.
    (old,) = world.run(source, env={"PORT": str(free_port)})
    releases.restart_service(world.engine, "svc", settle_seconds=30.0)
    with pytest.raises(StartFailedError) as caught:
        world.settle(release=2)
    assert "odbctl service set svc --singleton" in (caught.value.hint or "")
    assert any("--singleton" in line for line in why.why(world.engine, "svc")["lines"])
    assert [i["pid"] for i in world.ready()] == [old["pid"]]
    assert odbctl("service", "set", "svc", "--singleton").code == 0
    restart(world)
    (new,) = world.wait_running()
    assert new["release"] == 3


def test_instances_that_share_a_port_are_cured_by_ports_of_their_own(
    world: World, free_port: int
) -> None:
    world.service(SERVES, env={"PORT": str(free_port)})
    world.start(count=2)
    with pytest.raises(StartFailedError) as caught:
        world.settle()
    assert "odbctl service set svc --port auto" in (caught.value.hint or "")


def test_each_instance_gets_a_port_of_its_own(world: World) -> None:
    found = world.run(SERVES, count=3, port="auto", **PROBE)
    ports = {i["port"] for i in found}
    assert len(ports) == 3
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready") as answer:
            assert answer.status == 200
    assert {d["port"] for d in odbctl("ps", "-o", "json").json} == ports
    shown = odbctl("ps", "-o", "wide").out
    assert "PORT" in shown.splitlines()[0].split()
    assert all(str(port) in shown.split() for port in ports)


def test_service_with_own_ports_is_restarted_without_a_gap(world: World) -> None:
    (old,) = world.run(SERVES, port="auto", **PROBE)
    restart(world)
    (new,) = world.wait_running()
    assert new["pid"] != old["pid"]
    assert new["port"] not in (None, old["port"])


def test_set_turns_ports_on_for_the_next_instances(world: World) -> None:
    world.service(SERVES, **PROBE)
    assert world.status()["port"] == "none"
    set_service(world.engine, "svc", ServiceSettings(port="auto"))
    assert world.status()["port"] == "auto"
    world.start()
    (instance,) = world.wait_running()
    assert instance["port"] is not None


def test_probe_of_an_own_port_says_when_there_is_none(world: World) -> None:
    world.service(readiness="tcp:PORT", probe_period_seconds=0.1)
    world.start()
    world.wait(lambda: any("PORT in the instance's env" in i["health"] for i in world.instances()))


def test_singleton_is_refused_while_more_are_wanted(world: World) -> None:
    world.service()
    world.start(count=2)
    with pytest.raises(ConflictError, match="wants 2 instances") as caught:
        set_service(world.engine, "svc", ServiceSettings(singleton=True))
    assert caught.value.hint == "odbctl service scale svc 1"
    assert not world.status()["singleton"]


def test_singleton_is_set_and_taken_back(world: World) -> None:
    world.service()
    assert odbctl("service", "set", "svc", "--singleton").code == 0
    assert world.status()["singleton"]
    assert odbctl("service", "set", "svc", "--no-singleton").code == 0
    assert not world.status()["singleton"]


def test_port_is_auto_or_none(world: World) -> None:
    world.service()
    with pytest.raises(UsageError, match="no port '8080'"):
        set_service(world.engine, "svc", ServiceSettings(port="8080"))
