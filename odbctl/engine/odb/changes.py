"""The change signal: a commit wakes whoever sleeps until the next one.

A folder `sig` in the run directory holds a datagram socket per listener,
named by its slot number, and the file `armed` with one byte per slot. A
listener that is about to sleep sets its byte; a commit reads the file, clears
the bytes that are set and sends one datagram to each of their sockets. So a
commit costs next to nothing while nobody sleeps, and many commits in a row
send one datagram.

The datagram is a hint, the change log is the truth: a listener looks at the
log after arming, and again after a while if nothing comes.
"""

from __future__ import annotations

# Imported between a commit and the wake-up of those who wait for it, so it needs neither pathlib
# nor `socket`, whose C module has the same sockets without 4 ms of import.
import _socket
import fcntl
import os
import time
from types import TracebackType

from odbctl.errors import NotPermittedError, StoreError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, Self

    from odbctl.engine.odb.store import Listener

MOST_LISTENERS: Final = 4096
# What stands in the file in the place of a slot whose listener wants to be woken.
ARMED: Final = b"\1"
# sockaddr_un holds 108 bytes on Linux, 104 on macOS.
LONGEST_SOCKET_PATH_BYTES: Final = 100
# After so many wake-ups in vain, none of them later than QUIET_SECONDS, a listener that waits for
# something else asks to be woken again only after DEBOUNCE_SECONDS.
WAKES_IN_VAIN: Final = 2
QUIET_SECONDS: Final = 0.02
DEBOUNCE_SECONDS: Final = 0.004
FIRST_HEALING_SECONDS: Final = 0.25
LONGEST_HEALING_SECONDS: Final = 5.0


class Announcer:
    """The sending side, one per database object; any thread may use it."""

    def __init__(self, run_dir: str) -> None:
        self._folder = os.path.join(run_dir, "sig")
        self._descriptor = -1
        self._socket: _socket.socket | None = None

    def announce(self) -> None:
        """Wake every listener that sleeps. Never blocks, never fails."""
        try:
            if self._descriptor < 0:
                self._descriptor = _open_armed(self._folder)
            armed = os.pread(self._descriptor, MOST_LISTENERS, 0)
        except OSError:
            return  # listeners find the commit when they look for lost wake-ups
        if ARMED not in armed:
            return
        slot = armed.find(ARMED)
        while slot >= 0:
            self._wake(slot)
            slot = armed.find(ARMED, slot + 1)

    def __del__(self) -> None:
        # Not earlier: another thread may be announcing what it has committed.
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        if self._socket is not None:
            self._socket.close()

    def _wake(self, slot: int) -> None:
        # Whoever clears a byte sends, so a listener that arms again is not missed.
        os.pwrite(self._descriptor, b"\0", slot)
        if self._socket is None:
            self._socket = _datagram_socket()
        path = os.path.join(self._folder, str(slot))
        try:
            self._socket.sendto(b"\1", path)
        except ConnectionRefusedError:
            _unlink(path)  # its process died
        except OSError:
            return  # gone, or so full that it will wake anyway


