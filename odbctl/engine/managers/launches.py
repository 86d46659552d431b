"""From an instance in the database to all that its worker needs to know."""

from __future__ import annotations

import os
from pathlib import Path

from odbctl.engine.codebases.discovery import source_roots
from odbctl.engine.model.core import Codebase, ServiceInstance
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.errors import ConflictError
from odbctl.paths import Home


def make_launch(home: Home, instance: ServiceInstance, *, cgroup: str = "") -> WorkerLaunch:
    """Return what a worker needs to run an instance. Needs an open view.

    Args:
        home: The home.
        instance: The instance.
        cgroup: The control group that it gets if it has limits; empty where there is none.

    Raises:
        ConflictError: Its release or its codebase was deleted.
    """
    release = instance.release
    codebase = release.codebase
    if not release.exists():
        raise ConflictError("its release was deleted")
    if not codebase.exists():
        raise ConflictError("its codebase was deleted")
    module, _, class_name = (instance.child_class or release.class_spec).partition(":")
    service = instance.service
    return WorkerLaunch(
        instance=instance.oid,
        name=instance.name,
        service_id=service.oid,
        service=service.name,
        release=release.number,
        module=module,
        class_name=class_name,
        database=str(home.database),
        run=str(home.run),
        logs=str(home.logs),
        storage=str(home.storage / service.name / instance.name),
        home_data=str(home.data),
        home_cache=str(home.cache),
        home_state=str(home.state),
        source_roots=codebase_roots(codebase),
        pycache=codebase_pycache(home, codebase),
        python=codebase.python,
        config={**release.config, **instance.child_config},
        env=release.env if instance.port is None else {**release.env, "PORT": str(instance.port)},
        memory_limit_bytes=service.memory_limit_bytes,
        cpu_limit=service.cpu_limit,
        cgroup=cgroup,
        log_segment_bytes=service.log_segment_bytes,
        log_quota_bytes=service.log_quota_bytes,
    )


def codebase_roots(codebase: Codebase) -> tuple[str, ...]:
    """Return the folders of a codebase that modules are imported from."""
    return tuple(str(root) for root in source_roots(Path(codebase.tree), codebase.source_root))


def codebase_pycache(home: Home, codebase: Codebase) -> str:
    """Return the folder for a codebase's byte code, for its tree is read-only."""
    return os.path.join(home.cache, "pycache")
