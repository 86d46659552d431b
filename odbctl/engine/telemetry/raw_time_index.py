"""When the raw lines were written: marks made beside the raw files.

Nobody stamps what children and C code write to descriptors 1 and 2. The manager
watches those files and notes `(size, time)` when they have grown, ten times a
second at most; a line has the time of the first mark at or past its end, and past
the last mark the file's time of change. Nothing written costs nothing. Runs in a
thread of the manager; when no manager lives only the precision suffers.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from odbctl.engine.telemetry import inotify
from odbctl.engine.telemetry.log_files import RAW_ENDS, index_of
from odbctl.engine.telemetry.raw_quota import FIRST_PAUSE_SECONDS, RawQuotas
from odbctl.engine.telemetry.raw_times import MARK

REST_SECONDS = 0.1
PRIORITY = -10  # ahead of those whose output it bounds
# After a folder or a file was made: what is made next in it, or written to it, is near.
REST_AFTER_NEW_SECONDS = 0.005
LOOK_SECONDS = 1.0


class RawTimeIndex:
    """Notes when the raw files below a folder grow.

    `start()` runs it in a thread of its own. Whoever has an event loop may instead
    wait on `fileno()` and call `on_readable()`, and should then leave it alone for
    `REST_SECONDS`: a flood of output must not become a flood of wake-ups.
    """

    def __init__(self, logs: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._logs = logs
        self._clock = clock
        self._notify: inotify.Inotify | None = None
        self._folders: dict[int, Path] = {}
        self._files: dict[int, Path] = {}
        self._sizes: dict[Path, int] = {}
        self._quotas = RawQuotas()
        self._grown: set[Path] = set()
        self._has_new = False
        self._thread: threading.Thread | None = None
        self._wake = (-1, -1)
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
        while notices := self._notify.read():
            for path in {path for notice in notices if (path := self._heed(notice))}:
                self._mark(path)

    def start(self) -> None:
        """Open, and run in a thread until `stop()`."""
        self.open()
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="raw-times", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close. Idempotent."""
        if self._thread is not None:
            os.close(self._wake[1])
            self._thread.join()
            os.close(self._wake[0])
            self._thread = None
        self.close()

    def close(self) -> None:
        """Stop watching. Idempotent."""
        if self._notify is not None:
            self._notify.close()
            self._notify = None

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # a right that only root has
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PRIORITY)
        poll = select.poll()
        poll.register(self._wake[0], select.POLLIN)
        stop = select.poll()
        stop.register(self._wake[0], select.POLLIN)
        if self._notify is not None:
            poll.register(self._notify.fileno(), select.POLLIN)
        pause = None if self._notify is not None else int(LOOK_SECONDS * 1000)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(pause)}
            self._grown.clear()
            self._has_new = False
            try:
                self.on_readable()
                if self._wake[0] in ready or self._rest(stop):
                    return
            except Exception as error:  # noqa: BLE001 - thread boundary, it is recorded
                self.last_error = f"{type(error).__name__}: {error}"
                if self._wake[0] in ready or stop.poll(int(REST_SECONDS * 1000)):
                    return

    def _rest(self, stop: select.poll) -> bool:
        """Rest until the next marks, and hold files that grow to their quota meanwhile.

        Returns:
            Whether the thread has to end.
        """
        rest = REST_AFTER_NEW_SECONDS if self._has_new else REST_SECONDS
        until = time.monotonic() + rest
        pause = FIRST_PAUSE_SECONDS if self._grown else rest
        while (left := until - time.monotonic()) > 0:
            if stop.poll(max(1, int(min(pause, left) * 1000))):
                return True
            pause = self._quotas.look(self._grown)
        return False

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
        self._has_new = True
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
        self._has_new = True
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


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
