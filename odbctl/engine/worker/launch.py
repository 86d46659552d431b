"""What a worker needs to know to run one instance: made by a manager, sent as plain fields.

It is complete: a worker reads nothing from the database before it runs the
author's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ConfigValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLaunch:
    """One instance to run.

    `instance` and `service_id` are object ids, `name` and `service` what
    people call them, `release` is the number of its release. `python` is the
    interpreter of its codebase, or None for odbctl's own. All paths are
    absolute.
    """

    instance: int
    name: str
    service_id: int
    service: str
    release: int
    module: str
    class_name: str
    database: str
    run: str
    logs: str
    storage: str
    home_data: str
    home_cache: str
    home_state: str
    source_roots: tuple[str, ...] = ()
    pycache: str | None = None
    python: str | None = None
    address: str = "127.0.0.1"
    memory_limit_bytes: int | None = None
    cpu_limit: float | None = None
    cgroup: str = ""
    log_segment_bytes: int = 10 * 2**20
    log_quota_bytes: int = 100 * 2**20
    config: dict[str, ConfigValue] = field(default_factory=dict[str, ConfigValue])
    env: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    def to_fields(self) -> dict[str, Any]:
        """Return its fields as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> WorkerLaunch:
        """Make it from what `to_fields` returned, which may have been JSON meanwhile."""
        values: dict[str, Any] = {**fields, "source_roots": tuple(fields["source_roots"])}
        return cls(**values)
