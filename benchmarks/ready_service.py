"""What `peer_child.py` is, as a service: the same imports, the same database, the same words.

Copied into the codebase of each benchmark, beside `bench_services.py`.
"""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path

from odbctl import ServiceBase


class ReadyService(ServiceBase):
    """Open the database, say when it is ready, and wait."""

    def initialize(self) -> None:
        import_module("hello_world.idle")
        with self.db.view():
            pass
        path = Path(self.config["folder"], f".{os.getpid()}")
        path.write_text(repr(time.time()))
        path.rename(Path(self.config["folder"], str(os.getpid())))
