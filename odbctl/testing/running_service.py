"""A service that runs in this process, in a thread, as a worker would run it.

The class, its configuration and its database are the real ones; what is left
out is the process: no manager, no launcher, no log file. What the service
raises is raised in the test.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import InstanceState
from odbctl.engine.odb import Database
from odbctl.engine.worker.configuration import build_config
from odbctl.engine.worker.launch import ConfigValue, WorkerLaunch
from odbctl.engine.worker.service_base import Runtime, ServiceBase, run_work
from odbctl.errors import StoreBusyError

DEFAULT_TIMEOUT_SECONDS = 10.0


class RunningService:
    """A service under test.

    Attributes:
        service: The object of the service's class.
        db: The database that it uses.
        should_stop: Set it, or call `stop`, to end `do_work`.
    """

    def __init__(self, service: ServiceBase) -> None:
        self.service = service
        self.db = service.db
        self.should_stop = threading.Event()
        self._is_initialized = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"service {service.runtime.name}", daemon=True
        )

    def start(self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Start the thread, and wait until `initialize` has returned.

        Raises:
            TimeoutError: It did not return in time.
            BaseException: What it raised.
        """
        self._thread.start()
        is_in_time = self._is_initialized.wait(timeout_seconds)
        self._raise_error()
        if not is_in_time:
            raise TimeoutError(f"initialize() did not return within {timeout_seconds:g} s")

    def wait_for(
        self,
        condition: Callable[[], object],
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Wait until a condition, asked in a view of the database, is true.

        Raises:
            TimeoutError: It was not true in time.
            BaseException: What the service raised meanwhile.
        """
        deadline = time.monotonic() + timeout_seconds
        # In pieces, so that a service that has raised is not waited for.
        while not self.db.wait_for_condition(condition, timeout_seconds=0.05):
            self._raise_error()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the condition was not true within {timeout_seconds:g} s")

    def wait(self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Wait until `do_work` and `teardown` have ended by themselves.

        Raises:
            TimeoutError: They did not end in time.
            BaseException: What the service raised.
        """
        self._thread.join(timeout_seconds)
        self._raise_error()
        if self._thread.is_alive():
            raise TimeoutError(f"the service did not end within {timeout_seconds:g} s")

    def stop(self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Ask the service to stop, and wait until it has.

        Raises:
            TimeoutError: It did not stop in time: does `do_work` look at `should_stop`?
            BaseException: What the service raised.
        """
        self.should_stop.set()
        self.wait(timeout_seconds)

    def _run(self) -> None:
        service = self.service
        try:
            service.configure_logging()
            service.initialize()
            self._is_initialized.set()
            run_work(service, self.should_stop)
        except BaseException as error:  # noqa: BLE001 - the boundary of the thread: raised in the test
            self._error = error
        finally:
            self._tear_down()
            self._is_initialized.set()

    def _tear_down(self) -> None:
        try:
            self.service.teardown()
        except BaseException as error:  # noqa: BLE001 - the boundary of the thread: raised in the test
            self._error = self._error or error
        finally:
            self.db.close_session()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


@contextmanager
def run_service(
    service_class: type[ServiceBase],
    *,
    configuration: Mapping[str, ConfigValue] | None = None,
    database: Database | None = None,
    name: str | None = None,
) -> Generator[RunningService]:
    """Run a service in this process while the block runs, and stop it then.

    Args:
        service_class: What to run.
        configuration: Its values, checked as `odbctl service configure` does.
        database: What `self.db` is; a new one in memory by default.
        name: Of the service; its class's by default.

    Raises:
        ValueError: A configuration value is unknown, missing or of the wrong type.
        BaseException: What the service raised.
    """
    with tempfile.TemporaryDirectory(prefix="odbctl-testing-") as storage:
        db = database or Database.in_memory()
        try:
            service = _made(service_class, db, dict(configuration or {}), name, Path(storage))
            running = RunningService(service)
            running.start()
            yield running
            running.stop()
        finally:
            if database is None:
                db.close()


def _made(
    service_class: type[ServiceBase],
    db: Database,
    values: dict[str, ConfigValue],
    name: str | None,
    storage: Path,
) -> ServiceBase:
    """Make the object of a service as a worker does."""
    config = build_config(service_class.Config, values)
    instance = db.run(lambda: _instance_of(service_class, values, name or service_class.__name__))
    with db.view():
        service = instance.service
        launch = _launch(service_class, values, instance, storage)
    return service_class(db, service, Runtime(launch, instance), config)


def _instance_of(
    service_class: type[ServiceBase], values: dict[str, ConfigValue], name: str
) -> ServiceInstance:
    """Create the objects that a running instance has around it."""
    now = time.time()
    host = ServiceHost.lookup_unique(name="testing") or ServiceHost(name="testing")
    codebase = Codebase(name="testing", location="", ref="", commit="0" * 40, tree="", added_at=now)
    if Service.lookup_unique(name=name) is not None:
        raise StoreBusyError(
            f"a service {name} is already running", hint="give this one another name"
        )
    service = Service(name=name, created_at=now, desired_count=1, instance_count=1)
    release = Release(
        service=service, number=1, codebase=codebase, module=service_class.__module__,
        class_name=service_class.__name__, created_at=now, actor="testing", config=values,
    )  # fmt: skip
    service.release = release
    return ServiceInstance(
        name=f"{name}-1", service=service, release=release, host=host, slot=0, created_at=now,
        state=InstanceState.RUNNING,
    )  # fmt: skip


def _launch(
    service_class: type[ServiceBase],
    values: dict[str, ConfigValue],
    instance: ServiceInstance,
    storage: Path,
) -> WorkerLaunch:
    folder = str(storage)
    return WorkerLaunch(
        instance=instance.oid, name=instance.name, service_id=instance.service.oid,
        service=instance.service.name, release=1, module=service_class.__module__,
        class_name=service_class.__name__, database=":memory:", run=folder, logs=folder,
        storage=folder, home_data=folder, home_cache=folder, home_state=folder, config=values,
    )  # fmt: skip
