"""`odbctl.testing`: services run in the process of their tests."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from waiting import eventually

from odbctl import DbObject, Schema, ServiceBase, StopSignal
from odbctl.engine.odb import Database
from odbctl.testing import run_service

pytest_plugins = ["pytester"]
schema = Schema("greetings")


@schema.define
class Greeting(DbObject):
    text: str


class Hello(ServiceBase):
    @dataclass
    class Config:
        name: str
        times: int = 1

    def initialize(self) -> None:
        self.is_torn_down = False
        with self.db.transaction():
            Greeting(text=f"hello {self.config.name} from {self.runtime.name}")

    def teardown(self) -> None:
        self.is_torn_down = True


class Reacting(ServiceBase):
    def initialize(self) -> None:
        self.register_reactor(self._answer)

    def _answer(self) -> None:
        with self.db.transaction():
            for each in Greeting.lookup_all():
                if not each.text.endswith("!"):
                    each.text += "!"


class Failing(ServiceBase):
    def do_work(self, should_stop: StopSignal) -> None:
        raise RuntimeError("out of luck")


class Deaf(ServiceBase):
    def do_work(self, should_stop: StopSignal) -> None:
        self.deaf_until.wait()

    def initialize(self) -> None:
        self.deaf_until = threading.Event()


def test_service_runs_while_the_block_does() -> None:
    with run_service(Hello, configuration={"name": "ann"}) as running:
        running.wait_for(lambda: Greeting.lookup_count() == 1)
        with running.db.view():
            assert Greeting.lookup_all()[0].text == "hello ann from Hello-1"
            assert running.service.service.name == "Hello"
        assert Path(running.service.runtime.storage).is_dir()
    assert isinstance(running.service, Hello)
    assert running.service.is_torn_down
    assert not Path(running.service.runtime.storage).exists()


def test_configuration_is_checked() -> None:
    with (
        pytest.raises(ValueError, match="unknown configuration value 'nmae'"),
        run_service(Hello, configuration={"nmae": "ann"}),
    ):
        pass


def test_reactors_of_the_service_run() -> None:
    with run_service(Reacting) as running:
        running.db.run(lambda: Greeting(text="hi"))
        running.wait_for(lambda: [each.text for each in Greeting.lookup_all()] == ["hi!"])


def test_what_the_service_raises_the_test_raises() -> None:
    with pytest.raises(RuntimeError, match="out of luck"), run_service(Failing) as running:
        running.wait_for(lambda: False)


def test_service_that_does_not_stop_is_told() -> None:
    with run_service(Deaf) as running:
        with pytest.raises(TimeoutError, match="did not end"):
            running.stop(timeout_seconds=0.05)
        assert isinstance(running.service, Deaf)
        running.service.deaf_until.set()


def test_several_services_share_a_database() -> None:
    with (
        Database.in_memory() as db,
        run_service(Reacting, database=db),
        run_service(Hello, database=db, configuration={"name": "bob"}) as running,
    ):
        running.wait_for(lambda: Greeting.lookup_all()[0].text.endswith("!"))


def test_fixtures_give_the_same(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["odbctl.testing.plugin"]')
    pytester.makepyfile(
        """
        from odbctl import DbObject, Schema, ServiceBase

        schema = Schema("notes")

        @schema.define
        class Note(DbObject):
            text: str

        class Writer(ServiceBase):
            def initialize(self):
                with self.db.transaction():
                    Note(text=self.config["text"])

        def test_service_writes(odb, run_service):
            running = run_service(Writer, configuration={"text": "hi"})
            running.wait_for(lambda: Note.lookup_count() == 1)
            with odb.view():
                assert Note.lookup_all()[0].text == "hi"

        def test_each_test_has_a_database_of_its_own(odb):
            with odb.view():
                assert Note.lookup_count() == 0
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


class Following(ServiceBase):
    """Answers in an event loop."""

    async def do_work(self, should_stop: StopSignal) -> None:
        following = asyncio.create_task(self._follow())
        await self.stop_requested()
        assert should_stop.is_set()
        following.cancel()
        self.is_done = True

    async def _follow(self) -> None:
        async for change in self.db.changes_async(types=[Greeting], since=0):
            if change.kind == "insert":
                greeting = Greeting.from_oid(change.oid)
                await self.db.run_async(partial(answer, greeting))


def answer(greeting: Greeting) -> None:
    greeting.text += "!"


class FailingLater(ServiceBase):
    async def do_work(self, should_stop: StopSignal) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("out of luck")


def test_work_may_be_a_coroutine() -> None:
    with run_service(Following) as running:
        running.db.run(lambda: Greeting(text="hello"))
        running.wait_for(lambda: Greeting.lookup_all()[0].text == "hello!")
    assert isinstance(running.service, Following)
    assert running.service.is_done


def test_error_of_a_coroutine_is_raised_in_the_test() -> None:
    with pytest.raises(RuntimeError, match="out of luck"), run_service(FailingLater) as running:
        running.wait()


def test_stop_is_not_awaited_outside_a_coroutine() -> None:
    with run_service(Hello, configuration={"name": "ann"}) as running:
        waiting = running.service.stop_requested()
        with pytest.raises(RuntimeError, match="needs an `async def do_work`"):
            waiting.send(None)


class Several(ServiceBase):
    """Notes in which threads its reactors run."""

    def initialize(self) -> None:
        self.threads: list[int] = []
        self.register_reactor(self._note)
        self.register_reactor(self._note_too)
        self.register_reactor(self._note_alone, own_thread=True)

    def _note(self) -> None:
        self.threads.append(threading.get_ident())

    def _note_too(self) -> None:
        self._note()

    def _note_alone(self) -> None:
        self._note()


def test_reactors_of_a_service_share_a_thread() -> None:
    with run_service(Several) as running:
        assert isinstance(running.service, Several)
        threads = running.service.threads
        eventually(lambda: len(threads) == 3)
    assert len(set(threads)) == 2
