"""ServiceBase: what an author subclasses. Runs inside a worker, stdlib only.

A worker makes one object of the class and calls, in its main thread:
`configure_logging()`, `initialize()`, `do_work(should_stop)`, `teardown()`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from odbctl.engine.worker.launch import ConfigValue, WorkerLaunch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from odbctl.engine.model.core import Service, ServiceInstance
    from odbctl.engine.odb import Database, Reactor
    from odbctl.paths import Home

StopSignal = threading.Event


class Runtime:
    """What a running instance knows of itself.

    Attributes:
        instance: The ServiceInstance object of this run.
        name: What people call this instance, as `hello-3`.
        address: The address of this host that other hosts reach it by.
        config: The configuration values as they were given.
    """

    def __init__(self, launch: WorkerLaunch, instance: ServiceInstance) -> None:
        self.instance = instance
        self.name = launch.name
        self.address = launch.address
        self.config = launch.config
        self._launch = launch

    @property
    def storage(self) -> Path:
        """A folder of this instance's own; it is the working directory."""
        return Path(self._launch.storage)

    @property
    def home(self) -> Home:
        """The folders of the odbctl home."""
        from odbctl.paths import Home

        launch = self._launch
        return Home(
            data=Path(launch.home_data),
            cache=Path(launch.home_cache),
            state=Path(launch.home_state),
        )


class Health:
    """What `health()` returns: well or not, and why.

    Attributes:
        is_healthy: Whether the service does its work.
        message: One line for people.
    """

    def __init__(self, *, is_healthy: bool = True, message: str = "") -> None:
        self.is_healthy = is_healthy
        self.message = message


class ServiceBase:
    """A service: override what you need, `do_work` most of all.

    Class attributes:
        cores_used: Cores that an instance reserves on its host; 0 reserves none.
        gb_ram_used: RAM in GB that an instance reserves; 0 reserves none.
        Config: A class whose annotated attributes are the configuration;
            given values are checked against them, `self.config` is one of it.
    """

    cores_used: ClassVar[float] = 0.0
    gb_ram_used: ClassVar[float] = 0.0
    Config: ClassVar[type | None] = None

    def __init__(
        self, db: Database, service: Service, runtime: Runtime, config: Any = None
    ) -> None:
        self.db = db
        self.service = service
        self.runtime = runtime
        self.config = config
        self.logger = logging.getLogger(service_logger_name(type(self)))
        self._reactors: list[Reactor] = []
        # Set by the runner of an `async def do_work`.
        self.async_stop: asyncio.Event | None = None

    def configure_logging(self) -> None:
        """Set up `logging`; by default the root logger passes on INFO and above."""
        root = logging.getLogger()
        if root.level != logging.INFO:  # it is already, in a worker that a launcher has forked
            root.setLevel(logging.INFO)

    def initialize(self) -> None:
        """Prepare for work; the instance is Running when this returns."""

    def do_work(self, should_stop: StopSignal) -> Coroutine[Any, Any, None] | None:
        """Work until `should_stop` is set; by default run the registered reactors.

        It may be an `async def`, which runs in an event loop and awaits `stop_requested()`.
        """
        with self.reactors_running():
            should_stop.wait()
        return None

    async def stop_requested(self) -> None:
        """Wait, in a task of an `async def do_work`, until the instance should stop.

        Raises:
            RuntimeError: `do_work` is not a coroutine function.
        """
        if self.async_stop is None:
            raise RuntimeError("stop_requested() needs an `async def do_work`")
        await self.async_stop.wait()

    def teardown(self) -> None:
        """Clean up; called also when `initialize` or `do_work` raised."""

    def health(self) -> Health | bool:
        """Say whether the service is well; True or a `Health`."""
        return True

    @classmethod
    def configure_from_commandline(
        cls, db: Database, service: Service, args: Sequence[str]
    ) -> dict[str, ConfigValue]:
        """Turn the words after `--` of `odbctl service configure` into configuration values.

        By default each word is `key=value`, parsed by the types of `Config`.

        Raises:
            ValueError: A word is not understood.
        """
        del db, service
        from odbctl.engine.worker.configuration import parse_assignments

        return parse_assignments(cls.Config, args)

    @staticmethod
    def service_display(service: Service, context: Any = None) -> object:
        """Describe the service's page as a tree of cells; None draws nothing."""
        del service, context
        return None

    def register_reactor(self, work: Callable[[], object], **options: Any) -> Reactor:
        """Make a reactor that runs while `reactors_running()` is entered."""
        from odbctl.engine.odb import Reactor

        reactor = Reactor(self.db, work, **options)
        self._reactors.append(reactor)
        return reactor

    def reactors_running(self) -> ReactorsRunning:
        """Return a context in which all registered reactors run."""
        return ReactorsRunning(self.db, self._reactors)

    def spawn_child(
        self, service_class: type[ServiceBase] | None = None, /, **config: ConfigValue
    ) -> ServiceInstance:
        """Start a further instance that this one owns and that ends with it.

        Args:
            service_class: The child's class, of this codebase; by default this one's.
            **config: The child's configuration; by default this one's.

        Returns:
            The child's ServiceInstance object; it is not counted in the wanted count.
        """
        from odbctl.engine.worker.children import create_child

        return create_child(self.db, self.runtime.instance, service_class, config)


class ReactorsRunning:
    """A context that runs reactors: in one thread, but for those with `own_thread`."""

    def __init__(self, db: Database, reactors: Sequence[Reactor]) -> None:
        self._db = db
        self._reactors = tuple(reactors)

    def __enter__(self) -> None:
        if not self._reactors:
            return
        from odbctl.engine.odb.reactor import ReactorThread

        for reactor in self._reactors:
            if reactor.own_thread:
                reactor.start()
        if sharing := [each for each in self._reactors if not each.own_thread]:
            ReactorThread(self._db, sharing).start()

    def __exit__(self, *exc_info: object) -> None:
        for reactor in reversed(self._reactors):
            reactor.stop()


def run_work(service: ServiceBase, should_stop: StopSignal) -> None:
    """Run `do_work` of a service to its end, in an event loop if it is a coroutine function."""
    work = service.do_work(should_stop)
    # Neither `asyncio` nor `inspect`: most services do without.
    if work is not None and hasattr(work, "cr_code"):
        from odbctl.engine.worker.async_work import run_coroutine

        run_coroutine(service, work, should_stop)


def service_logger_name(service_class: type) -> str:
    """Return the name of a service's own logger: its module's."""
    return service_class.__module__
