"""Telling what is open here, in a forked child, that it is a child's now.

Forks are those of an author's code: `os.fork`, or multiprocessing with that start method.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Protocol


class ForkAware(Protocol):
    """What has to know of a fork."""

    def become_child(self) -> None:
        """Let go of what the parent goes on with; called in the child."""


_watching: list[ForkAware] = []


def watch_forks(aware: ForkAware) -> None:
    """Tell this one of every fork from now on."""
    _watching.append(aware)
    _register_once()


def forget_forks(aware: ForkAware) -> None:
    """Tell it no more. Idempotent."""
    if aware in _watching:
        _watching.remove(aware)


@cache
def _register_once() -> None:
    os.register_at_fork(after_in_child=_after_fork)  # the interpreter cannot unregister it


def _after_fork() -> None:
    for aware in _watching:
        aware.become_child()
