"""The use case of running a manager in this process, with what it needs to be told."""

from __future__ import annotations

from odbctl.engine.managers.background import ManagerOptions
from odbctl.engine.managers.daemon import run_manager
from odbctl.engine.managers.host import HostSettings

__all__ = ["HostSettings", "ManagerOptions", "run_manager"]
