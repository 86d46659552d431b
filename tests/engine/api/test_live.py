"""Services kept current by the change log: the same as described anew, and no more work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.live import LiveServices
from odbctl.engine.api.live_figures import LiveFigures, Usage, sum_up
from odbctl.engine.api.live_lists import NewestEvents, codebases_in_use
from odbctl.engine.api.status import list_events, list_services, newest_releases
from odbctl.engine.api.yaml_text import object_text
from odbctl.engine.model.core import Codebase, Event, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import HostState, InstanceState
from odbctl.engine.telemetry.figures import Latest, Sample, write_board
from odbctl.engine.worker.identity import identify
from odbctl.errors import NotFoundError
from odbctl.masking import MASK, mask_document
from odbctl.paths import Home


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    with Engine.open(home) as opened:
        yield opened


def write_world(*names: str) -> None:
    """Write a host with a living manager, and services of one running instance."""
    me = identify()
    assert me is not None
    host = ServiceHost(
        name="local",
        state=HostState.UP,
        manager_pid=me.pid,
        manager_start_ticks=me.start_ticks,
        boot_id=me.boot_id,
    )
    codebase = Codebase(
        name="app", location="/srv/app", ref="main", commit="ab" * 20, tree="", added_at=1.0
    )
    for name in names:
        service = Service(name=name, created_at=1.0, desired_count=1)
        service.release = release = Release(
            service=service,
            number=1,
            codebase=codebase,
            module="app",
            class_name="App",
            created_at=2.0,
            actor="ann",
            config={"password": "hunter2", "port": 80},
        )
        ServiceInstance(
            name=f"{name}-1",
            service=service,
            release=release,
            host=host,
            slot=0,
            created_at=3.0,
            state=InstanceState.RUNNING,
            running_at=4.0,
            pid=me.pid,
            boot_id=me.boot_id,
            start_ticks=me.start_ticks,
        )


@pytest.fixture
def live(engine: Engine) -> LiveServices:
    with engine.db.transaction():
        write_world("api", "web", "cron")
    found = LiveServices(engine)
    update(engine, found)
    return found


def update(engine: Engine, live: LiveServices) -> set[str]:
    """Bring it up to date, and return the names of what was described anew."""
    names = {oid: service.name for oid, service in live.services.items()}
    with engine.db.view() as view:
        live.update(view.seq)
    names |= {oid: service.name for oid, service in live.services.items()}
    return {names[oid] for oid in live.changed}


def change(engine: Engine, work: Callable[[], object]) -> None:
    with engine.db.transaction():
        work()


def service(name: str) -> Service:
    found = Service.lookup_unique(name=name)
    assert found is not None
    return found


def instance(name: str) -> ServiceInstance:
    found = ServiceInstance.lookup_unique(name=name)
    assert found is not None
    return found


def assert_same_as_described_anew(engine: Engine, live: LiveServices) -> None:
    documents = list_services(engine)
    assert sorted(s.name for s in live.services.values()) == sorted(d["name"] for d in documents)
    for document in documents:
        found = next(s for s in live.services.values() if s.name == document["name"])
        assert (found.state, found.reason) == (document["state"], document["reason"])
        assert found.ready_count == document["ready_count"]
        assert found.restarts == document["restarts"]
        assert [i.name for i in found.instances] == [i["id"] for i in document["instances"]]
        assert [i.state for i in found.instances] == [i["state"] for i in document["instances"]]


def test_nothing_is_described_again_while_nobody_commits(
    engine: Engine, live: LiveServices
) -> None:
    assert update(engine, live) == set()
    assert_same_as_described_anew(engine, live)


def _count(name: str) -> None:
    service(name).restarts += 1


def _scale(name: str) -> None:
    service(name).desired_count = 3


def _fail(name: str) -> None:
    found = instance(name)
    found.state, found.exit_code, found.ended_at = InstanceState.FAILED, 3, 9.0
    found.reason = "it does not start"


def _probe(name: str) -> None:
    from odbctl.engine.model.probes import Probe, ProbeKind

    service(name).readiness = Probe(ProbeKind.HEALTH)


def _remove(name: str) -> None:
    service(name).is_removed = True


@pytest.mark.parametrize(
    "work",
    [
        lambda: _count("api"),
        lambda: _scale("api"),
        lambda: _fail("api-1"),
        lambda: _probe("api"),
        lambda: instance("api-1").delete(),
        lambda: _remove("api"),
        lambda: service("api").delete(),
    ],
    ids=["counter", "scaled", "failed", "probe", "instance-gone", "removed", "deleted"],
)
def test_only_what_changed_is_described_again(
    engine: Engine, live: LiveServices, work: Callable[[], object]
) -> None:
    change(engine, work)
    assert update(engine, live) == {"api"}
    assert_same_as_described_anew(engine, live)


def test_a_change_of_a_new_instance_is_one_of_its_service(
    engine: Engine, live: LiveServices
) -> None:
    def add() -> None:
        first = instance("web-1")
        ServiceInstance(
            name="web-2",
            service=first.service,
            release=first.release,
            host=first.host,
            slot=1,
            created_at=5.0,
        )

    change(engine, add)
    assert update(engine, live) == {"web"}
    change(engine, lambda: setattr(instance("web-2"), "message", "on its way"))
    assert update(engine, live) == {"web"}
    assert_same_as_described_anew(engine, live)


def test_who_waits_for_another_follows_it(engine: Engine, live: LiveServices) -> None:
    change(engine, lambda: setattr(service("web"), "depends_on", ["api"]))
    update(engine, live)
    change(engine, lambda: _fail("api-1"))
    assert update(engine, live) == {"api", "web"}
    assert_same_as_described_anew(engine, live)


def test_a_process_that_ends_unseen_is_found(
    engine: Engine, live: LiveServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        own = identify(child.pid)
        assert own is not None

        def take_over() -> None:
            found = instance("api-1")
            found.pid, found.start_ticks = own.pid, own.start_ticks

        change(engine, take_over)
        update(engine, live)
        child.communicate(b"\n")
    monkeypatch.setattr(live, "_sweep_due_at", 0.0)
    assert update(engine, live) == {"api"}
    assert_same_as_described_anew(engine, live)


def test_a_manager_that_ends_concerns_everybody(engine: Engine, live: LiveServices) -> None:
    hosts = live.hosts
    change(engine, lambda: _scale("api"))
    update(engine, live)

    def end() -> None:
        for host in ServiceHost.lookup_all():
            host.state = HostState.DOWN

    change(engine, end)
    assert update(engine, live) == {"api", "web", "cron"}
    assert not live.is_managed
    assert live.hosts > hosts
    assert_same_as_described_anew(engine, live)


def test_newest_events_are_read_once(engine: Engine, live: LiveServices) -> None:
    def record(count: int) -> None:
        for n in range(count):
            record_service_event(service("api"), f"r{n}", "", actor="ann")

    def prune() -> None:
        for event in Event.lookup_oldest(2):
            event.delete()

    change(engine, lambda: record(3))
    newest = NewestEvents(engine, limit=50)
    assert newest.read() == list_events(engine)
    change(engine, lambda: record(20))
    assert newest.read() == list_events(engine)
    change(engine, prune)
    change(engine, lambda: record(100))
    assert newest.read() == list_events(engine, limit=50)
    assert live.events


def test_codebases_name_those_that_run_them(engine: Engine, live: LiveServices) -> None:
    assert [c["used_by"] for c in codebases_in_use(engine, live)] == [["api", "cron", "web"]]
    assert [r["service"] for r in newest_releases(engine, limit=2)] == ["cron", "web"]


def test_figures_come_from_the_board_and_grow_old(engine: Engine, live: LiveServices) -> None:
    import time

    home = engine.home
    oid = next(s.instances[0].oid for s in live.services.values() if s.name == "api")
    figures = LiveFigures(home)
    assert not figures.update(["local"])
    path = f"{home.figures_text}/local.now"
    home.logs.mkdir(parents=True, exist_ok=True)
    import os

    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_board(path, [(oid, Latest(Sample(time.time(), 1.0, 2**20, 3, 1), 12.5))])
    assert figures.update(["local"])
    assert figures.of(oid) == Usage(12.5, 2**20)
    assert not figures.update(["local"])
    write_board(path, [(oid, Latest(Sample(time.time() - 1_000, 1.0, 2**20, 3, 1), 12.5))])
    os.utime(path, (1, 1))
    assert figures.update(["local"])
    assert figures.of(oid) is None


def test_sums_leave_out_what_is_unknown() -> None:
    assert sum_up([]) is None
    assert sum_up([None, Usage(None, 5), Usage(2.0, 7)]) == Usage(2.0, 12)


@pytest.mark.parametrize(
    ("kind", "key"),
    [("services", "api"), ("instances", "api-1"), ("hosts", "local"), ("deploys", "api/1")],
)
def test_objects_are_written_as_yaml_without_secrets(
    engine: Engine, live: LiveServices, kind: str, key: str
) -> None:
    text = object_text(engine, kind, key)
    assert "kind: " in text
    assert "hunter2" not in text
    if kind == "services":
        assert MASK in text
        assert "port: 80" in text
    with pytest.raises(NotFoundError):
        object_text(engine, kind, "gone/1")
    assert live.services


def test_masks_hide_what_is_named_like_a_secret_and_passwords_in_urls() -> None:
    document = {
        "api_key": "x",
        "items": [{"auth_token": "y", "name": "n"}],
        "url": "postgres://ann:pw@host/db",
        "port": 80,
    }
    assert mask_document(document) == {
        "api_key": MASK,
        "items": [{"auth_token": MASK, "name": "n"}],
        "url": f"postgres://ann:{MASK}@host/db",
        "port": 80,
    }
