"""Running a program of somebody else to its end, with bounded time and output.

Run in the process of a command. The program may print without end or bytes that
are no text, and may leave children behind that keep its streams open.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PIECE_BYTES = 64 * 2**10
# Of standard error, the end is kept: the cause is in the last lines.
MOST_TALK_BYTES = 64 * 2**10
_POLL_SECONDS = 0.05


class TooMuchOutputError(Exception):
    """The program printed more than the caller takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A program that has ended; `talk` is the end of its standard error."""

    exit_code: int
    output: bytes
    talk: str


def run_bounded(
    command: Sequence[str],
    *,
    stdin: bytes,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str],
    timeout_seconds: float,
    most_output_bytes: int,
) -> Ended:
    """Run a program and return its output; children that it leaves behind are killed.

    Args:
        command: The program and its arguments.
        stdin: What it reads.
        cwd: Its working directory.
        env: Its environment.
        timeout_seconds: It is killed afterwards, with its children.
        most_output_bytes: The longest standard output.

    Raises:
        TimeoutError: It took longer.
        TooMuchOutputError: It printed more.
        OSError: It cannot be started.
    """
    deadline = time.monotonic() + timeout_seconds
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=env,
        start_new_session=True,
    ) as process:
        try:
            reader = _Streams(process, stdin, most_output_bytes)
            while reader.step(_POLL_SECONDS):
                if time.monotonic() > deadline:
                    raise TimeoutError
        finally:
            # It is not reaped yet, so the group's number is still its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    talk = bytes(reader.talk).decode(errors="replace")
    return Ended(exit_code=process.returncode, output=bytes(reader.output), talk=talk)


class _Streams:
    """The three streams of a program, served without waiting for any of them."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, most_output: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.output = bytearray()
        self.talk = bytearray()
        self._process = process
        self._rest = memoryview(stdin)
        self._most_output = most_output
        self._selector = selectors.DefaultSelector()
        for stream in (process.stdin, process.stdout, process.stderr):
            os.set_blocking(stream.fileno(), False)
        self._selector.register(process.stdin, selectors.EVENT_WRITE)
        self._selector.register(process.stdout, selectors.EVENT_READ)
        self._selector.register(process.stderr, selectors.EVENT_READ)

    def step(self, wait_seconds: float) -> bool:
        """Serve what is ready; False once the program has ended and nothing is left to read.

        Raises:
            TooMuchOutputError: It printed too much.
        """
        # Seen, but not reaped.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        has_ended = os.waitid(os.P_PID, self._process.pid, flags) is not None
        ready = self._selector.select(0 if has_ended else wait_seconds)
        for key, _ in ready:
            if key.fileobj is self._process.stdin:
                self._write(key.fd)
            else:
                self._read(key)
        is_open = len(self._selector.get_map()) > 0
        # A child that it left behind may keep the streams open for ever.
        is_done = has_ended and not any(k.fileobj is not self._process.stdin for k, _ in ready)
        if is_done or (not is_open and has_ended):
            self._selector.close()
            return False
        if not is_open:
            time.sleep(wait_seconds)
        return True

    def _write(self, descriptor: int) -> None:
        assert self._process.stdin is not None
        try:
            self._rest = self._rest[os.write(descriptor, self._rest[:_PIECE_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._rest = self._rest[:0]
        if not self._rest:
            self._selector.unregister(self._process.stdin)
            self._process.stdin.close()

    def _read(self, key: selectors.SelectorKey) -> None:
        piece = os.read(key.fd, _PIECE_BYTES)
        if not piece:
            self._selector.unregister(key.fileobj)
        elif key.fileobj is self._process.stderr:
            self.talk += piece
            del self.talk[:-MOST_TALK_BYTES]
        else:
            self.output += piece
            if len(self.output) > self._most_output:
                raise TooMuchOutputError
