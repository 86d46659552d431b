"""The child that every peer supervises: what the service is, as a script.

`python peer_child.py SOURCES DATABASE RUN FOLDER [deaf]` imports what the service imports,
opens the same database, writes when it was ready into FOLDER, in a file named by its pid,
and waits for SIGTERM; a deaf one ignores that. `python peer_child.py flood MEGABYTES RESULT`
writes lines of 100 bytes to its standard output.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Get ready, say so, wait."""
    words = sys.argv[1:]
    if words[0] == "flood":
        flood(int(words[1]), Path(words[2]))
        return
    sources, database, run, folder = words[:4]
    if words[4:]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.path.insert(0, sources)
    import_module("hello_world.idle")
    from odbctl import Database

    db = Database(database, run_dir=run)
    with db.view():
        pass
    say_ready(folder)
    while True:
        signal.pause()


def say_ready(folder: str) -> None:
    """Write the time into a file named by the pid."""
    path = Path(folder, f".{os.getpid()}")
    path.write_text(repr(time.time()))
    path.rename(Path(folder, str(os.getpid())))


def flood(megabytes: int, result: Path) -> None:
    """Write lines in large blocks, then how long that took; then wait to be stopped."""
    block = (b"x" * 99 + b"\n") * 640
    rest = megabytes * 1_000_000
    started_at = time.perf_counter()
    while rest > 0:
        rest -= os.write(1, block[:rest])
    result.write_text(repr(time.perf_counter() - started_at))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
