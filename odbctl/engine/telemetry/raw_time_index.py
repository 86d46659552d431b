"""When the raw lines were written: marks made beside the raw files.

Nobody stamps what children and C code write to descriptors 1 and 2. The log guard
watches those files and notes `(size, time)` when they have grown, ten times a
second at most; a line has the time of the first mark at or past its end, and past
the last mark the file's time of change. Nothing written costs nothing. Without a
guard only the precision suffers.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from odbctl.engine.telemetry import inotify
from odbctl.engine.telemetry.log_files import RAW_ENDS, index_of
from odbctl.engine.telemetry.raw_quota import FIRST_PAUSE_SECONDS, RawQuotas
from odbctl.engine.telemetry.raw_times import MARK

REST_SECONDS = 0.1
LOOK_SECONDS = 1.0


class RawTimeIndex:
    """Notes when the raw files below a folder grow.

    `serve()` runs it. Whoever has an event loop may instead wait on `fileno()` and
    call `on_readable()`, and should then leave it alone for `REST_SECONDS`: a flood
    of output must not become a flood of wake-ups.
    """

    def __init__(self, logs: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._logs = logs
        self._clock = clock
        self._notify: inotify.Inotify | None = None
        self._folders: dict[int, Path] = {}
        self._files: dict[int, Path] = {}
        self._sizes: dict[Path, int] = {}
        self._quotas = RawQuotas()
        self._grown: set[Path] = set()  # lately
        self._unmarked: set[Path] = set()  # those of them without a mark
        self.last_error = ""

    def open(self) -> None:
        """Begin to watch the folder and what is in it."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._notify = inotify.Inotify.open()
        self._look()

    def keep(self, quota_bytes: Mapping[str, int]) -> None:
        """Hold the raw files of each service to its quota from now on."""
        self._quotas.set_quotas(quota_bytes)

    def expect(self, service: str, quota_bytes: int) -> None:
        """Hold a service to its quota whose first instance is about to start."""
        self._quotas.set_quota(service, quota_bytes)

    def fileno(self) -> int:
        """Return the descriptor to wait on, or -1 where files must be looked at."""
        return self._notify.fileno() if self._notify is not None else -1

    def on_readable(self) -> None:
        """Mark the files that have grown. Never blocks."""
        if self._notify is None:
            self._look()
            return
        for path in self._read_grown():
            self._mark(path)

    def close(self) -> None:
        """Stop watching. Idempotent."""
        if self._notify is not None:
            self._notify.close()
            self._notify = None

    def serve(self, control: int, on_control: Callable[[], bool]) -> None:
        """Mark files and hold them to their quotas until `on_control` returns False.

        Args:
            control: A descriptor.
            on_control: Called when it is readable.
        """
        only_control, everything = select.poll(), select.poll()
        for poll in (only_control, everything):
            poll.register(control, select.POLLIN)
        if self._notify is not None:
            everything.register(self._notify.fileno(), select.POLLIN)
        pause = None if self._notify is not None else LOOK_SECONDS * 1000
        while True:
            ready = everything.poll(0 if self._unmarked else pause)
            if any(descriptor == control for descriptor, _ in ready) and not on_control():
                return
            unmarked, self._unmarked = self._unmarked, set()
            self._grown.clear()
            try:
                self.on_readable()
                for path in unmarked:
                    self._mark(path)
                self._rest(only_control, everything)
            except OSError as error:
                self.last_error = str(error)  # of one file: the others go on
                time.sleep(REST_SECONDS)

    def _rest(self, only_control: select.poll, everything: select.poll) -> None:
        """Make no marks for a while, and hold the files that grow to their quotas meanwhile.

        Ends early when there is something to read from `control`. Between two looks there is
        always a pause in which a file that grows wakes nobody.
        """
        until = time.monotonic() + REST_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while (left := until - time.monotonic()) > 0:
            if only_control.poll(_milliseconds(min(pause, left))):
                break
            new = self._read_grown()
            self._grown |= new
            self._unmarked |= new
            pause = self._quotas.look(self._grown)
            if pause > FIRST_PAUSE_SECONDS and (left := until - time.monotonic()) > 0:
                everything.poll(_milliseconds(min(pause, left)))
                pause = FIRST_PAUSE_SECONDS

    def _read_grown(self) -> set[Path]:
        """Return the files that have grown since the last time; watch those that are new."""
        notices = self._notify.read() if self._notify is not None else ()
        return {path for notice in notices if (path := self._heed(notice))}

    def _heed(self, notice: inotify.Notice) -> Path | None:
        if notice.mask & inotify.QUEUE_OVERFLOW:
            self._look()
        elif notice.mask & inotify.IGNORED:
            path = self._files.pop(notice.watch, Path())
            self._sizes.pop(path, None)
            self._quotas.forget(path)
            self._folders.pop(notice.watch, None)
        elif notice.watch in self._folders:
            self._add(self._folders[notice.watch] / notice.name)
        else:
            return self._files.get(notice.watch)
        return None

    def _look(self) -> None:
        """Watch and mark all there is."""
        self._add_folder(self._logs)

    def _add(self, path: Path) -> None:
        if path.suffix in RAW_ENDS:
            self._add_file(path)
        elif path.parent == self._logs and path.is_dir():
            self._add_folder(path)

    def _add_folder(self, folder: Path) -> None:
        if self._notify is not None:
            mask = inotify.CREATE | inotify.MOVED_TO | inotify.ONLY_DIRECTORY
            if (watch := self._notify.watch(folder, mask)) >= 0:
                self._folders[watch] = folder
        try:
            entries = list(folder.iterdir())
        except OSError:
            return  # removed meanwhile
        for entry in entries:
            self._add(entry)

    def _add_file(self, path: Path) -> None:
        if self._notify is not None and (watch := self._notify.watch(path, inotify.MODIFY)) >= 0:
            self._files[watch] = path
        self._mark(path)

    def _mark(self, path: Path) -> None:
        try:
            status = path.stat()
            if path not in self._sizes:
                # First sight: what was written before us has the time of the last write.
                self._sizes[path] = _last_mark_size(path)
                at = status.st_mtime
            else:
                at = self._clock()
            if status.st_size == self._sizes[path]:
                return
            self._grown.add(path)
            self._quotas.look((path,))
            _append(index_of(path), MARK.pack(status.st_size, at))
            self._sizes[path] = status.st_size
        except OSError as error:
            self.last_error = str(error)  # no room, or removed: the file's own time serves


def _last_mark_size(raw: Path) -> int:
    try:
        with index_of(raw).open("rb") as marks:
            marks.seek(0, os.SEEK_END)
            count = marks.tell() // MARK.size
            if count == 0:
                return 0
            marks.seek((count - 1) * MARK.size)
            return int(MARK.unpack(marks.read(MARK.size))[0])
    except FileNotFoundError:
        return 0


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
