"""A manager of an earlier odbctl may ignore what a command writes: nothing waits for it in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odbctl import __version__
from odbctl.engine.api import doctor, job_runs, services, waiting
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.results import Progress
from odbctl.engine.managers.host import HostSettings, record_host_up
from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.worker.identity import identify
from odbctl.errors import ManagerOutdatedError, TimedOutError
from odbctl.paths import Home


@pytest.fixture
def engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return a home with a service that runs and a job; this process is the manager."""
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(job_runs, "PATIENCE_SECONDS", 0.0)
    with Engine.open(home) as opened:
        opened.db.run(_write)
        yield opened


def _write() -> None:
    record_host_up(
        HostSettings(), strategy="subprocess", start_method=None, limits_held_by="", is_kept=False
    )
    codebase = Codebase(
        name="app", location="/srv/app", ref="main", commit="ab" * 20, tree="", added_at=1.0
    )
    for name, policy in (("web", RestartPolicy.ALWAYS), ("job", RestartPolicy.NEVER)):
        made = Service(name=name, created_at=1.0, restart=policy)
        made.release = Release(
            service=made,
            number=1,
            codebase=codebase,
            module="app",
            class_name="App",
            created_at=2.0,
            actor="ann",
        )
    web = Service.lookup_one(name="web")
    web.desired_count = 1
    me = identify()
    assert me is not None
    assert web.release is not None
    ServiceInstance(
        name="web-1",
        service=web,
        release=web.release,
        host=ServiceHost.lookup_one(name="local"),
        slot=0,
        created_at=3.0,
        state=InstanceState.RUNNING,
        running_at=4.0,
        pid=me.pid,
        boot_id=me.boot_id,
        start_ticks=me.start_ticks,
    )


def an_older_one_started(*, version: str = "0.0.9") -> None:
    """Write what the start of a manager of an earlier odbctl leaves of the host."""
    host = ServiceHost.lookup_one(name="local")
    host.version, host.started_at = version, 12345.0


def ignore(_progress: Progress) -> None:
    pass


def stop_web(engine: Engine) -> tuple[str, ...]:
    """Stop the service and wait; return the notes of the change."""
    change = services.stop_service(engine, "web")
    waiting.wait_for_service(engine, "web", timeout_seconds=0.1, on_progress=ignore)
    return change.notes


def test_a_stop_that_an_older_manager_ignores_names_its_version(engine: Engine) -> None:
    engine.db.run(an_older_one_started)
    with pytest.raises(ManagerOutdatedError) as caught:
        stop_web(engine)
    assert caught.value.exit_code == 5
    assert caught.value.message == (
        "service 'web' keeps running: the manager of host local runs an older odbctl (0.0.9)"
    )
    assert (caught.value.hint or "").startswith("odbctl manager restart ")


def test_an_earlier_build_of_the_same_version_is_named_so(engine: Engine) -> None:
    engine.db.run(lambda: an_older_one_started(version=__version__))
    with pytest.raises(ManagerOutdatedError, match=f"an earlier build of {__version__}"):
        stop_web(engine)


def test_a_stop_without_waiting_notes_the_older_manager(engine: Engine) -> None:
    engine.db.run(an_older_one_started)
    [note] = services.stop_service(engine, "web").notes
    assert "older odbctl (0.0.9)" in note


def test_a_present_manager_is_waited_for(engine: Engine) -> None:
    assert services.stop_service(engine, "web").notes == ()
    with pytest.raises(TimedOutError):
        stop_web(engine)


def test_an_older_manager_that_does_stop_it_is_waited_for(engine: Engine) -> None:
    def begin() -> None:
        an_older_one_started()
        instance = ServiceInstance.lookup_one(name="web-1")
        instance.state, instance.stopping_at = InstanceState.STOPPING, 5.0

    engine.db.run(begin)
    with pytest.raises(TimedOutError):
        stop_web(engine)


def test_a_run_that_an_older_manager_ignores_is_not_waited_for(engine: Engine) -> None:
    engine.db.run(an_older_one_started)
    run = str(services.run_service(engine, "job").document["run"])
    with pytest.raises(ManagerOutdatedError, match=f"run '{run}' has not begun"):
        job_runs.wait_for_run(engine, "job", run, timeout_seconds=0.1, on_progress=ignore)


def test_doctor_reports_an_older_manager(engine: Engine) -> None:
    assert manager_check(engine)[0]
    engine.db.run(an_older_one_started)
    ok, message, hint = manager_check(engine)
    assert (ok, hint) == (False, "odbctl manager restart")
    assert "older odbctl (0.0.9)" in message


def manager_check(engine: Engine) -> tuple[bool, str, str]:
    [found] = [c for c in doctor.run_checks(engine.home) if c["name"] == "manager"]
    return found["ok"], found["message"], found["hint"]