class SocketListener:
    """The receiving side: a `Listener` with a socket in the run directory."""

    def __init__(self, run_dir: str, has_changed: Callable[[], bool]) -> None:
        self._folder = os.path.join(run_dir, "sig")
        self._has_changed = has_changed
        self._healing_seconds = FIRST_HEALING_SECONDS
        self._slot = -1
        self._armed = -1
        self._socket: _socket.socket | None = None

    def __enter__(self) -> Self:
        """Bind the socket.

        Raises:
            StoreError: The path of the run directory is too long for sockets.
            NotPermittedError: The run directory cannot be written.
        """
        if len(os.fsencode(self._folder)) + 5 > LONGEST_SOCKET_PATH_BYTES:
            raise StoreError(
                f"{self._folder} is too long for sockets", hint="choose a shorter run directory"
            )
        try:
            self._armed = _open_armed(self._folder)
            self._bind()
        except OSError as error:
            self.close()
            raise NotPermittedError(f"cannot listen in {self._folder}: {error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable after a commit."""
        return self._bound().fileno()

    def arm(self) -> bool:
        """Ask to be woken by the next commit.

        Returns:
            True if something was committed since the view that counts: do not sleep.
        """
        self.ask()
        return self._has_changed()

    def ask(self) -> None:
        """Ask to be woken by the next commit, and look at the database by oneself."""
        os.pwrite(self._armed, ARMED, self._slot)

    def drain(self) -> None:
        """Take away the wake-ups that came, so that the descriptor is not readable."""
        endpoint = self._bound()
        endpoint.setblocking(False)
        try:
            while endpoint.recv(16):
                self._healing_seconds = FIRST_HEALING_SECONDS
        except BlockingIOError:
            return

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Sleep until a wake-up, the time-out, or until it is time to look for a lost one.

        Of several wake-ups it takes one: further ones end the next sleep, unless they are drained.

        Returns:
            Whether a wake-up came.
        """
        healing = self._healing_seconds
        self._healing_seconds = min(2 * healing, LONGEST_HEALING_SECONDS)
        pause = healing if timeout_seconds is None else min(healing, timeout_seconds)
        endpoint = self._bound()
        # 0 would mean non-blocking, and a little less than that an error.
        endpoint.settimeout(max(pause, 0.000_001))
        try:
            endpoint.recv(16)
        except (TimeoutError, BlockingIOError):
            return False
        self._healing_seconds = FIRST_HEALING_SECONDS
        return True

    def wake(self) -> None:
        """Wake this listener from another thread."""
        if self._socket is not None:
            try:
                self._socket.sendto(b"\1", self._path())
            except OSError:
                return  # full: it is awake; gone: it has ended

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        endpoint, self._socket = self._socket, None
        if endpoint is not None:
            os.pwrite(self._armed, b"\0", self._slot)
            # Unlinked while bound, so that no other listener's socket is removed.
            _unlink(self._path())
            endpoint.close()
        armed, self._armed = self._armed, -1
        if armed >= 0:
            os.close(armed)

    def _bind(self) -> None:
        fcntl.flock(self._armed, fcntl.LOCK_EX)
        try:
            for slot in range(MOST_LISTENERS):
                path = os.path.join(self._folder, str(slot))
                if os.path.exists(path) and _is_alive(path):
                    continue
                _unlink(path)
                endpoint = _datagram_socket()
                endpoint.bind(path)
                self._slot, self._socket = slot, endpoint
                os.pwrite(self._armed, b"\0", slot)
                return
        finally:
            fcntl.flock(self._armed, fcntl.LOCK_UN)
        raise StoreError(f"more than {MOST_LISTENERS} listeners in {self._folder}")

    def _path(self) -> str:
        return os.path.join(self._folder, str(self._slot))

    def _bound(self) -> _socket.socket:
        if self._socket is None:
            raise StoreError("the listener is closed")
        return self._socket


def wait_for_change(
    listener: Listener,
    is_relevant: Callable[[], bool],
    *,
    should_stop: Callable[[], bool],
    timeout_seconds: float | None,
) -> bool:
    """Sleep until a commit matters.

    Args:
        listener: The thread's own.
        is_relevant: Looks at what was committed since it was last asked.
        should_stop: Asked after every wake-up.
        timeout_seconds: How long at most; None for ever.

    Returns:
        False when it stopped or timed out.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    in_vain = 0
    # Not after each wake-up: that would delay what it is about.
    listener.drain()
    while not should_stop():
        if in_vain > WAKES_IN_VAIN:
            # Others commit in a stream, of other things: let them, and look at many at once.
            time.sleep(DEBOUNCE_SECONDS)
        listener.ask()
        # Looked at after that: what comes later wakes us.
        if is_relevant():
            return True
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        slept_at = time.monotonic()
        is_woken = listener.wait(left)
        is_stream = is_woken and time.monotonic() - slept_at < QUIET_SECONDS
        in_vain = in_vain + 1 if is_stream else 0
    return False


def _open_armed(folder: str) -> int:
    """Open the file of armed slots, making it if this is its first use."""
    path, flags = os.path.join(folder, "armed"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        for each in (os.path.dirname(folder), folder):
            os.makedirs(each, mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def _datagram_socket() -> _socket.socket:
    endpoint = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    endpoint.setblocking(False)
    return endpoint


def _is_alive(path: str) -> bool:
    probe = _datagram_socket()
    try:
        probe.connect(path)
    except OSError:
        return False
    finally:
        probe.close()
    return True


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
