"""Descriptors that a worker keeps, so that it can answer when it has no other left.

A service that has opened all the files it may is still alive: its probe has to be answered,
and answering needs a descriptor or a few.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

# As many as a probe that runs a command needs.
SPARE_COUNT = 6
REPORT_PAUSE_SECONDS = 60.0
_USED_UP = frozenset({errno.EMFILE, errno.ENFILE})

Result = TypeVar("Result")


class SpareDescriptors:
    """Some descriptors of the null device, used from one thread at a time.

    Args:
        count: How many to keep; 0 keeps none, and `use` just does the work.
    """

    def __init__(self, count: int = SPARE_COUNT) -> None:
        self._count = count
        self._held: list[int] = []
        self._report_at = 0.0
        self._fill()

    @property
    def is_kept(self) -> bool:
        """Whether descriptors are kept: in a worker process of its own."""
        return self._count > 0

    def use(self, work: Callable[[], Result]) -> Result:
        """Do something; when no descriptor is left, do it again with one spare more each time.

        Raises:
            OSError: There are not enough of them either, or it failed by another error.
        """
        try:
            while True:
                try:
                    return work()
                except OSError as error:
                    if error.errno not in _USED_UP or not self._held:
                        raise
                self._report()
                self._close_one()  # one by one: a thread of the author's may take it
        finally:
            self._fill()

    def close(self) -> None:
        """Close them, also while another thread uses them. Idempotent."""
        self._count = 0
        with contextlib.suppress(IndexError):  # that thread took the last one
            while self._held:
                self._close_one()

    def close_if_short(self) -> None:
        """Close them if no other descriptor is left, for what a worker does last."""
        try:
            os.close(os.dup(0))
        except OSError:
            self.close()

    def _close_one(self) -> None:
        descriptor = self._held.pop()
        if _is_null_device(descriptor):  # the author's code may have closed everything
            os.close(descriptor)

    def _fill(self) -> None:
        try:
            while len(self._held) < self._count:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return  # the author's code was quicker

    def _report(self) -> None:
        """Say it in the service's log, once in a while."""
        now = time.monotonic()
        if now >= self._report_at:
            self._report_at = now + REPORT_PAUSE_SECONDS
            sys.stderr.write("odbctl: out of file descriptors; a probe takes a spare one\n")


def _is_null_device(descriptor: int) -> bool:
    try:
        return os.fstat(descriptor).st_rdev == os.stat(os.devnull).st_rdev
    except OSError:
        return False
