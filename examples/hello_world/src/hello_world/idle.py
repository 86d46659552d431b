"""IdleService: starts, and waits until it is stopped."""

from __future__ import annotations

from odbctl import ServiceBase


class IdleService(ServiceBase):
    """Do nothing, at no cost."""

    def initialize(self) -> None:
        """Say that it is there."""
        print("idle", flush=True)
