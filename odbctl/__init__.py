"""odbctl: a git ref goes in, supervised and reactive services come out.

What a service author needs is exported here and imported on first use, so
that `import odbctl` costs nothing and needs the standard library only:

    from odbctl import Indexed, Reactor, Schema, ServiceBase
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true, as that of `typing`

if TYPE_CHECKING:
    from odbctl.connecting import connect as connect
    from odbctl.engine.model.core import ServiceInstance as ServiceInstance
    from odbctl.engine.odb import Database as Database
    from odbctl.engine.odb import DbObject as DbObject
    from odbctl.engine.odb import Index as Index
    from odbctl.engine.odb import Indexed as Indexed
    from odbctl.engine.odb import Reactor as Reactor
    from odbctl.engine.odb import Schema as Schema
    from odbctl.engine.odb import Unique as Unique
    from odbctl.engine.odb import field as field
    from odbctl.engine.odb import retry_on_conflict as retry_on_conflict
    from odbctl.engine.odb import wake_at as wake_at
    from odbctl.engine.worker.service_base import Health as Health
    from odbctl.engine.worker.service_base import ServiceBase as ServiceBase
    from odbctl.engine.worker.service_base import StopSignal as StopSignal
    from odbctl.errors import RevisionConflictError as RevisionConflictError

__version__ = "0.1.0"

_EXPORTS = {
    "Database": "odbctl.engine.odb",
    "DbObject": "odbctl.engine.odb",
    "Health": "odbctl.engine.worker.service_base",
    "Index": "odbctl.engine.odb",
    "Indexed": "odbctl.engine.odb",
    "Reactor": "odbctl.engine.odb",
    "RevisionConflictError": "odbctl.errors",
    "Schema": "odbctl.engine.odb",
    "ServiceBase": "odbctl.engine.worker.service_base",
    "ServiceInstance": "odbctl.engine.model.core",
    "StopSignal": "odbctl.engine.worker.service_base",
    "Unique": "odbctl.engine.odb",
    "connect": "odbctl.connecting",
    "field": "odbctl.engine.odb",
    "retry_on_conflict": "odbctl.engine.odb",
    "wake_at": "odbctl.engine.odb",
}


def __getattr__(name: str) -> object:
    """Import an exported name when it is first asked for."""
    if module := _EXPORTS.get(name):
        from importlib import import_module  # itself half a ms, which a command can do without

        return getattr(import_module(module), name)
    raise AttributeError(f"module 'odbctl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_EXPORTS, "__version__"])
