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

SECONDS = float(os.environ.get("ODBCTL_FUZZ_SECONDS", "0"))


def seeds(default: int) -> Iterator[int]:
    """Give seeds until the time is over: one, `default`, if no time is given."""
    asked = os.environ.get("ODBCTL_FUZZ_SEED")
    if not SECONDS:
        yield int(asked or default)
        return
    first = int(asked) if asked else random.randrange(1_000_000)
    started_at = time.monotonic()
    for seed in itertools.count(first):
        if (passed := time.monotonic() - started_at) > SECONDS:
            return
        print(f"seed {seed}, after {passed:.0f} s", flush=True)
        yield seed
