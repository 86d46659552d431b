"""What the instances tell each other: notes, as objects in the database."""

from __future__ import annotations

from odbctl import DbObject, Indexed, Schema

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
