"""HelloService: greets once a period, and reacts to the notes of its like."""

from __future__ import annotations

import time
from dataclasses import dataclass

from odbctl import DbObject, Indexed, Schema, ServiceBase, StopSignal

hello_world = Schema("hello_world")


@hello_world.define
class Note(DbObject):
    """A line that one instance wrote and another one answers."""

    author: str
    text: str
    written_at: float
    lifetime_seconds: float
    is_open: Indexed[bool] = True
    answer: str = ""

    def is_over(self, now: float) -> bool:
        """Tell whether it is time to take it away."""
        return now > self.written_at + self.lifetime_seconds


@dataclass(frozen=True)
class HelloConfig:
    """How to greet."""

    greeting: str = "Hello"
    period_seconds: float = 1.0
    lifetime_seconds: float = 20.0


class HelloService(ServiceBase):
    """Greet once a period, and answer the notes of all instances."""

    Config = HelloConfig
    config: HelloConfig

    def initialize(self) -> None:
        """Get ready; the instance is Running afterwards."""
        self.register_reactor(self.answer_notes)
        self.register_reactor(
            self.take_old_notes_away, wake_every_seconds=self.config.lifetime_seconds / 4
        )
        print(f"{self.runtime.name} is ready", flush=True)

    def do_work(self, should_stop: StopSignal) -> None:
        """Greet until it is time to stop."""
        number = 0
        with self.reactors_running():
            while not should_stop.wait(self.config.period_seconds):
                number += 1
                self.greet(number)

    def greet(self, number: int) -> None:
        """Print a greeting and leave a note."""
        print(f"{self.config.greeting} from {self.runtime.name}, number {number}", flush=True)
        with self.db.transaction():
            Note(
                author=self.runtime.name,
                text=f"is anybody there? ({number})",
                written_at=time.time(),
                lifetime_seconds=self.config.lifetime_seconds,
            )

    def answer_notes(self) -> None:
        """Answer what is open: runs again whenever a note is written."""
        for note in self.db.run(self._answer_all):
            print(note, flush=True)

    def _answer_all(self) -> list[str]:
        said: list[str] = []
        for note in Note.lookup_all(is_open=True):
            note.is_open = False
            note.answer = f"yes, {self.runtime.name}"
            said.append(f"{note.author} asks: {note.text} {self.runtime.name} answers: yes")
        return said

    def take_old_notes_away(self) -> None:
        """Delete the notes whose time is over."""
        now = time.time()

        def delete() -> None:
            for note in Note.lookup_all():
                if note.is_over(now):
                    note.delete()

        self.db.run(delete)
