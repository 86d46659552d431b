"""What services use, and what they are held to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import World
from waiting import eventually

from odbctl.engine.managers.sampling import figures_path
from odbctl.engine.telemetry.figures import Sample, append_sample

EATS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        block = bytearray(900 * 2**20)
        should_stop.wait()
"""


def test_figures_of_instances_are_shown(world: World) -> None:
    (before,) = world.run()
    assert before["rss_bytes"] is None or before["rss_bytes"] > 0
    # A manager takes a sample as it starts, and then every ten seconds.
    world.engine.db.close()
    subprocess.run(
        [sys.executable, "-m", "odbctl", "manager", "restart"], check=True, capture_output=True
    )
    world.engine.db = type(world.engine.db)(world.home.database, run_dir=world.home.run)
    eventually(lambda: world.ready()[0]["rss_bytes"] is not None)
    (found,) = world.ready()
    assert (found["rss_bytes"] or 0) > 2**20
    assert (found["threads"] or 0) >= 2
    assert (found["open_files"] or 0) >= 3
    assert "THREADS" in odbctl("ps", "-o", "wide").out


def test_figures_of_an_instance_over_time(world: World) -> None:
    world.run()
    began_at = time.time() - 100.0
    path = figures_path(world.home, "svc", "svc-1")
    for step in range(3):
        append_sample(path, Sample(began_at + step * 10.0, step * 2.0, 2**20, 5, 3))
    found = odbctl("instance", "figures", "svc-1", "-o", "json").json[:2]
    assert [(f["instance"], f["cpu_percent"], f["threads"]) for f in found] == [
        ("svc-1", 20.0, 3),
        ("svc-1", 20.0, 3),
    ]
    assert odbctl("instance", "figures", "svc-9").code == 4


def parsed(text: str) -> dict[str, float]:
    """Parse the exposition format strictly; every sample needs HELP and TYPE before it."""
    known: set[str] = set()
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("# "):
            word, name = line.split(" ")[1:3]
            assert word in ("HELP", "TYPE")
            known.add(name)
            continue
        key, _, value = line.rpartition(" ")
        assert key.partition("{")[0] in known
        assert key not in found
        found[key] = float(value)
    return found


def test_metrics_are_printed(world: World) -> None:
    world.run(count=2)
    found = parsed(odbctl("metrics").out)
    assert found['odbctl_service_running{service="svc"}'] == 2
    assert found['odbctl_manager_up{host="local"}'] == 1
    assert found['odbctl_service_state{service="svc",state="running"}'] == 1
    started = found['odbctl_instance_start_time_seconds{service="svc",instance="svc-1"}']
    assert time.time() - 60 < started < time.time()
    assert found["odbctl_database_commits_total"] > 0


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_metrics_are_served_to_this_machine(
    world: World, tmp_path: Path, free_port: int, kind: str
) -> None:
    world.service()
    address = f"127.0.0.1:{free_port}" if kind == "tcp" else f"unix:{tmp_path}/m"
    server = subprocess.Popen(
        [sys.executable, "-m", "odbctl", "metrics", "--listen", address],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert server.stderr is not None
        assert b"serving metrics" in server.stderr.readline()
        _check_served(address, tmp_path, kind)
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=10) == 130
        server.communicate()


def _check_served(address: str, tmp_path: Path, kind: str) -> None:
    if kind == "unix":
        assert (tmp_path / "m").stat().st_mode & 0o077 == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "m"))
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            body = client.makefile().read()
        assert 'odbctl_service_wanted{service="svc"} 0' in body
        return
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert parsed(answer.read().decode())['odbctl_service_wanted{service="svc"}'] == 0
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://{address}/else")


@pytest.mark.parametrize("address", ["0.0.0.0:9105", "example.org:80", "9105", "127.0.0.1:x"])
def test_metrics_are_served_to_nobody_else(world: World, address: str) -> None:
    ran = odbctl("metrics", "--listen", address)
    assert (ran.code, ran.out) == (2, "")
    assert world.home.data.exists()


def test_a_memory_limit_is_held_and_called_what_it_is(world: World) -> None:
    world.service(EATS, memory_limit="600M", cpu_limit=1.0, restart="never")
    world.start()
    ended = world.wait_ended("svc-1")
    document = world.status()
    assert document["memory_limit_bytes"] == 600 * 2**20
    if document["memory_held_by"] == "address space (rlimit)":
        assert document["cpu_held_by"] == "nothing"
        assert ended["reason"] == "MemoryError"
    else:
        assert "out of memory" in (ended["reason"] or "")
    assert odbctl("service", "set", "svc", "--memory-limit", "lots").code == 2
    assert odbctl("service", "set", "svc", "--memory-limit", "none").code == 0
    assert world.status()["memory_held_by"] is None


def test_a_limit_below_what_a_worker_begins_with_is_a_failed_start(world: World) -> None:
    world.service(memory_limit="40M", restart="never")
    world.start()
    if world.status()["memory_held_by"] != "address space (rlimit)":
        return  # a control group lets it begin
    ended = world.wait_ended("svc-1")
    assert ended["state"] == "failed"
    assert "a memory limit of 40 MB is too little" in (ended["reason"] or "")
