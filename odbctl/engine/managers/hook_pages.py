"""Calling a hook's page: one POST with a deadline, a size limit and no secrets for others.

Whatever answers at the other end is not trusted: it may be slow, endless or no HTTP at all,
and it may redirect to somebody else. Run by the threads of a HookRunner, and by `hook test`.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import queue
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import urlsplit

from odbctl.units import exact_duration

# All that is read of an answer and of the redirects before it, heads included.
MAX_ANSWER_BYTES = 1 << 18
MAX_REDIRECTS = 5
_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEEP_METHOD = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)


def call_page(url: str, *, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> str:
    """Post a body to a page, and follow its redirects.

    Args:
        url: An http or https address.
        body: JSON.
        headers: Headers of the hook. They may be secret: they are sent to the origin of
            `url` only, until the first redirect that leaves it.
        timeout_seconds: For the whole call: look-up, connect, TLS, redirects and answer.

    Returns:
        What went wrong, empty when nothing did.
    """
    limits = _Limits(timeout_seconds)
    request = urllib.request.Request(
        url, body, {"Content-Type": "application/json", **headers}, method="POST"
    )
    opener = urllib.request.build_opener(
        _Http(limits), _Https(limits), _Redirects(frozenset(map(str.lower, headers)))
    )
    try:
        with opener.open(request) as answer:
            _read_to_end(answer)
    except TimeoutError:
        return f"it took longer than {exact_duration(timeout_seconds)}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.reason}"
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            return f"it took longer than {exact_duration(timeout_seconds)}"
        return str(error.reason)
    except (http.client.HTTPException, OSError, ValueError) as error:
        return f"invalid response: {str(error) or type(error).__name__}"
    return ""


def _read_to_end(answer: IO[bytes]) -> None:
    """Read the rest of a good answer; the call has been taken, however long it is."""
    with contextlib.suppress(_TooLongError):
        while answer.read(1 << 16):
            pass


class _TooLongError(ValueError):
    """There is more to read than a call may read."""


class _Limits:
    """The deadline of one call, and the bytes that may still be read."""

    def __init__(self, timeout_seconds: float) -> None:
        self._deadline = time.monotonic() + timeout_seconds
        self._bytes_left = MAX_ANSWER_BYTES

    def seconds_left(self) -> float:
        """Return how long the call may still take.

        Raises:
            TimeoutError: No longer.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def count(self, size: int) -> None:
        """Count bytes that were read.

        Raises:
            _TooLongError: They are too many.
        """
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise _TooLongError(f"it is longer than {MAX_ANSWER_BYTES} bytes")


class _Reading(io.RawIOBase):
    """What comes from a socket, within the limits of the call."""

    def __init__(self, sock: socket.socket, limits: _Limits) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._limits = limits

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read what is there, or wait for it until the deadline."""
        self._sock.settimeout(self._limits.seconds_left())
        count = self._raw.readinto(buffer)
        self._limits.count(count or 0)
        return count

    def close(self) -> None:
        """Close the socket's file, which closes a socket that nobody else holds."""
        self._raw.close()
        super().close()


class _LimitedSocket:
    """What an `HTTPResponse` needs of a socket."""

    def __init__(self, sock: socket.socket, limits: _Limits) -> None:
        self._sock = sock
        self._limits = limits

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(_Reading(self._sock, self._limits))


class _Connection(http.client.HTTPConnection):
    """A connection that keeps to the deadline at each step."""

    limits: _Limits

    def limit(self, limits: _Limits) -> None:
        """Keep to the limits of a call. Needed before anything else."""

        class LimitedResponse(http.client.HTTPResponse):
            def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
                limited: Any = _LimitedSocket(sock, limits)
                super().__init__(limited, *args, **options)

        self.limits = limits
        self.response_class = LimitedResponse

    def connect(self) -> None:
        """Connect to the first address that answers."""
        self.sock = _connected(self.host, self.port, self.limits)
        if getattr(self, "_tunnel_host", None):
            self._tunnel()  # type: ignore[attr-defined] # http.client's own, for proxies

    def send(self, data: Any) -> None:
        """Send bytes, however slowly they are taken, until the deadline."""
        if self.sock is None:
            self.connect()
        sock = self.sock
        assert sock is not None
        rest = memoryview(bytes(data))
        while rest:
            sock.settimeout(self.limits.seconds_left())
            rest = rest[sock.send(rest) :]


class _TlsConnection(_Connection):
    """The same with TLS."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect, and shake hands within the deadline."""
        super().connect()
        name = getattr(self, "_tunnel_host", None) or self.host
        self.sock.settimeout(self.limits.seconds_left())
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=name)


def _connected(host: str, port: int, limits: _Limits) -> socket.socket:
    problem: OSError | None = None
    for family, kind, protocol, _name, address in _addresses(host, port, limits):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(limits.seconds_left())
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem or OSError(f"cannot resolve {host}")


def _addresses(host: str, port: int, limits: _Limits) -> list[Any]:
    """Look a host up; the resolver takes no deadline, so it runs in a thread of its own."""
    found: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look_up, name="hook-look-up", daemon=True).start()
    try:
        result = found.get(timeout=limits.seconds_left())
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(result, Exception):
        raise result
    return result


class _Http(urllib.request.HTTPHandler):
    """Opens http addresses within the limits of a call."""

    def __init__(self, limits: _Limits) -> None:
        super().__init__()
        self._limits = limits

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address."""
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> _Connection:
        made = _Connection(host, **options)
        made.limit(self._limits)
        return made


class _Https(urllib.request.HTTPSHandler):
    """Opens https addresses within the limits of a call."""

    def __init__(self, limits: _Limits) -> None:
        super().__init__()
        self._limits = limits

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address."""
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> _Connection:
        made = _TlsConnection(host, **options)
        made.limit(self._limits)
        return made


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, and takes the hook's headers to no other origin.

    Args:
        secret: Names of the hook's headers, in lower case.
    """

    max_redirections = MAX_REDIRECTS

    def __init__(self, secret: frozenset[str]) -> None:
        self._secret = secret

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request:
        """Return the next request: a POST again for 307 and 308, else a GET as browsers do."""
        del msg
        old, new = _origin(req.full_url), _origin(newurl)
        if new[0] not in _DEFAULT_PORTS or (old[0], new[0]) == ("https", "http"):
            reason = f"it redirects from {old[0]} to {new[0] or 'nowhere'}, which is not followed"
            raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp)
        keeps = code in _KEEP_METHOD
        sent = {name.lower(): value for name, value in req.headers.items()}
        if old != new:
            sent = {name: value for name, value in sent.items() if name not in self._secret}
        if not keeps:
            sent.pop("content-type", None)
        return urllib.request.Request(
            newurl,
            req.data if keeps else None,
            sent,
            method=req.get_method() if keeps else "GET",
        )

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port: RFC 6454."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
