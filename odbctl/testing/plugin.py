"""Fixtures for pytest: `odb`, a database in memory, and `run_service`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from odbctl.engine.odb import Database
from odbctl.engine.worker.launch import ConfigValue
from odbctl.engine.worker.service_base import ServiceBase
from odbctl.testing.running_service import RunningService
from odbctl.testing.running_service import run_service as running

RunService = Callable[..., RunningService]


@pytest.fixture
def odb() -> Iterator[Database]:
    """A new database in memory."""
    with Database.in_memory() as database:
        yield database


@pytest.fixture
def run_service(odb: Database) -> Iterator[RunService]:
    """Run services on the database of `odb`: `run_service(Hello, configuration={…})`.

    They are stopped when the test ends; what they raised, the test then raises.
    """
    with ExitStack() as stack:

        def run(
            service_class: type[ServiceBase],
            *,
            configuration: Mapping[str, ConfigValue] | None = None,
            name: str | None = None,
        ) -> RunningService:
            return stack.enter_context(
                running(service_class, configuration=configuration, database=odb, name=name)
            )

        yield run
