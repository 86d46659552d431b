"""Filling the gaps of a heap, so that what a forked child creates lies together.

CPython keeps objects of up to 512 bytes in pools, each of one size, and puts a new object
into a gap of an old pool first (Objects/obmalloc.c). In a worker nearly every gap is on
another page, which its launcher and all workers had shared until then. The launcher
therefore fills the gaps before it forks, and workers begin new pools: 0.15 MB less for each.
"""

from __future__ import annotations

import sys

_STEP_BYTES = 16  # sizes are multiples of it
_MAX_OBJECT_BYTES = 512
_POOL_BYTES = (1 << 14) - 48  # without its header
# Enough for the gaps of a launcher; the limit where another allocator is in use.
_MAX_FILLING_BYTES = 1 << 17
_EMPTY_BYTES = sys.getsizeof(b"")
# The numbers that are made on the way lie between floats, which have their size.
_FLOAT_REACH = 4


def fill_free_blocks() -> list[list[object]]:
    """Fill the gaps of all pools of small objects.

    Returns:
        What fills them; the gaps are filled as long as it is kept.
    """
    sizes = range(2 * _STEP_BYTES, _MAX_OBJECT_BYTES + 1, _STEP_BYTES)
    return [_fill(size) for size in sizes]


def _fill(size: int) -> list[object]:
    """Create objects of one size until they lie side by side: that is a new pool."""
    pool_count = _POOL_BYTES // size
    reach = size if size > _EMPTY_BYTES else size * _FLOAT_REACH
    filling: list[object] = []
    in_a_row, last = 1, 0
    while in_a_row < pool_count and len(filling) * size < _MAX_FILLING_BYTES:
        made = bytes(size - _EMPTY_BYTES) if size > _EMPTY_BYTES else float(len(filling))
        in_a_row = in_a_row + 1 if abs(id(made) - last) <= reach else 1
        last = id(made)
        filling.append(made)
    del filling[-pool_count:]  # the new pool is free again
    return filling
