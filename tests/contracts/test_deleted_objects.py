"""Whatever a transaction deletes: commands and managers go on with what refers to it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from stocked_home import stock

from odbctl.cli import main
from odbctl.commands.catalog import all_commands
from odbctl.engine.api import managers
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.live import LiveServices
from odbctl.engine.managers.apply import apply_actions
from odbctl.engine.managers.host import take_over_instances
from odbctl.engine.managers.housekeeping import prune
from odbctl.engine.managers.messages import Report, WorkerExited, WorkerRunning, WorkerStarted
from odbctl.engine.managers.observe import observe_world
from odbctl.engine.managers.record import record_reports
from odbctl.engine.model.core import (
    DELETED,
    Codebase,
    Event,
    Hook,
    Release,
    Service,
    ServiceHost,
    ServiceInstance,
)
from odbctl.engine.model.states import ENDED_STATES, HostState, InstanceState
from odbctl.engine.odb import Database
from odbctl.engine.reconcile.actions import Action, RecordGone
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import WorldSnapshot
from odbctl.paths import Home
from odbctl.tui.backend import Request
from odbctl.tui.detail_reading import read_detail
from odbctl.tui.detail_rows import Question, Tab
from odbctl.tui.engine_source import EngineSource
from odbctl.tui.views import View


def _service() -> Service:
    return Service.lookup_one(name="hello")


def _the_owner() -> ServiceInstance:
    return ServiceInstance.lookup_one(name="hello-2")


def _the_candidate() -> Release:
    found = _service().candidate
    assert found is not None
    return found


def _the_release() -> Release:
    found = _service().release
    assert found is not None
    return found


Deletable = Service | Release | Codebase | ServiceHost | ServiceInstance | Hook | Event


def _everything() -> list[Deletable]:
    return [
        _service(),
        *Release.lookup_all(),
        *Codebase.lookup_all(),
        *ServiceHost.lookup_all(),
    ]


# What is deleted, by the name of the case.
DELETIONS: dict[str, Callable[[], Sequence[Deletable]]] = {
    "codebase": lambda: [Codebase.lookup_one(name="app")],
    "service": lambda: [_service()],
    "release": lambda: [_the_release()],
    "candidate": lambda: [_the_candidate()],
    "releases": Release.lookup_all,
    "host": lambda: [ServiceHost.lookup_one(name="local")],
    "instance": lambda: [_the_owner()],
    "instances": ServiceInstance.lookup_all,
    "hook": lambda: [Hook.lookup_one(name="told")],
    "events": Event.lookup_all,
    "all that instances refer to": _everything,
}

READING = (
    "codebase list",
    "codebase show app",
    "service list",
    "service show hello",
    "service status",
    "service status hello",
    "service runs hello",
    "service history hello",
    "service logs hello",
    "instance list",
    "instance list --all",
    "instance show hello-1",
    "instance show hello-2",
    "instance logs hello-2",
    "instance figures hello-2",
    "host list",
    "host show local",
    "manager status",
    "event list",
    "event list --service hello",
    "hook list",
    "hook show told",
    "db types",
    "db list core.ServiceInstance",
    "db list core.Release",
    "db check",
    "ps",
    "ps --all",
    "ps -o wide",
    "ps -o yaml",
    "why hello",
    "why hello-2",
    "metrics",
    "doctor",
    "config show",
    "__complete odbctl service show",
    "__complete odbctl instance show",
    "__complete odbctl rollback hello --to",
    "__complete odbctl codebase remove",
    "__complete odbctl host show",
)
CHANGING = (
    "codebase remove app --yes",
    "codebase prune",
    "service set hello --placement Any",
    "service start hello --no-wait",
    "service stop hello --no-wait",
    "service restart hello --no-wait",
    "service scale hello 2 --no-wait",
    "service configure hello a=1 --no-wait",
    "service deploy hello main --no-wait",
    "service deploy hello other@main --no-wait",
    "service rollback hello --no-wait",
    "service lock hello",
    "service prepare hello",
    "service unlock hello",
    "service reset hello",
    "service remove hello --yes --no-wait",
    "instance stop hello-2",
    "instance kill hello-2",
    "host drain local",
    "host undrain local",
    "host set local --max-instances 3",
    "host remove local --yes",
    "host remove local --yes --force",
    "manager stop",
    "hook set told --debounce 1s",
    "hook disable told",
    "hook enable told",
    "hook remove told --yes",
)


@pytest.fixture
def full_home(home: Home) -> Home:
    """A home with instances in every state, a rollout, a child, two hosts and a hook."""
    stock(home)
    with Database(home.database, run_dir=home.run) as db, db.transaction():
        now = time.time()
        service = _service()
        service.desired_count = 2
        service.release_count = 2
        active = service.release
        assert active is not None
        newer = Codebase(
            name="other",
            location="/nowhere/other",
            ref="main",
            commit="f" * 40,
            tree="/nowhere",
            added_at=now,
        )
        candidate = service.candidate = Release(
            service=service,
            number=2,
            codebase=newer,
            module="app.hello",
            class_name="Hello",
            created_at=now,
            actor="ann",
            config={"a": 2},
        )
        spare = ServiceHost(name="spare", state=HostState.UP, manager_pid=1, manager_start_ticks=1)
        host = ServiceHost.lookup_one(name="local")
        host.hostname = os.uname().nodename
        ended = ServiceInstance.lookup_one(name="hello-1")
        ended.is_current = False

        def run(number: int, release: Release, state: InstanceState) -> ServiceInstance:
            service.instance_count = number
            return ServiceInstance(
                name=f"hello-{number}",
                service=service,
                release=release,
                host=spare if number == 6 else host,
                slot=number % 2,
                created_at=now,
                started_at=now,
                running_at=now if state is InstanceState.RUNNING else None,
                ended_at=now if state in ENDED_STATES else None,
                stopping_at=now if state is InstanceState.STOPPING else None,
                state=state,
            )

        owner = run(2, active, InstanceState.RUNNING)
        run(3, active, InstanceState.CRASHED)
        run(4, candidate, InstanceState.INITIALIZING)
        run(5, active, InstanceState.STOPPING)
        run(6, active, InstanceState.BOOTING)
        child = run(7, active, InstanceState.RUNNING)
        child.owner, child.slot = owner, -1
        Hook(name="told", created_at=now, command=["true"])
    return home


def delete(home: Home, what: str) -> None:
    with Database(home.database, run_dir=home.run) as db, db.transaction():
        for found in DELETIONS[what]():
            found.delete()


def complaints(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command in this process; return what is wrong with its answer."""
    code = main(words.split())
    err = capsys.readouterr().err
    is_wrong = any(bad in err for bad in ("unexpected", "Traceback", "does not exist any more"))
    return f"{words}: exit {code}: {err}" if is_wrong or code in (2, *range(9, 256)) else ""


