"""IdleService: starts, and waits until it is stopped."""

from __future__ import annotations

from odbctl import ServiceBase


class IdleService(ServiceBase):
    """Do nothing, and use no CPU time."""

    def initialize(self) -> None:
        """Print one line."""
        print("idle", flush=True)
