"""Gaps in the heap of a launcher are filled, so that a worker's objects lie together."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython" or "PYTHONMALLOC" in os.environ,
    reason="about the allocator of CPython",
)

# One object in three hundred is removed, so that each gap lies on another page. Fifty new
# objects of that size have room on two pages.
SCRIPT = """
from odbctl.engine.managers.free_blocks import fill_free_blocks

crowd = [b"%126d" % number for number in range(30_000)]
del crowd[::300]
kept = fill_free_blocks()
made = [b"%126d" % number for number in range(50)]
print(len({id(new) // 4096 for new in made}))
"""


def test_new_objects_lie_together_after_the_gaps_were_filled() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) <= 4
