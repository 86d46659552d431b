"""Names of the log files of one instance: `<logs>/<service>/<instance>.*`.

`.log` holds what the worker's Python says, a time on every line; `.out` and
`.err` are descriptors 1 and 2 as children and C code write them. The hidden
`.<instance>.tail` exists only while lines come in a flood (see log_window). What was
rotated out of `.log` is `.log.000001`, `.log.000002` and so on, the oldest first, and may
have been compressed since (`.log.000001.gz`).
Used by workers, so only the standard library is imported.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

RAW_ENDS = (".out", ".err")  # of the files that have the times of their lines in another


class LogLimits(NamedTuple):
    """When a log is rotated, and how much of it is kept."""

    segment_bytes: int = 10 * 2**20
    segment_seconds: float = 7 * 86_400.0
    quota_bytes: int = 100 * 2**20


class LogFiles(NamedTuple):
    """Where one instance's output is kept.

    The `*_path` texts are for writers: pathlib costs a worker more than its log.
    """

    folder: str
    service: str
    instance: str

    @classmethod
    def of(cls, logs: str | os.PathLike[str], service: str, instance: str) -> LogFiles:
        """Name the files of an instance; nothing is created.

        Args:
            logs: The folder of all logs (`Home.logs`).
            service: The service's name, which is its folder's.
            instance: The instance's id.
        """
        return cls(os.path.join(logs, service), service, instance)

    @property
    def log_path(self) -> str:
        """The file of what Python says."""
        return f"{self.folder}/{self.instance}.log"

    @property
    def out_path(self) -> str:
        """The file under descriptor 1."""
        return f"{self.folder}/{self.instance}.out"

    @property
    def err_path(self) -> str:
        """The file under descriptor 2."""
        return f"{self.folder}/{self.instance}.err"

    @property
    def tail_path(self) -> str:
        """The file of the window."""
        return f"{self.folder}/.{self.instance}.tail"

    @property
    def log(self) -> Path:
        """The file of what Python says."""
        return Path(self.log_path)

    @property
    def out(self) -> Path:
        """The file under descriptor 1."""
        return Path(self.out_path)

    @property
    def err(self) -> Path:
        """The file under descriptor 2."""
        return Path(self.err_path)

    @property
    def tail(self) -> Path:
        """The file of the window."""
        return Path(self.tail_path)

    def segments(self) -> list[str]:
        """List what was rotated out of the log, the oldest first, as paths."""
        prefix = f"{self.instance}.log."
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        found = {
            number: name
            for name in sorted(names, reverse=True)  # of a file and its compression: the file
            if name.startswith(prefix) and (number := segment_number(name))
        }
        return [f"{self.folder}/{found[number]}" for number in sorted(found)]

    def next_segment_path(self) -> str:
        """Name the file that the log is rotated into next."""
        number = max(map(segment_number, self.segments()), default=0) + 1
        return f"{self.log_path}.{number:06d}"

    def keep_segments(self, count: int) -> None:
        """Remove all but the newest rotated files; `count` is 1 or more."""
        for path in self.segments()[:-count]:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def remove_empty(self) -> None:
        """Remove raw files into which nothing was written, once the instance has ended."""
        for raw in (self.out, self.err):
            try:
                if raw.stat().st_size == 0:
                    raw.unlink()
                    index_of(raw).unlink(missing_ok=True)
            except OSError:
                continue  # gone already, or a folder we may not change: readers ignore empty files

    def remove(self) -> None:
        """Remove all files of the instance."""
        paths = (self.log, self.out, self.err, self.tail, index_of(self.out), index_of(self.err))
        for path in (*paths, *map(Path, self.segments())):
            path.unlink(missing_ok=True)


def segment_number(path: str) -> int:
    """Return the number of a rotated file, from 1; 0 of any other."""
    digits = path.removesuffix(".gz").rpartition(".log.")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def index_of(raw: Path) -> Path:
    """Return the file that holds the times of a raw file's lines."""
    return raw.with_name(raw.name + ".idx")


def instances_in(logs: Path, service: str) -> list[LogFiles]:
    """List the instances of a service that have log files, in the order of their ids."""
    try:
        names = os.listdir(logs / service)
    except OSError:
        return []
    stems = {_stem(name) for name in names}
    stems.discard("")
    return [LogFiles.of(logs, service, stem) for stem in sorted(stems) if not stem.startswith(".")]


def _stem(name: str) -> str:
    """Return the instance that a file belongs to; empty when it is no log."""
    if name.endswith((".log", ".out", ".err")):
        return name[: -len(".log")]
    return name.rpartition(".log.")[0] if segment_number(name) else ""
