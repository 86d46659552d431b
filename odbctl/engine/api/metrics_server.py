"""Serving metrics over HTTP, on a loopback port or a unix socket.

Run by `odbctl metrics --listen` in the command's process: one thread accepts,
each connection has a thread of its own. Anybody on the machine may connect, and
so may a web page, in the name of its user. So the number of connections and
their time are bounded, and requests for another host's name are refused.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, TCPServer, ThreadingMixIn, UnixStreamServer
from typing import Any

from odbctl.engine.api.metrics import CONTENT_TYPE
from odbctl.errors import ConflictError, OdbctlError, UsageError, shown

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
HINT = "for example 127.0.0.1:9105 or unix:/run/user/1000/odbctl-metrics"
MOST_CONNECTIONS = 16
# For the whole of a connection: a client that sends a byte now and then is slow, too.
CONNECTION_SECONDS = 10.0
# After a connection could not be accepted, as without free descriptors.
BACK_OFF_SECONDS = 0.2


def make_server(address: str, text: Callable[[], str]) -> BaseServer:
    """Make a server that answers `GET /metrics`; `serve_forever` runs it.

    Args:
        address: `HOST:PORT` of the loopback interface, or `unix:PATH`.
        text: Makes the answer.

    Raises:
        UsageError: The address is malformed, or can be reached from other machines.
        ConflictError: It is in use.
    """

    class Handler(_Handler):
        make_text = staticmethod(text)

    try:
        if address.startswith("unix:"):
            return _unix_server(address.removeprefix("unix:"), Handler)
        host, port = _host_and_port(address)
        Handler.is_host_checked = True
        return _server_of(host)((host, port), Handler)
    except OSError as error:
        reason = error.strerror or error
        raise ConflictError(f"cannot listen on {address}: {reason}", hint=HINT) from error


def _host_and_port(address: str) -> tuple[str, int]:
    host, sign, port = address.rpartition(":")
    host = host.strip("[]")
    if not (sign and port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise UsageError(f"{shown(address)} is not an address", hint=HINT)
    if host not in _LOOPBACK:
        raise UsageError(f"{shown(host)} can be reached from other machines", hint=HINT)
    return host, int(port)


def is_own_host(header: str) -> bool:
    """Return whether a Host header names this machine's loopback interface.

    A page of another site reaches a loopback port under its own name, when its
    name server says that this name is 127.0.0.1 (DNS rebinding).
    """
    host, sign, port = header.strip().rpartition(":")
    if not sign or not port.isdigit():
        host = header.strip()
    return host.strip("[]").removesuffix(".").lower() in _LOOPBACK


class _Handler(BaseHTTPRequestHandler):
    make_text: Callable[[], str]
    is_host_checked = False
    timeout = CONNECTION_SECONDS  # of each read and write

    def do_GET(self) -> None:
        hosts = self.headers.get_all("Host") or []
        if self.is_host_checked and not all(map(is_own_host, hosts)):
            self.send_error(421, explain="the Host header names another host")
            return
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        try:
            body = self.make_text().encode()
        except OdbctlError:  # for example, the database is held by another program
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing: standard error belongs to people."""

    def address_string(self) -> str:
        return "local"


class _Bounded(ThreadingMixIn, BaseServer):
    """Serves each connection in a thread, of which there are only so many, for a limited time."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*arguments, **options)

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; when that fails, wait before the next try.

        The connection stays in the queue, so the server would try again at once.
        """
        try:
            return super().get_request()
        except OSError:
            time.sleep(BACK_OFF_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, or close it when too many are open."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread could be started
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and end it when its time is over."""
        clock = threading.Timer(CONNECTION_SECONDS, _end, (request,))
        clock.daemon = True
        try:
            clock.start()
            super().process_request_thread(request, client_address)
        finally:
            clock.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone."""


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _server_of(host: str) -> type[TCPServer]:
    class Server(_Bounded, TCPServer):
        allow_reuse_address = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Server


def _unix_server(path: str, handler: type[_Handler]) -> BaseServer:
    class Server(_Bounded, UnixStreamServer):
        def server_close(self) -> None:
            super().server_close()
            with contextlib.suppress(OSError):
                os.unlink(path)

    before = os.umask(0o077)
    try:
        return Server(path, handler)
    finally:
        os.umask(before)
