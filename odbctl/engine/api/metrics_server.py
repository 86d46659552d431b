"""Serving metrics over HTTP, on a loopback port or a unix socket."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, TCPServer, ThreadingMixIn, UnixStreamServer

from odbctl.engine.api.metrics import CONTENT_TYPE
from odbctl.errors import ConflictError, UsageError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
HINT = "as in 127.0.0.1:9105 or unix:/run/user/1000/odbctl-metrics"


def make_server(address: str, text: Callable[[], str]) -> BaseServer:
    """Make a server that answers `GET /metrics`; `serve_forever` runs it.

    Args:
        address: `HOST:PORT` of the loopback interface, or `unix:PATH`.
        text: Makes the answer.

    Raises:
        UsageError: The address is none, or can be reached from other machines.
        ConflictError: It is in use.
    """

    class Handler(_Handler):
        make_text = staticmethod(text)

    try:
        if address.startswith("unix:"):
            return _unix_server(address.removeprefix("unix:"), Handler)
        host, port = _host_and_port(address)
        return _server_of(host)((host, port), Handler)
    except OSError as error:
        raise ConflictError(f"cannot listen on {address}: {error.strerror}", hint=HINT) from error


def _host_and_port(address: str) -> tuple[str, int]:
    host, sign, port = address.rpartition(":")
    host = host.strip("[]")
    if not sign or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{address!r} is no address", hint=HINT)
    if host not in _LOOPBACK:
        raise UsageError(f"{host!r} can be reached from other machines", hint=HINT)
    return host, int(port)


class _Handler(BaseHTTPRequestHandler):
    make_text: Callable[[], str]

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        body = self.make_text().encode()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing: standard error belongs to people."""

    def address_string(self) -> str:
        return "local"


class _Threaded(ThreadingMixIn):
    daemon_threads = True


def _server_of(host: str) -> type[TCPServer]:
    class Server(_Threaded, TCPServer):
        allow_reuse_address = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Server


def _unix_server(path: str, handler: type[_Handler]) -> BaseServer:
    class Server(_Threaded, UnixStreamServer):
        def server_close(self) -> None:
            super().server_close()
            with contextlib.suppress(OSError):
                os.unlink(path)

    before = os.umask(0o077)
    try:
        return Server(path, handler)
    finally:
        os.umask(before)
