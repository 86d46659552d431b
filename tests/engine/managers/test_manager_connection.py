"""The launcher never waits for a manager that does not read, and loses nothing by it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from odbctl.engine.managers.manager_connection import MAX_WAITING_BYTES, ManagerConnection
from odbctl.engine.managers.messages import LineBuffer, Message, WorkerExited, receive


@pytest.fixture
def pair() -> Iterator[tuple[ManagerConnection, socket.socket]]:
    """Return the launcher's end, and the manager's."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ours, theirs:
        yield ManagerConnection(ours), theirs


def an_exit(number: int, *, reason: str = "x" * 500) -> WorkerExited:
    return WorkerExited(1000 + number, 7, 1, None, 2.0, number, reason)


def read_all(connection: ManagerConnection, manager: socket.socket) -> list[Message]:
    """Read until nothing waits any more."""
    buffer, messages = LineBuffer(), list[Message]()
    while data := receive(manager):
        messages += buffer.feed(data)
        connection.flush()
    assert not connection.wants_write
    return messages


def exits_of(messages: list[Message]) -> list[int]:
    return [fields[5] for message in messages for fields in message["exited"]]


def test_what_is_not_read_waits_and_arrives_in_order(
    pair: tuple[ManagerConnection, socket.socket],
) -> None:
    connection, manager = pair
    for number in range(1, 1001):
        connection.send({"exited": [an_exit(number)]})
    assert connection.wants_write
    assert not connection.is_behind
    assert exits_of(read_all(connection, manager)) == list(range(1, 1001))


def test_beyond_the_limit_everything_is_reported_anew(
    pair: tuple[ManagerConnection, socket.socket],
) -> None:
    connection, manager = pair
    number = 0
    while not connection.is_behind:
        number += 1
        connection.send({"exited": [an_exit(number)]})
        assert number * 500 < 3 * MAX_WAITING_BYTES
    refused = WorkerExited(7, None, None, None, 2.0, 0, "cannot start a process")
    connection.send({"exited": [refused]})
    connection.send({"running": [[1, 2, 3, 4.0]]})
    before = exits_of(read_all(connection, manager))
    assert before == list(range(1, number))
    pending = [an_exit(n) for n in (number, number + 1)]
    connection.catch_up({"hello": True, "started": [], "running": [], "exited": pending})
    [caught_up] = read_all(connection, manager)
    assert exits_of([caught_up]) == [number, number + 1, 0]
    assert caught_up["exited"][-1] == list(refused)
    connection.send({"exited": [an_exit(number + 2)]})
    assert exits_of(read_all(connection, manager)) == [number + 2]


def test_a_manager_that_is_gone_holds_nothing_up(
    pair: tuple[ManagerConnection, socket.socket],
) -> None:
    connection, manager = pair
    manager.close()
    connection.send({"exited": [an_exit(1)]})
    assert not connection.wants_write
    assert connection.receive() is None
