"""What a manager does while no file descriptor is left, without a process of its own."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from stocked_home import stock

from odbctl.engine.managers import descriptors, processes
from odbctl.engine.managers.descriptors import LOOK_SECONDS, DescriptorWatch
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.managers.processes import list_processes
from odbctl.engine.managers.subprocess_manager import SubprocessServiceManager
from odbctl.engine.model.core import ServiceHost
from odbctl.engine.odb import Database
from odbctl.paths import Home

OUT = OSError(errno.EMFILE, "Too many open files")


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    stock(home)
    with Database(home.database, run_dir=home.run) as opened:
        yield opened


def test_it_looks_again_soon_until_there_are_some(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.view():
        (host,) = ServiceHost.lookup_all()
    watch = DescriptorWatch(db)
    found: list[float | None] = []

    def step() -> None:
        watch.step(host.oid)
        found.append(watch.look_seconds)

    step()
    monkeypatch.setattr(descriptors, "find_problem", lambda: "none is left")
    step()  # it has just looked
    watch.note(OUT)
    step()
    monkeypatch.setattr(descriptors, "find_problem", str)
    watch.note(OUT)
    step()
    assert found == [None, None, LOOK_SECONDS, None]
    with db.view():
        assert host.problem == ""


def test_no_process_is_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_words: object, **_options: object) -> object:
        raise OUT

    assert list(list_processes())
    monkeypatch.setattr(processes, "open", fail, raising=False)
    with pytest.raises(OSError, match="Too many open files"):
        list(list_processes())


class Gone:
    """A launcher that has just ended, and has said something before."""

    path = Path("l-1.sock")
    is_connected = False

    def __init__(self, exited: WorkerExited) -> None:
        self._exited = exited

    def flush(self) -> None:
        pass

    def receive(self) -> list[dict[str, object]]:
        return [{"exited": [list(self._exited)]}]


def test_what_launchers_said_is_not_lost_when_one_cannot_be_replaced(
    home: Home, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_client: object) -> None:
        raise OUT

    manager = SubprocessServiceManager(home, db)
    exited = WorkerExited(7, 100, 3, None, 1.5, 1)
    cast("Any", manager)._clients["l-1.sock"] = Gone(exited)
    monkeypatch.setattr(manager, "_lose", fail)
    monkeypatch.setattr(manager, "_have_default_launcher", lambda: None)
    assert manager.collect_reports() == [exited]
    assert manager.collect_reports() == [exited]  # it is still there
