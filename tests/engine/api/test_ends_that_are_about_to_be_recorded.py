"""An instance whose process has just ended is shown as it ended, once that is recorded."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from stocked_home import stock

from odbctl.engine.api import instance_listing
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import list_instances, show_instance
from odbctl.engine.managers.host import HostSettings, record_host_up
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.managers.record import record_exits
from odbctl.engine.model.core import ServiceHost, ServiceInstance
from odbctl.engine.model.states import InstanceState
from odbctl.engine.worker.identity import ProcessIdentity, identify
from odbctl.paths import Home

READS: list[Callable[[Engine], str]] = [
    lambda engine: list_instances(engine)[0]["state"],
    lambda engine: list_instances(engine, service="hello", everything=True)[0]["state"],
    lambda engine: show_instance(engine, "hello-1")["state"],
]


def ended_process() -> ProcessIdentity:
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    identity = identify(process.pid)
    process.communicate()
    assert identity is not None
    return identity


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    """Return a home with an instance whose process has ended; this process is the manager."""
    stock(home)
    identity = ended_process()

    def write() -> None:
        record_host_up(
            HostSettings(), strategy="scripted", start_method=None, limits_held_by="", is_kept=False
        )
        instance = ServiceInstance.lookup_one(name="hello-1")
        instance.boot_id, instance.pid, instance.start_ticks = identity
        instance.state = InstanceState.RUNNING
        instance.ended_at = instance.exit_code = instance.exit_cause = instance.reason = None

    with Engine.open(home) as opened:
        opened.db.run(write)
        yield opened


@pytest.mark.parametrize("read", READS)
def test_it_is_shown_as_it_ended(
    engine: Engine, read: Callable[[Engine], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def record() -> None:
        found = ServiceInstance.lookup_one(name="hello-1")
        record_exits([WorkerExited(found.oid, found.pid, 0, None, time.time())], actor="local")

    def record_meanwhile(_seconds: float) -> None:
        engine.db.run(record)

    monkeypatch.setattr(instance_listing, "pause", record_meanwhile)
    assert read(engine) == "stopped"


@pytest.mark.parametrize("read", READS)
def test_it_is_lost_when_nobody_records_it_in_time(
    engine: Engine, read: Callable[[Engine], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_listing, "LONGEST_RECORDING_SECONDS", 0.02)
    assert read(engine) == "lost"


@pytest.mark.parametrize("read", READS)
def test_without_a_manager_it_is_lost_at_once(
    engine: Engine, read: Callable[[Engine], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.db.run(lambda: setattr(ServiceHost.lookup_one(name="local"), "manager_pid", None))
    monkeypatch.setattr(instance_listing, "pause", pytest.fail)
    assert read(engine) == "lost"


def test_a_view_that_is_open_already_does_not_wait(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_listing, "pause", pytest.fail)
    with engine.db.view():
        assert list_instances(engine)[0]["state"] == "lost"
