"""Stopping is not scaling: a service that is stopped keeps its desired count."""

from __future__ import annotations

import pytest
from cli_runner import odbctl
from real_world import World

from odbctl.engine.api import managers, releases, services, why
from odbctl.engine.model.core import Service
from odbctl.errors import ConflictError

DONE = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        pass
"""


def counts(world: World, name: str = "svc") -> tuple[int, bool, int]:
    """Return the desired count, whether the service is paused, and what is aimed at."""
    document = world.status(name)
    return document["desired_count"], document["paused"], document["target_count"]


def test_start_after_stop_brings_the_same_count_back(world: World) -> None:
    world.service()
    world.start()
    services.scale_service(world.engine, "svc", 3)
    world.wait_running(count=3)
    world.stop()
    assert counts(world) == (3, True, 0)
    assert world.status()["state"] == "stopped"
    assert odbctl("service", "start", "svc").code == 0
    assert counts(world) == (3, False, 3)
    assert len(world.ready()) == 3


def test_stop_of_a_stopped_service_changes_nothing(world: World) -> None:
    world.service()
    assert services.stop_service(world.engine, "svc").action == "unchanged"
    services.start_service(world.engine, "svc", count=2)
    assert services.stop_service(world.engine, "svc").action == "stopped"
    assert services.stop_service(world.engine, "svc").action == "unchanged"
    assert counts(world) == (2, True, 0)


def test_scale_starts_a_stopped_service_unless_the_count_is_zero(world: World) -> None:
    world.service()
    services.start_service(world.engine, "svc", count=2)
    services.stop_service(world.engine, "svc")
    change = services.scale_service(world.engine, "svc", 2)
    assert (change.action, counts(world)) == ("scaled", (2, False, 2))
    services.stop_service(world.engine, "svc")
    services.scale_service(world.engine, "svc", 0)
    assert counts(world) == (0, False, 0)
    services.start_service(world.engine, "svc")
    assert counts(world) == (1, False, 1)


def test_a_stopped_service_of_an_earlier_version_starts_with_one(world: World) -> None:
    world.service()

    def write() -> None:
        service = Service.lookup_unique(name="svc")
        assert service is not None
        service.desired_count = 0  # what `stop` wrote before it had a field of its own

    world.engine.db.run(write)
    services.start_service(world.engine, "svc")
    assert counts(world) == (1, False, 1)


def test_a_stopped_service_takes_a_release_at_once_and_is_not_restarted(world: World) -> None:
    world.service()
    services.start_service(world.engine, "svc", count=2)
    services.stop_service(world.engine, "svc")
    with pytest.raises(ConflictError, match="is stopped"):
        releases.restart_service(world.engine, "svc")
    world.commit("class Svc(ServiceBase):\n    x = 1\n")
    number = world.deploy()
    document = world.status()
    assert (document["release"], document["candidate"]) == (number, None)
    assert "2 desired once it is started" in why.why(world.engine, "svc")["lines"][0]


def test_a_stopped_service_is_no_running_dependency(world: World) -> None:
    world.service(name="db")
    world.another("web", depends_on=("db",))
    for name in ("db", "web"):
        services.start_service(world.engine, name)
    services.stop_service(world.engine, "web")
    with world.engine.db.view():
        assert services.dependents("db") == []
    services.stop_service(world.engine, "db")
    assert services.start_dependencies(world.engine, "web") == ["db"]
    assert counts(world, "db") == (1, False, 1)


def test_everything_is_as_before_after_the_manager_was_stopped_with_services(world: World) -> None:
    world.service()
    for name in ("stopped", "never"):
        world.another(name)
    world.start(count=2)
    services.start_service(world.engine, "stopped", count=3)
    world.wait_running(count=2)
    world.wait_running("stopped", count=3)
    world.stop("stopped")
    managers.stop_manager(world.engine, with_services=True)
    document = world.status()
    assert (document["state"], counts(world)) == ("stopped", (2, True, 0))
    assert "odbctl manager start" in document["reason"]
    shown = odbctl("manager", "start")
    assert "starting again: svc" in shown.err + shown.out
    world.wait_running(count=2)
    assert counts(world) == (2, False, 2)
    assert counts(world, "stopped") == (3, True, 0)
    assert counts(world, "never") == (0, False, 0)
    started = [e for e in world.events() if e["reason"] == "started"]
    assert "as before the manager was stopped" in started[-1]["message"]


def test_what_a_person_stops_meanwhile_stays_stopped(world: World) -> None:
    world.run()
    managers.stop_manager(world.engine, with_services=True)
    assert services.stop_service(world.engine, "svc").action == "stopped"
    world.manager()
    assert counts(world) == (1, True, 0)
    assert world.status()["reason"] == ""


def test_a_manager_that_runs_brings_services_back_too(world: World) -> None:
    world.service()
    world.another("other")
    world.start(count=1)
    world.wait_running()
    managers.stop_manager(world.engine, with_services=True)
    assert odbctl("service", "start", "other").code == 0  # starts a manager for this one
    world.wait_running("other")
    assert counts(world) == (1, True, 0)
    assert odbctl("manager", "start").code == 0
    world.wait_running()


def test_a_job_that_has_ended_is_not_run_again_with_the_manager(world: World) -> None:
    world.service(DONE, restart="never")
    world.start()
    world.wait_ended("svc-1")
    world.wait_state("svc", "stopped")
    managers.stop_manager(world.engine, with_services=True)
    world.manager()
    assert counts(world) == (1, False, 1)
    world.another("probe", restart="never")
    world.start("probe")
    world.wait_ended("probe-1")  # by then the manager has planned
    assert [i["id"] for i in world.instances()] == ["svc-1"]
