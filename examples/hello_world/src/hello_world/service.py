"""HelloService: greets once a period, and answers notes that its instances write."""

from __future__ import annotations

import time
from dataclasses import dataclass

from odbctl import DbObject, Indexed, Schema, ServiceBase, StopSignal

hello_world = Schema("hello_world")


@hello_world.define
class Note(DbObject):
    """A note that one instance writes and any instance answers."""

    author: str
    number: int
    expires_at: float
    is_open: Indexed[bool] = True
    answered_by: str = ""


@dataclass(frozen=True)
class HelloConfig:
    """The configuration: how to greet, and how long notes are kept."""

    greeting: str = "Hello"
    period_seconds: float = 1.0
    lifetime_seconds: float = 20.0


class HelloService(ServiceBase):
    """Print a greeting once a period, and answer the notes of all instances."""

    Config = HelloConfig
    config: HelloConfig

    def initialize(self) -> None:
        """Prepare to run; the instance is running afterwards."""
        self.register_reactor(self.answer_notes)
        self.register_reactor(
            self.delete_expired_notes, wake_every_seconds=self.config.lifetime_seconds / 4
        )
        print(f"{self.runtime.name} is ready", flush=True)

    def do_work(self, should_stop: StopSignal) -> None:
        """Greet until the service is stopped."""
        number = 0
        with self.reactors_running():
            while not should_stop.wait(self.config.period_seconds):
                number += 1
                self.greet(number)

    def greet(self, number: int) -> None:
        """Print a greeting and write a note."""
        print(f"{self.config.greeting} from {self.runtime.name}, number {number}", flush=True)
        with self.db.transaction():
            Note(
                author=self.runtime.name,
                number=number,
                expires_at=time.time() + self.config.lifetime_seconds,
            )

    def answer_notes(self) -> None:
        """Answer open notes; runs again whenever a note is written."""
        for line in self.db.run(self._answer_all):
            print(line, flush=True)

    def _answer_all(self) -> list[str]:
        lines: list[str] = []
        for note in Note.lookup_all(is_open=True):
            note.is_open = False
            note.answered_by = self.runtime.name
            lines.append(f"{self.runtime.name} answers note {note.number} of {note.author}")
        return lines

    def delete_expired_notes(self) -> None:
        """Delete expired notes."""
        now = time.time()

        def delete() -> None:
            for note in Note.lookup_all():
                if note.expires_at < now:
                    note.delete()

        self.db.run(delete)