@pytest.mark.parametrize("what", DELETIONS)
def test_every_reading_command_answers(
    what: str, full_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    delete(full_home, what)
    assert [text for words in READING if (text := complaints(words, capsys))] == []


def _start_no_manager(_engine: Engine, **_options: object) -> bool:
    return False


@pytest.mark.parametrize("what", DELETIONS)
def test_every_changing_command_answers(
    what: str,
    full_home: Home,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(managers, "ensure_manager", _start_no_manager)
    delete(full_home, what)
    kept = tmp_path / "kept"
    kept.mkdir()
    files = list(full_home.database.parent.glob(f"{full_home.database.name}*"))
    for path in files:
        shutil.copy2(path, kept)
    found: list[str] = []
    for words in CHANGING:
        found.append(complaints(words, capsys))
        for path in full_home.database.parent.glob(f"{full_home.database.name}*"):
            path.unlink()
        for path in kept.iterdir():
            shutil.copy2(path, full_home.database.parent)
    assert [text for text in found if text] == []


def test_every_command_is_among_them() -> None:
    """A new command joins the lists above, or those that need more than a stocked home."""
    elsewhere = {
        *(
            "codebase add",
            "codebase services",
            "service create",
            "service edit",
            "service exec",
            "service shell",
        ),
        *("host edit", "host enable", "host disable", "hook add", "hook edit", "hook test"),
        *("manager run", "manager start", "manager restart", "manager logs", "manager install"),
        *("event watch", "db path", "db show", "db watch", "db backup", "db restore"),
        *("service run", "config path", "tui", "demo", "completion", "version"),
    }
    known = {f"{noun} {verb}" if noun else verb for noun, verb, _ in all_commands()}
    covered = {
        name
        for name in known
        if any(words == name or words.startswith(f"{name} ") for words in (*READING, *CHANGING))
    }
    assert known - covered == elsewhere


@pytest.mark.parametrize("what", DELETIONS)
def test_the_dashboard_reads_everything(what: str, full_home: Home) -> None:
    with Engine.open(full_home) as engine:
        live = LiveServices(engine)
        with engine.db.view() as view:
            live.update(view.seq)
        delete(full_home, what)
        with engine.db.view() as view:
            live.update(view.seq)
        with engine.db.view() as view:
            LiveServices(engine).update(view.seq)
        for tab in Tab:
            for instance in (None, "hello-2", "hello-1"):
                question = Question(service="hello", instance=instance, tab=tab)
                read_detail(engine, question, now=time.time())
    with EngineSource(full_home) as source:
        for name in View:
            source.read(Request(view=name, service="hello"))


@pytest.mark.parametrize("what", DELETIONS)
def test_a_manager_plans_and_writes_until_it_is_at_rest(what: str, full_home: Home) -> None:
    with Database(full_home.database, run_dir=full_home.run) as db:
        with db.view():
            own = ServiceHost.lookup_one(name="local").oid
            living = [i for i in ServiceInstance.lookup_all() if i.state not in ENDED_STATES]
        delete(full_home, what)
        for number, instance in enumerate(living):
            pid, now = 2_000_000 + number, time.time()
            reports: list[Report] = [
                WorkerStarted(instance.oid, pid, 1, now),
                WorkerRunning(instance.oid, pid, 1, now),
            ]
            db.run(partial(record_reports, reports, actor="local"))
        assert not _plan_to_rest(db, own)
        for number, instance in enumerate(living):
            gone = WorkerExited(instance.oid, 2_000_000 + number, 1, None, time.time())
            db.run(partial(record_reports, [gone], actor="local"))
        assert not _plan_to_rest(db, own)
        prune(db)


def _plan_to_rest(db: Database, own: int) -> list[str]:
    """Plan and write a few times; return the services that could not be read."""
    broken: list[str] = []
    for _ in range(4):
        with db.view():
            world = observe_world(
                own, asked_at={}, terminated=(), on_broken=lambda name, _error: broken.append(name)
            )
        plan = plan_world(world._replace(is_leader=True), now=time.time())
        db.run(partial(apply_actions, plan.actions, actor="local"))
    return broken


def test_instances_of_a_deleted_service_are_stopped_and_their_end_is_recorded(
    full_home: Home,
) -> None:
    with Database(full_home.database, run_dir=full_home.run) as db:
        with db.view():
            own = ServiceHost.lookup_one(name="local").oid
        delete(full_home, "service")
        _plan_to_rest(db, own)
        with db.view():
            current = ServiceInstance.lookup_all(is_current=True)
            assert current
            assert {i.state for i in current} == {InstanceState.STOPPING}
            event = Event.lookup_newest(1, service="hello")[0]
            assert (event.subject, event.reason) == ("service/hello", "stopping")
            assert "its service was deleted" in event.message
        for instance in current:
            gone = WorkerExited(instance.oid, None, 0, None, time.time())
            db.run(partial(record_reports, [gone], actor="local"))
        _plan_to_rest(db, own)
        with db.view():
            assert not ServiceInstance.lookup_all(is_current=True)
            assert all(i.state is InstanceState.STOPPED for i in current)
            event = Event.lookup_newest(1, service="hello")[0]
            assert (event.subject, event.reason) == (f"instance/{current[-1].name}", "stopped")
        prune(db)
        with db.view():
            assert Release.lookup_count() == 0
            assert ServiceInstance.lookup_count() > 0


def test_the_leader_records_what_is_gone_of_a_deleted_host(full_home: Home) -> None:
    with Database(full_home.database, run_dir=full_home.run) as db:
        with db.transaction():
            _service().move_after_seconds = None
            _the_owner().boot_id, _the_owner().pid, _the_owner().start_ticks = "earlier", 1, 1
            own = ServiceHost(name="a-leader", state=HostState.UP, cores=4, ram_gb=4).oid
        delete(full_home, "host")
        with db.view():
            world = observe_world(own, asked_at={}, terminated=())
        assert [h.name for h in world.hosts if h.is_deleted] == [DELETED]
        here = world._replace(
            hosts=tuple(h._replace(is_on_this_machine=True) for h in world.hosts), is_leader=True
        )
        gone = {a.instance for a in _moves(here) if isinstance(a, RecordGone)}
        assert _oid_of(db, "hello-2") in gone


def _moves(world: WorldSnapshot) -> tuple[Action, ...]:
    return plan_world(world, now=time.time() + 3600).actions


def _oid_of(db: Database, name: str) -> int:
    with db.view():
        return ServiceInstance.lookup_one(name=name).oid


def test_instances_whose_host_was_deleted_belong_to_the_next_host(full_home: Home) -> None:
    delete(full_home, "host")
    with Database(full_home.database, run_dir=full_home.run) as db:
        with db.transaction():
            host = ServiceHost(name="local")
            take_over_instances(host)
        with db.view():
            hosts = {i.name: i.host.name for i in ServiceInstance.lookup_all(is_current=True)}
    assert hosts.pop("hello-6") == "spare"
    assert set(hosts.values()) == {"local"}


def test_names_of_a_deleted_service_are_not_given_again(full_home: Home) -> None:
    delete(full_home, "service")
    with Database(full_home.database, run_dir=full_home.run) as db, db.transaction():
        assert Service(name="hello", created_at=0.0).next_instance_name() == "hello-8"
