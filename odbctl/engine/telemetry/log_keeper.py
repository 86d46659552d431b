"""The log keeper: bounds what all logs take together, and compresses what is old.

A thread of the manager; its loop only hands over what it knows. Each service has a
quota, and the host has one: the oldest files are removed first, files that are being
written never. A raw file that is larger than what has to go loses only its oldest bytes,
and the newest file of a service is never removed by the service's own quota: it holds the
reason of the last end. Logs of instances that the database has forgotten are removed, too.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from odbctl.engine.telemetry.log_files import RAW_ENDS, index_of, segment_number
from odbctl.engine.telemetry.raw_trim import BLOCK_BYTES, trim_raw

HOST_QUOTA_BYTES = 2 * 2**30
COMPRESS_AFTER_SECONDS = 600.0
# What was touched this lately may be of an instance that is remembered only now.
FRESH_SECONDS = 60.0
_NICE = 19
_INDEX_ENDS = tuple(os.fspath(index_of(Path(end))) for end in RAW_ENDS)


class Known(NamedTuple):
    """What the manager knows of one service."""

    quota_bytes: int
    living: frozenset[str]
    remembered: frozenset[str]


class _File(NamedTuple):
    changed_at: float
    size: int
    path: str
    instance: str
    is_written: bool


class LogKeeper:
    """Runs rounds in a thread; one at a time, the newest knowledge wins."""

    def __init__(
        self, logs: Path, others: Iterable[Path], *, host_quota_bytes: int = HOST_QUOTA_BYTES
    ) -> None:
        self._logs = logs
        self._others = tuple(others)  # where else an instance has files: in a folder per service
        self._host_quota_bytes = host_quota_bytes
        self._orders: SimpleQueue[Mapping[str, Known] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.last_error = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="log-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the file that it is at. Idempotent."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread = None

    def ask(self, known: Mapping[str, Known]) -> None:
        """Ask for a round; returns at once."""
        self._orders.put(known)

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while (known := self._orders.get()) is not None:
            while not self._orders.empty():
                newer = self._orders.get()
                if newer is None:
                    return
                known = newer
            try:
                self.keep(known)
            except Exception as error:  # noqa: BLE001 - thread boundary, it is recorded
                self.last_error = f"{type(error).__name__}: {error}"

    def keep(self, known: Mapping[str, Known]) -> None:
        """Make one round."""
        remaining: list[_File] = []
        for service, folder in self._folders():
            found = known.get(service)
            files = _files(folder, found)
            if found is not None:
                files = self._forget_unknown(service, files, found)
                files = _within(files, found.quota_bytes, keeps_newest=True)
                for file in files:
                    _compress(file)
            remaining += files  # those of a removed service stay while there is room
        _within(remaining, self._host_quota_bytes)

    def _folders(self) -> Iterable[tuple[str, str]]:
        with contextlib.suppress(OSError), os.scandir(self._logs) as entries:
            return [(e.name, e.path) for e in entries if e.is_dir(follow_symlinks=False)]
        return ()

    def _forget_unknown(self, service: str, files: list[_File], known: Known) -> list[_File]:
        """Remove what is of instances that were forgotten, with their storage."""
        old = time.time() - FRESH_SECONDS
        kept: list[_File] = []
        for file in files:
            if file.instance in known.remembered or file.changed_at >= old:
                kept.append(file)
                continue
            _remove(file.path)
            import shutil  # as rare as gzip below: a manager saves their memory

            for folder in self._others:
                shutil.rmtree(folder / service / file.instance, ignore_errors=True)
                _remove(str(folder / service / f"{file.instance}.fig"))
        return kept


def _files(folder: str, known: Known | None) -> list[_File]:
    living = known.living if known is not None else frozenset[str]()
    found: list[_File] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            # All files of an instance begin with its id.
            instance = entry.name.lstrip(".").partition(".")[0]
            is_written = instance in living and not segment_number(entry.name)
            size = status.st_blocks * 512  # what was forgotten of a file takes no room
            found.append(_File(status.st_mtime, size, entry.path, instance, is_written))
    return found


def _within(files: list[_File], quota_bytes: int, *, keeps_newest: bool = False) -> list[_File]:
    """Remove or shorten the oldest files until the rest is within the quota.

    Args:
        files: The files of one service, or of all.
        quota_bytes: What they may take together.
        keeps_newest: Whether the newest of them stays, whatever it takes.

    Returns:
        The files that are left.
    """
    excess = sum(f.size for f in files) - quota_bytes
    if excess <= 0:
        return files
    newest = max((f for f in files if f.size and not _is_index(f)), default=None)
    removed: set[str] = set()
    for file in sorted(f for f in files if not _is_index(f) and not f.is_written):
        if excess <= 0:
            break
        is_raw = file.path.endswith(RAW_ENDS)
        is_end = keeps_newest and file is newest
        if is_raw and (is_end or file.size - excess >= BLOCK_BYTES):
            excess -= _shorten(file, max(file.size - excess, BLOCK_BYTES))
        elif not is_end:
            removed.add(file.path)
            if is_raw:
                removed.add(os.fspath(index_of(Path(file.path))))
            excess -= file.size
    for path in removed:
        _remove(path)
    return [f for f in files if f.path not in removed]


def _is_index(file: _File) -> bool:
    """Tell whether a file holds the times of a raw file's lines, with which it is removed."""
    return file.path.endswith(_INDEX_ENDS)


def _shorten(file: _File, keep_bytes: int) -> int:
    """Give the oldest bytes of a raw file back to the disk; return how many."""
    trim_raw(file.path, keep_bytes)
    try:
        return max(0, file.size - os.stat(file.path).st_blocks * 512)
    except OSError:
        return file.size


def _compress(file: _File) -> None:
    """Compress a rotated file that has not been touched for a while."""
    is_old = time.time() - file.changed_at >= COMPRESS_AFTER_SECONDS
    if not is_old or not segment_number(file.path) or file.path.endswith(".gz"):
        return
    import gzip
    import shutil

    aside = f"{file.path}.gz~"
    try:
        with open(file.path, "rb") as plain, gzip.open(aside, "wb", compresslevel=4) as packed:
            shutil.copyfileobj(plain, packed, 1 << 18)
        os.chmod(aside, 0o600)
        os.utime(aside, (file.changed_at, file.changed_at))
        os.replace(aside, f"{file.path}.gz")
        os.unlink(file.path)
    except OSError:
        _remove(aside)  # no room for it: the plain file stays


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
