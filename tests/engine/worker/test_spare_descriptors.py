"""The spare descriptors of a worker: lent one by one, and taken back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from odbctl.engine.worker.spare_descriptors import SpareDescriptors


def held_by(spare: SpareDescriptors) -> int:
    """Count the open descriptors that closing the spare ones frees."""
    before = len(os.listdir("/proc/self/fd"))
    spare.close()
    return before - len(os.listdir("/proc/self/fd"))


def failing(times: int, number: int = errno.EMFILE) -> tuple[Callable[[], str], list[int]]:
    """Return work that fails so many times, and the descriptors open at each try."""
    tries: list[int] = []

    def work() -> str:
        tries.append(len(os.listdir("/proc/self/fd")))
        if len(tries) <= times:
            raise OSError(number, os.strerror(number))
        return "done"

    return work, tries


def test_they_are_freed_one_by_one_and_kept_again(capsys: pytest.CaptureFixture[str]) -> None:
    spare = SpareDescriptors(3)
    work, tries = failing(2)
    assert spare.use(work) == "done"
    assert [tries[0] - found for found in tries] == [0, 1, 2]
    assert spare.use(lambda: "at once") == "at once"
    assert held_by(spare) == 3
    assert capsys.readouterr().err.count("out of file descriptors") == 1


def test_when_they_are_not_enough_the_error_is_raised() -> None:
    spare = SpareDescriptors(2)
    work, tries = failing(9)
    with pytest.raises(OSError, match="Too many open files"):
        spare.use(work)
    assert len(tries) == 3
    assert held_by(spare) == 2


def test_other_errors_free_nothing() -> None:
    spare = SpareDescriptors(2)
    work, tries = failing(1, errno.ENOENT)
    with pytest.raises(FileNotFoundError):
        spare.use(work)
    assert len(tries) == 1
    assert held_by(spare) == 2


def test_what_the_author_has_closed_and_opened_stays_open() -> None:
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    spare = SpareDescriptors(1)
    assert os.path.samestat(os.fstat(free), os.stat(os.devnull))  # the lowest free one is given
    read, write = os.pipe()
    os.dup2(write, free)
    spare.close()
    os.write(free, b"x")
    assert os.read(read, 1) == b"x"
    for descriptor in (read, write, free):
        os.close(descriptor)


def test_they_are_kept_while_there_are_others() -> None:
    spare = SpareDescriptors(3)
    spare.close_if_short()
    assert held_by(spare) == 3


def test_they_are_freed_when_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    spare = SpareDescriptors(3)
    before = len(os.listdir("/proc/self/fd"))

    def used_up(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "dup", used_up)
    spare.close_if_short()
    assert before - len(os.listdir("/proc/self/fd")) == 3
