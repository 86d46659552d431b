"""The change signal between threads of one process, for the store in memory."""

from __future__ import annotations

# The C module under `socket`: the same sockets without 4 ms of import.
import _socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

HEALING_SECONDS: Final = 5.0


class LocalListener:
    """A `Listener` that a commit of another thread wakes."""

    def __init__(self, listeners: set[LocalListener], has_changed: Callable[[], bool]) -> None:
        self._listeners = listeners
        self._has_changed = has_changed
        self._is_armed = False
        self._sockets: tuple[_socket.socket, _socket.socket] | None = None

    def __enter__(self) -> Self:
        """Listen from now on."""
        receiver, sender = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_DGRAM)
        receiver.setblocking(False)
        sender.setblocking(False)
        self._sockets = receiver, sender
        self._listeners.add(self)
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
        return self._receiver().fileno()

    def arm(self) -> bool:
        """Ask to be woken by the next commit; True if one followed the view that counts."""
        self.ask()
        return self._has_changed()

    def ask(self) -> None:
        """Ask to be woken by the next commit, and look at the database by oneself."""
        self._is_armed = True

    def drain(self) -> None:
        """Take away the wake-ups that came."""
        receiver = self._receiver()
        receiver.setblocking(False)
        try:
            while receiver.recv(16):
                pass
        except BlockingIOError:
            return

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Sleep until a wake-up or the time-out, and say which; takes one wake-up of several."""
        pause = HEALING_SECONDS if timeout_seconds is None else timeout_seconds
        receiver = self._receiver()
        # 0 would mean non-blocking, and a little less than that an error.
        receiver.settimeout(min(max(pause, 0.000_001), HEALING_SECONDS))
        try:
            receiver.recv(16)
        except (TimeoutError, BlockingIOError):
            return False
        return True

    def wake(self) -> None:
        """Wake this listener from another thread."""
        if self._sockets is not None:
            try:
                self._sockets[1].send(b"\1")
            except OSError:
                return  # full: it is awake; closed: it has ended

    def wake_if_armed(self) -> None:
        """Wake it after a commit, if it asked for that."""
        if self._is_armed:
            self._is_armed = False
            self.wake()

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        self._listeners.discard(self)
        sockets, self._sockets = self._sockets, None
        for each in sockets or ():
            each.close()

    def _receiver(self) -> _socket.socket:
        if self._sockets is None:
            from odbctl.errors import StoreError

            raise StoreError("the listener is closed")
        return self._sockets[0]
