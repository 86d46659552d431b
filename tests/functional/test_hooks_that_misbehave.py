"""A slow or odd hook costs no other hook its calls, and loses no alert of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from real_world import World
from waiting import eventually

from odbctl.engine.api import hooks, status
from odbctl.engine.api.hooks import HookOptions
from odbctl.engine.model.events import record_event


@contextmanager
def a_port(answer: bytes | None) -> Generator[str]:
    """Serve an answer to each connection, or none at all; yield the URL."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                if answer is not None:
                    connection.recv(65_536)
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in held:
        connection.close()


def alert(world: World, message: str) -> None:
    world.engine.db.run(lambda: record_event("test", "alert", message, actor="test"))


def failures(world: World, hook: str) -> list[str]:
    found = status.list_events(world.engine, limit=1000)
    return [e["message"] for e in found if e["object"] == f"hook/{hook}" and e["actor"] == "hooks"]


def lines_of(path: Path) -> list[Any]:
    return [json.loads(x) for x in path.read_text().splitlines() if x] if path.exists() else []


def test_slow_pages_stop_no_other_hook(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with a_port(None) as url:
        for number in range(6):
            slow = HookOptions(
                url=url, reasons=("alert",), timeout_seconds=60.0, debounce_seconds=0.0
            )
            hooks.add_hook(world.engine, f"slow-{number}", slow)
        command = ("sh", "-c", f"cat >> {told}; echo >> {told}")
        fast = HookOptions(command=command, reasons=("alert",), debounce_seconds=0.0)
        hooks.add_hook(world.engine, "fast", fast)
        world.manager()
        for number in range(3):
            alert(world, f"number {number}")
        eventually(lambda: len(lines_of(told)) == 3, 15)
    assert [e["message"] for e in lines_of(told)] == [f"number {n}" for n in range(3)]


def test_odd_answer_is_recorded_and_the_next_alert_is_tried(world: World) -> None:
    with a_port(b"\0\0 no http \xff\r\n\r\n") as url:
        odd = HookOptions(url=url, reasons=("alert",), debounce_seconds=0.0)
        hooks.add_hook(world.engine, "odd", odd)
        world.manager()
        for number in (1, 2):
            alert(world, "again")
            eventually(lambda: len(failures(world, "odd")) == number, 15)  # noqa: B023 - used at once
    assert all("invalid response" in message for message in failures(world, "odd"))


def test_alert_with_a_nul_reaches_its_command(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = ("sh", "-c", f"cat >> {told}; echo >> {told}")
    hooks.add_hook(world.engine, "note", HookOptions(command=command, reasons=("alert",)))
    world.manager()
    alert(world, "a\0b")
    eventually(lambda: lines_of(told), 15)
    assert lines_of(told)[0]["message"] == "a\0b"
    assert failures(world, "note") == []
