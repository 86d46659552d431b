"""`logging` of a worker into its own log file.

A module of its own, imported only where `logging` is used anyway.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.telemetry.log_writer import LogWriter


class LogHandler(logging.Handler):
    """Writes records with their level, their logger's name and their traceback.

    Attributes:
        writer: Whose log gets the records.
    """

    def __init__(self, writer: LogWriter, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.writer = writer
        # Whoever sets no formatter gets the message, the traceback and the stack; no second time.
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; an error in it is reported on `sys.stderr`, as logging does."""
        try:
            text = self.format(record)
            if record.name != "root":
                text = f"{record.name}: {text}"
            self.writer.write_line(record.levelname.replace(" ", "_"), "log", text)
        except Exception:  # noqa: BLE001 - a bad record must not stop the service
            self.handleError(record)
