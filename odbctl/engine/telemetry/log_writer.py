"""The log of one worker, written by the worker itself.

No manager and no pipe stands between: what was printed is kept when the worker,
the launcher or the manager is killed in the next moment. Runs in a freshly forked
worker, so it is cheap and needs only the standard library.
"""

from __future__ import annotations

import os
import sys

from odbctl.engine.telemetry.log_appender import OPEN_FLAGS
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_format import NO_LEVEL, STDERR
from odbctl.engine.telemetry.log_sink import LineSink
from odbctl.engine.telemetry.log_stream import LogStream
from odbctl.engine.telemetry.log_window import settle_window


class LogWriter:
    """Writes the log files of one instance."""

    def __init__(self, files: LogFiles, limits: LogLimits | None = None) -> None:
        self.files = files
        self._sink = LineSink(files, limits)
        self.stdout = LogStream(self._sink, level="INFO", stream="stdout", descriptor=1)
        self.stderr = LogStream(self._sink, level=NO_LEVEL, stream=STDERR, descriptor=2)

    @property
    def dropped_count(self) -> int:
        """How many lines a full disk has refused."""
        return self._sink.dropped_count

    def open(self) -> None:
        """Make the service's folder and the `.log` file.

        Raises:
            OSError: The place cannot be written.
        """
        try:
            self._sink.open()
        except FileNotFoundError:
            os.makedirs(self.files.folder, mode=0o700, exist_ok=True)
            self._sink.open()
        settle_window(self.files)  # of an earlier writer of the same instance

    def attach_descriptors(self) -> None:
        """Put the raw files over descriptors 1 and 2, and nothing over 0.

        Raises:
            OSError: The files cannot be made.
        """
        _put_over(0, os.open(os.devnull, os.O_RDONLY))
        _put_over(1, os.open(self.files.out_path, OPEN_FLAGS, 0o600))
        _put_over(2, os.open(self.files.err_path, OPEN_FLAGS, 0o600))

    def replace_streams(self) -> None:
        """Make this log the `sys.stdout` and `sys.stderr` of the process."""
        sys.stdout = self.stdout
        sys.stderr = self.stderr

    def write_line(self, level: str, stream: str, text: str) -> None:
        """Write one record under the present time; it may have several lines."""
        if self._sink.in_child:
            os.write(2, f"{level} {text}\n".encode("utf-8", "backslashreplace"))
        else:
            self._sink.add_record(f" {level} {stream} ", text)

    def close(self) -> None:
        """Write what is unfinished and end the files; later words still get in, more slowly."""
        if self._sink.in_child:
            return
        self.stdout.flush_all()
        self.stderr.flush_all()
        self._sink.close()


def _put_over(target: int, descriptor: int) -> None:
    if descriptor == target:
        os.set_inheritable(descriptor, True)
        return
    os.dup2(descriptor, target)
    os.close(descriptor)
