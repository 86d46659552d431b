"""The launcher's end of the connection to one manager. Sending never waits.

A manager that is stopped (SIGSTOP) reads nothing, and the launcher has to reap and fork for
others meanwhile. Messages wait here, up to a limit. Beyond it they are dropped, and the launcher
reports everything it has once the manager reads again; reports that come twice do no harm.
"""

from __future__ import annotations

import socket
from typing import Any

from odbctl.engine.managers.messages import LineBuffer, Message, WorkerExited, encode, receive

MAX_WAITING_BYTES = 1 << 20


class ManagerConnection:
    """One connection, with what waits to be sent over it.

    Attributes:
        socket: The connected stream socket; it does not block.
        is_behind: Whether messages were dropped.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.is_behind = False
        self._buffer = LineBuffer()
        self._waiting = bytearray()
        # Refused starts among the dropped messages, by instance: no journal has them.
        self._refusals: dict[int, list[Any]] = {}

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._waiting)

    def receive(self) -> list[Message] | None:
        """Return the messages that have arrived; None at the end of the stream.

        Raises:
            ValueError: The bytes are no messages.
        """
        data = receive(self.socket)
        return None if data is None else self._buffer.feed(data)

    def send(self, message: Message) -> None:
        """Send a message, now or when the manager reads."""
        if len(self._waiting) > MAX_WAITING_BYTES:
            self.is_behind = True
        if not self.is_behind:
            self._waiting += encode(message)
            self.flush()
            return
        for fields in message.get("exited", ()):
            if WorkerExited(*fields).number == 0:
                self._refusals[fields[0]] = list(fields)

    def flush(self) -> None:
        """Send what can be sent without waiting."""
        if not self._waiting:
            return
        try:
            sent = self.socket.send(self._waiting)
        except BlockingIOError:
            return
        except OSError:  # its end is noticed by the next read
            sent = len(self._waiting)
        del self._waiting[:sent]

    def catch_up(self, message: Message) -> None:
        """Send everything that the launcher has, in the place of the dropped messages.

        Args:
            message: What a manager receives that has just connected.
        """
        refusals, self._refusals = self._refusals, {}
        self.is_behind = False
        self.send({**message, "exited": [*message["exited"], *refusals.values()]})
