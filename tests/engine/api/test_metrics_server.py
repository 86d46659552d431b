"""The page of metrics: whom it answers, and what slow or many clients cannot do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socketserver import TCPServer

import pytest
from waiting import eventually

from odbctl.engine.api import metrics_server
from odbctl.engine.api.metrics_server import make_server
from odbctl.errors import ConflictError, StoreBusyError, UsageError


@pytest.fixture
def server() -> Iterator[TCPServer]:
    """Yield a server that answers on a free loopback port."""
    with make_server("127.0.0.1:0", lambda: "up 1\n") as made:
        assert isinstance(made, TCPServer)
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def connected(server: TCPServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10)


def ask(server: TCPServer, *headers: str, path: str = "/metrics") -> str:
    """Return the whole answer to a request."""
    with connected(server) as client:
        client.sendall("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        return read_all(client)


def read_all(client: socket.socket) -> str:
    pieces: list[bytes] = []
    try:
        while piece := client.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces).decode()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9105", "localhost:1", "LOCALHOST.", "[::1]:9105", "[::1]"]
)
def test_own_names_are_answered(server: TCPServer, host: str) -> None:
    assert ask(server, f"Host: {host}").endswith("\r\n\r\nup 1\n")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9105", "localhost.evil.example", "127.0.0.1.nip.io", ""]
)
def test_names_of_other_hosts_are_refused(server: TCPServer, host: str) -> None:
    answer = ask(server, f"Host: {host}")
    assert answer.split()[1] == "421"
    assert "up 1" not in answer
    assert ask(server, "Host: localhost", f"Host: {host}").split()[1] == "421"


def test_clients_without_a_name_are_answered(server: TCPServer) -> None:
    assert ask(server).endswith("up 1\n")


def test_a_unix_socket_answers_under_any_name(tmp_path: Path) -> None:
    with make_server(f"unix:{tmp_path}/m", lambda: "up 1\n") as made:
        thread = threading.Thread(target=made.handle_request)
        thread.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{tmp_path}/m")
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            assert read_all(client).endswith("up 1\n")
        thread.join()


def test_a_slow_client_is_dropped(server: TCPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "CONNECTION_SECONDS", 0.2)
    stop = threading.Event()
    with connected(server) as client:

        def drip() -> None:
            while not stop.wait(0.02):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert read_all(client) == ""
        finally:
            stop.set()
            thread.join()
    assert ask(server).endswith("up 1\n")


def test_many_idle_clients_take_few_threads(server: TCPServer) -> None:
    before = threading.active_count()
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(60)]
        most = before + 2 * metrics_server.MOST_CONNECTIONS
        # Those beyond the bound are closed at once: reading ends.
        clients[-1].settimeout(10)
        assert read_all(clients[-1]) == ""
        assert threading.active_count() <= most
    eventually(lambda: ask(server).endswith("up 1\n"))


def test_a_server_without_descriptors_does_not_spin(
    server: TCPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    accept = server.socket.accept

    class Listener:
        """Accepts nothing, as long as there are no descriptors."""

        def __getattr__(self, name: str) -> object:
            return getattr(listener, name)

        def accept(self) -> tuple[socket.socket, object]:
            tries.append(time.monotonic())
            if len(tries) < 4:
                raise OSError(24, "Too many open files")
            return accept()

    listener = server.socket
    monkeypatch.setattr(server, "socket", Listener())
    assert ask(server).endswith("up 1\n")
    assert len(tries) == 4
    assert tries[-1] - tries[0] >= 3 * metrics_server.BACK_OFF_SECONDS


def test_a_database_that_is_held_is_an_answer() -> None:
    def fail() -> str:
        raise StoreBusyError("the database is held")

    with make_server("127.0.0.1:0", fail) as made:
        assert isinstance(made, TCPServer)
        thread = threading.Thread(target=made.handle_request)
        thread.start()
        assert ask(made).split()[1] == "503"
        thread.join()


@pytest.mark.parametrize(
    "address", ["", ":", "localhost", "127.0.0.1:x", "localhost:²", f"localhost:{'9' * 5000}",
                "localhost:99999", "0.0.0.0:80", "::1:-1", "local\nhost:1"]
)  # fmt: skip
def test_malformed_addresses_are_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_server(address, str)
    assert len(caught.value.message) < 200


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="too long"):
        make_server(f"unix:{tmp_path}/{'x' * 200}", str)
