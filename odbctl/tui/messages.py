"""What threads and screens say to the app. Each carries frozen data only."""

from __future__ import annotations

from textual.message import Message

from odbctl.tui.backend import Action, Request
from odbctl.tui.paint import Cell
from odbctl.tui.snapshot import DashboardSnapshot


class SnapshotRead(Message):
    """The reader read something new."""

    def __init__(self, snapshot: DashboardSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class ReadFailed(Message):
    """The reader cannot read; it tries again."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class StatusChanged(Message):
    """Something to say in the status line: a step, an outcome, a refusal."""

    def __init__(self, status: Cell) -> None:
        super().__init__()
        self.status = status


class ActionWanted(Message):
    """The person wants something done, and has confirmed it where needed."""

    def __init__(self, action: Action) -> None:
        super().__init__()
        self.action = action


class RequestChanged(Message):
    """A screen looks at something else from now on."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
