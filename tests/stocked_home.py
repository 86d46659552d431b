"""A home that holds one of everything, written without any process."""

from __future__ import annotations

import time

from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import ExitCause, InstanceState, ReleaseOutcome
from odbctl.engine.odb import Database
from odbctl.paths import Home

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def stock(home: Home, *, name: str = "hello", subject: str = "Say hello") -> None:
    """Write a codebase, a service with an ended instance, a host and an event."""
    home.create()
    db = Database(home.database, run_dir=home.run)
    with db.transaction():
        now = time.time()
        codebase = Codebase(
            name="app",
            location="/nowhere/app",
            ref="main",
            commit=COMMIT,
            tree="/nowhere",
            added_at=now,
            subject=subject,
        )
        service = Service(name=name, created_at=now)
        release = Release(
            service=service,
            number=1,
            codebase=codebase,
            module="app.hello",
            class_name="Hello",
            created_at=now,
            actor="ann",
            outcome=ReleaseOutcome.ACTIVE,
        )
        service.release = release
        ServiceInstance(
            name=f"{name}-1",
            service=service,
            release=release,
            host=ServiceHost(name="local"),
            slot=0,
            created_at=now - 60,
            started_at=now - 60,
            running_at=now - 60,
            ended_at=now - 30,
            state=InstanceState.CRASHED,
            exit_code=3,
            exit_cause=ExitCause.EXIT,
            reason="exit code 3",
        )
        record_service_event(service, "created", "Hello of app", actor="ann")
    db.close()
