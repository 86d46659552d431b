"""Use case of metrics: everything countable, as Prometheus reads it.

Source: the text-based exposition format, version 0.0.4.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import odbctl
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import list_instances
from odbctl.engine.api.status import list_hosts, list_services
from odbctl.engine.managers.identities import is_managed, known_hosts
from odbctl.engine.managers.sampling import board_path
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.telemetry.figures import Latest, read_board

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Point(NamedTuple):
    name: str
    value: float
    labels: Mapping[str, str]


# By name, its type and its help.
_METRICS: dict[str, tuple[str, str]] = {
    "odbctl_info": ("gauge", "The version of odbctl."),
    "odbctl_manager_up": ("gauge", "Whether the manager of a host is running."),
    "odbctl_service_wanted": ("gauge", "Desired number of instances."),
    "odbctl_service_running": ("gauge", "Running instances."),
    "odbctl_service_ready": ("gauge", "Ready instances."),
    "odbctl_service_state": ("gauge", "1 for the current state of a service."),
    "odbctl_service_restarts_total": ("counter", "Restarts of instances after a failure."),
    "odbctl_service_crashes_total": ("counter", "Crashes of running instances."),
    "odbctl_service_log_bytes": ("gauge", "Disk space of the logs of a service."),
    "odbctl_instance_cpu_seconds_total": ("counter", "CPU time of an instance's worker."),
    "odbctl_instance_resident_bytes": ("gauge", "Memory of an instance's worker (RSS)."),
    "odbctl_instance_open_files": ("gauge", "Open files of an instance's worker."),
    "odbctl_instance_threads": ("gauge", "Threads of an instance's worker."),
    "odbctl_instance_start_time_seconds": ("gauge", "When an instance's process started."),
    "odbctl_host_cores": ("gauge", "Cores that a host offers."),
    "odbctl_host_cores_reserved": ("gauge", "Cores that its instances reserve."),
    "odbctl_host_ram_gigabytes": ("gauge", "Memory that a host offers."),
    "odbctl_host_ram_gigabytes_reserved": ("gauge", "Memory that its instances reserve."),
    "odbctl_database_bytes": ("gauge", "Size of the database, its write-ahead log included."),
    "odbctl_database_commits_total": ("counter", "Commits of the database since its creation."),
}


def metrics_text(engine: Engine) -> str:
    """Return all metrics as text."""
    points: dict[str, list[_Point]] = defaultdict(list)
    for point in _all(engine):
        points[point.name].append(point)
    lines: list[str] = []
    for name, (kind, text) in _METRICS.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [_line(point) for point in points[name]]
    return "\n".join(lines) + "\n"


def _all(engine: Engine) -> Iterator[_Point]:
    yield _Point("odbctl_info", 1, {"version": odbctl.__version__})
    yield from _services(engine)
    yield from _instances(engine)
    yield from _hosts(engine)
    size = 0
    for suffix in ("", "-wal"):
        with contextlib.suppress(OSError):
            size += os.path.getsize(f"{engine.home.database}{suffix}")
    yield _Point("odbctl_database_bytes", size, {})
    yield _Point("odbctl_database_commits_total", engine.db.last_commit(), {})


def _services(engine: Engine) -> Iterator[_Point]:
    for document in list_services(engine):
        labels = {"service": document["name"]}
        yield _Point("odbctl_service_wanted", document["target_count"], labels)
        yield _Point("odbctl_service_running", document["running_count"], labels)
        yield _Point("odbctl_service_ready", document["ready_count"], labels)
        yield _Point("odbctl_service_state", 1, labels | {"state": document["state"]})
        yield _Point("odbctl_service_restarts_total", document["restarts"], labels)
        yield _Point("odbctl_service_crashes_total", document["crashes"], labels)
        size = _folder_bytes(f"{engine.home.logs_text}/{document['name']}")
        yield _Point("odbctl_service_log_bytes", size, labels)


def _folder_bytes(folder: str) -> int:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return sum(entry.stat(follow_symlinks=False).st_blocks * 512 for entry in entries)
    return 0


def _instances(engine: Engine) -> Iterator[_Point]:
    with engine.db.view():
        oids = {i.name: i.oid for i in ServiceInstance.lookup_all(is_current=True)}
        hosts = [host.name for host in known_hosts()]
    latest: dict[int, Latest] = {}
    for host in hosts:
        latest |= read_board(board_path(engine.home, host))
    for document in list_instances(engine):
        labels = {"service": document["service"], "instance": document["id"]}
        if document["ended_at"] is None and document["started_at"] is not None:
            yield _Point("odbctl_instance_start_time_seconds", document["started_at"], labels)
        found = latest.get(oids.get(document["id"], 0))
        if found is None or document["rss_bytes"] is None:
            continue
        sample = found.sample
        yield _Point("odbctl_instance_cpu_seconds_total", sample.cpu_seconds, labels)
        yield _Point("odbctl_instance_resident_bytes", sample.rss_bytes, labels)
        yield _Point("odbctl_instance_open_files", sample.open_files, labels)
        yield _Point("odbctl_instance_threads", sample.threads, labels)


def _hosts(engine: Engine) -> Iterator[_Point]:
    with engine.db.view():
        managed = {host.name: is_managed(host) for host in known_hosts()}
    for document in list_hosts(engine):
        labels = {"host": document["name"]}
        yield _Point("odbctl_manager_up", managed.get(document["name"], False), labels)
        yield _Point("odbctl_host_cores", document["cores"], labels)
        yield _Point("odbctl_host_cores_reserved", document["cores_reserved"], labels)
        yield _Point("odbctl_host_ram_gigabytes", document["ram_gb"], labels)
        yield _Point("odbctl_host_ram_gigabytes_reserved", document["ram_gb_reserved"], labels)


def _line(point: _Point) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in point.labels.items())
    value = float(point.value)
    number = str(int(value)) if value.is_integer() else repr(value)
    return f"{point.name}{{{labels}}} {number}" if labels else f"{point.name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
