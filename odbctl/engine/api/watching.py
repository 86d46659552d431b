"""The use case of looking again whenever something has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from odbctl.engine.api.engine import Engine
from odbctl.errors import StoreError

T = TypeVar("T")

# Changes that come together are shown together.
GATHER_SECONDS = 0.1
# Figures and ages grow old without a change.
REFRESH_SECONDS = 10.0


def watch(engine: Engine, read: Callable[[Engine], T]) -> Iterator[T]:
    """Yield what is read, now and again after each change, for ever; closes the engine.

    Args:
        engine: The opened home.
        read: Reads what is shown; opens its own view.
    """
    with engine, engine.db.changes() as changes:
        while True:
            yield read(engine)
            try:
                change = changes.next(REFRESH_SECONDS)
                deadline = time.monotonic() + GATHER_SECONDS
                while change is not None and (rest := deadline - time.monotonic()) > 0:
                    change = changes.next(rest)
            except StoreError:  # the change log was pruned; what is read is whole anyway
                continue
