"""What use cases that change something return."""

from __future__ import annotations

from collections.abc import Mapping

from odbctl.light_typing import Any, NamedTuple


class Change(NamedTuple):
    """What was done: a word for it, a line for people, and the object afterwards."""

    action: str
    message: str
    document: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Progress(NamedTuple):
    """How far something that is waited for has come; `note` says what holds it up."""

    done: int
    total: int
    text: str
    note: str = ""
