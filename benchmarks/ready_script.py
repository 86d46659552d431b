"""The reference: what a service costs as a plain script.

`python ready_script.py SOURCES DATABASE RUN READY END` imports what the service
imports, opens the same database, writes a byte to the descriptor READY and
then waits until the descriptor END is closed at its other end.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module


def main() -> None:
    """Get ready, say so, wait."""
    sources, database, run, ready, end = sys.argv[1:]
    sys.path.insert(0, sources)
    import_module("hello_world.idle")
    from odbctl import Database

    db = Database(database, run_dir=run)
    with db.view():
        pass
    os.write(int(ready), b"r")
    os.read(int(end), 1)
    db.close()


if __name__ == "__main__":
    main()
