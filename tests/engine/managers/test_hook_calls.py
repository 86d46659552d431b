"""Calls of hooks against real pages and commands: secrets, deadlines, limits, odd answers."""

from __future__ import annotations

import io
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from odbctl.engine.managers import hook_pages
from odbctl.engine.managers.hook_calls import HookCall, HookCommands, carry_out

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SECRET = {"X-Token": "tiger", "Authorization": "Bearer tiger"}


def a_call(
    url: str = "", *command: str, timeout: float = 10.0, message: str = "it crashed"
) -> HookCall:
    document = {"kind": "event", "object": "service/api", "message": message}
    return HookCall("chat", command, url, SECRET if url else {}, timeout, document)


def called(*command: str, **options: Any) -> str:
    return carry_out(a_call("", *command, **options), HookCommands())


def posted(url: str, **options: Any) -> str:
    return carry_out(a_call(url, **options), HookCommands())


class Page:
    """A server on a loopback port; keeps the heads and bodies that it was sent."""

    def __init__(self, answer: Callable[[socket.socket, str], None]) -> None:
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.closed = threading.Event()
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self.closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        threads: list[threading.Thread] = []
        while not self.closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            threads.append(threading.Thread(target=self._one, args=(connection,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _one(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reading:
            head = ""
            while (line := reading.readline().decode()).strip():
                head += line
            size = next(
                (
                    int(x.split(":")[1])
                    for x in head.splitlines()
                    if x[:15].lower() == "content-length:"
                ),
                0,
            )
            self.heads.append(head)
            self.bodies.append(reading.read(size))
            try:
                self._answer(connection, head)
            except OSError:
                pass  # the caller has gone


@contextmanager
def a_page(answer: bytes | Callable[[socket.socket, str], None] = OK) -> Generator[Page]:
    def say(connection: socket.socket, _head: str) -> None:
        assert isinstance(answer, bytes)
        connection.sendall(answer)

    page = Page(say if isinstance(answer, bytes) else answer)
    try:
        yield page
    finally:
        page.close()


def redirect(url: str, code: int = 307) -> bytes:
    return f"HTTP/1.1 {code} Moved\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_secret_headers_stay_with_their_origin(code: int) -> None:
    with a_page() as other, a_page(redirect(f"{other.url}/there", code)) as own:
        assert posted(own.url) == ""
        assert "tiger" in own.heads[0]
        (head,) = other.heads
        assert "tiger" not in head
        assert "x-token" not in head.lower()
        is_again = code in (307, 308)
        assert head.startswith("POST /there" if is_again else "GET /there")
        assert bool(other.bodies[0]) == is_again
        assert ("content-type" in head.lower()) == is_again


def test_secret_headers_do_not_come_back_after_a_detour() -> None:
    def route(connection: socket.socket, head: str) -> None:
        connection.sendall(OK if " /back" in head else redirect(other.url))

    with a_page(route) as own, a_page(redirect(f"{own.url}/back")) as other:
        assert posted(own.url) == ""
        assert ["tiger" in head for head in own.heads] == [True, False]


def test_redirects_of_one_origin_keep_headers_and_body() -> None:
    def route(connection: socket.socket, head: str) -> None:
        connection.sendall(OK if " /new" in head else redirect("/new"))

    with a_page(route) as page:
        assert posted(f"{page.url}/old") == ""
        assert ["tiger" in head for head in page.heads] == [True, True]
        assert [json.loads(body)["object"] for body in page.bodies] == ["service/api"] * 2


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("ftp://127.0.0.1/x", "from http to ftp, which is not followed"),
        ("file:///etc/hostname", "is not allowed"),
        ("nowhere:", "is not allowed"),
    ],
)
def test_redirects_lead_to_pages_only(target: str, problem: str) -> None:
    with a_page(redirect(target)) as page:
        assert problem in posted(page.url)


def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    redirects = hook_pages._Redirects(frozenset())  # pyright: ignore[reportPrivateUsage] - no TLS
    request, target = urllib.request.Request("https://example.org/"), "http://example.org/"
    with pytest.raises(urllib.error.HTTPError, match="from https to http, which is not followed"):
        redirects.redirect_request(request, io.BytesIO(), 307, "", Message(), target)


def test_endless_redirects_are_given_up() -> None:
    def route(connection: socket.socket, head: str) -> None:
        connection.sendall(redirect(f"/{len(head)}{head.split()[1]}"))

    with a_page(route) as page:
        assert "307" in posted(page.url)
        assert len(page.heads) <= 10


def _drip(piece: bytes, start: bytes = b"") -> Callable[[socket.socket, str], None]:
    def answer(connection: socket.socket, _head: str) -> None:
        connection.sendall(start)
        pause = threading.Event()
        while True:
            connection.sendall(piece)
            pause.wait(0.05)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_drip(b"H"), id="status"),
        pytest.param(_drip(b"X-A: 1\r\n"[:1], b"HTTP/1.1 200 OK\r\n"), id="headers"),
        pytest.param(_drip(b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
        pytest.param(_drip(b"x", b"HTTP/1.1 200 OK\r\n\r\n"), id="body"),
    ],
)
def test_deadline_holds_for_the_whole_call(
    answer: Callable[[socket.socket, str], None],
) -> None:
    with a_page(answer) as page:
        assert "it took longer than 0.5s" in posted(page.url, timeout=0.5)


def test_deadline_holds_over_redirects() -> None:
    def route(connection: socket.socket, head: str) -> None:
        threading.Event().wait(0.3)
        connection.sendall(redirect(f"/{len(head)}{head.split()[1]}"))

    with a_page(route) as page:
        assert "it took longer than 0.5s" in posted(page.url, timeout=0.5)


def test_deadline_holds_for_a_tls_handshake_that_never_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert "it took longer than 0.5s" in posted(url, timeout=0.5)


def _flood(connection: socket.socket, _head: str) -> None:
    connection.sendall(b"HTTP/1.1 500 No\r\n")
    while True:
        connection.sendall(b"X-A: " + b"1" * 60_000 + b"\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0\0\0\0\r\n\r\n", id="nul"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", id="status"),
        pytest.param(b"HTTP/1.1 99999 \xff\xfe\r\n\r\n", id="code"),
        pytest.param(b"SSH-2.0-x\r\n", id="other-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000, id="many-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000, id="long-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="chunk"),
        pytest.param(b"HTTP/1.1 307 Go\r\nLocation: http://[::\r\n\r\n", id="location"),
        pytest.param(_flood, id="endless-headers"),
    ],
)
def test_odd_answers_are_problems_in_words(
    answer: bytes | Callable[[socket.socket, str], None],
) -> None:
    with a_page(answer) as page:
        problem = posted(page.url)
    assert problem.startswith(f"{page.url}: ")
    assert "\0" not in problem
    assert len(problem) <= 1000


def test_long_answer_is_cut_and_taken() -> None:
    def answer(connection: socket.socket, _head: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    with a_page(answer) as page:
        assert posted(page.url) == ""


def test_secrets_in_the_address_stay_out_of_the_problem() -> None:
    with a_page(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") as page:
        problem = posted(f"{page.url}/hook?token=tiger")
    assert "404" in problem
    assert "tiger" not in problem


@pytest.mark.parametrize("message", ["a\0b", "\ud800 half", "x" * 3_000_000])
def test_odd_messages_reach_a_command(message: str, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    script = f'cat > {file}; test -n "$ODBCTL_EVENT_MESSAGE"'
    assert called("sh", "-c", script, message=message) == ""
    assert json.loads(file.read_text())["message"] == message


@pytest.fixture
def address_space() -> Iterator[None]:
    """Let this process grow by little while a test runs."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + 256 * 2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.usefixtures("address_space")
def test_output_of_a_command_is_bounded() -> None:
    problem = called("sh", "-c", "head -c 600000000 /dev/zero; echo the end; exit 3", timeout=60.0)
    assert problem.startswith("exit code 3: ")
    assert problem.endswith("the end")
    assert "\0" not in problem
    assert len(problem) <= 1000


def test_command_that_reads_no_input_and_ends_is_fine() -> None:
    assert called("true", message="x" * 3_000_000) == ""


def test_command_whose_child_keeps_the_output_open_ends_at_the_deadline() -> None:
    problem = called("sh", "-c", "setsid sleep 5 & exit 0", timeout=0.5)
    assert "it took longer than 0.5s" in problem


def test_wrong_commands_are_problems_in_words() -> None:
    assert called("no-such-command-here").startswith("no-such-command-here: ")
    assert called("echo", "a\0b").startswith("echo: ")
