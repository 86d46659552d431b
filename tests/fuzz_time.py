"""How long random tests run: a short while in the suite, longer when asked.

`ODBCTL_FUZZ_SECONDS` in the environment makes each of them run so long, with another
seed each round; `ODBCTL_FUZZ_SEED` is the first seed. Every seed is printed (`pytest -s`).
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator

# Read at once: tests run without what the environment says to odbctl.
SECONDS = float(os.environ.get("ODBCTL_FUZZ_SECONDS", "0"))
FIRST_SEED = os.environ.get("ODBCTL_FUZZ_SEED")


def seeds(default: int) -> Iterator[int]:
    """Give seeds until the time is over: one, `default`, if no time is given."""
    if not SECONDS:
        yield int(FIRST_SEED or default)
        return
    first = int(FIRST_SEED) if FIRST_SEED else random.randrange(1_000_000)
    started_at = time.monotonic()
    for seed in itertools.count(first):
        if (passed := time.monotonic() - started_at) > SECONDS:
            return
        print(f"seed {seed}, after {passed:.0f} s", flush=True)
        yield seed
