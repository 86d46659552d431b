"""What threads and screens say to the app. Each carries frozen data only."""

from __future__ import annotations

from textual.message import Message

from odbctl.tui.backend import Request
from odbctl.tui.paint import Cell
from odbctl.tui.snapshot import DashboardSnapshot
from odbctl.tui.views import View


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


class NoticeRaised(Message):
    """Something failed that nobody may have been looking at; shown until it is dismissed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class CommandTyped(Message):
    """Something was typed after the colon."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class DescriptionWanted(Message):
    """The person wants to read an object as YAML."""

    def __init__(self, view: View, key: str) -> None:
        super().__init__()
        self.view = view
        self.key = key


class ObjectDescribed(Message):
    """The YAML of an object was read; `failure` says why not."""

    def __init__(self, title: str, text: str, failure: str = "") -> None:
        super().__init__()
        self.title = title
        self.text = text
        self.failure = failure


class RequestChanged(Message):
    """A screen looks at something else from now on."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
