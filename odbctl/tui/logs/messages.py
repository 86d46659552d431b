"""What threads tell a log's panel."""

from __future__ import annotations

from textual.message import Message


class LogTold(Message):
    """Something to say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class LogCopied(LogTold):
    """A text to copy."""


class LogRecordRead(LogTold):
    """A record to show."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(text)
        self.title = title
