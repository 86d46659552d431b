"""Use cases of figures: what an instance used, over time."""

from __future__ import annotations

from collections.abc import Iterable

from odbctl.engine.api.documents import FiguresDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_instance
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.sampling import figures_path
from odbctl.engine.telemetry.figures import read_points, recent_cpu
from odbctl.paths import Home


def instance_figures(engine: Engine, name: str, *, since: float) -> list[FiguresDocument]:
    """Return what an instance used since a time, oldest first.

    For the last hour every 10 s, for the last day every minute, for a week every 10 min.

    Raises:
        NotFoundError: There is no such instance.
    """
    with engine.db.view():
        instance = find_instance(name)
        path = figures_path(engine.home, instance.service_name, instance.name)
    return [
        {
            "kind": "figures",
            "version": VERSION,
            "instance": name,
            "at": point.at,
            "cpu_percent": round(point.cpu_percent, 3),
            "rss_bytes": point.rss_bytes,
            "open_files": point.open_files,
            "threads": point.threads,
        }
        for point in read_points(path, since=since)
    ]


def recent_service_cpu(
    home: Home, service: str, instances: Iterable[str], *, now: float, count: int
) -> tuple[float, ...]:
    """Return what the instances of a service used together of late, the newest last.

    Args:
        home: Where the figures are.
        service: Its name.
        instances: The ids of its current instances.
        now: Seconds since the epoch.
        count: How many steps of 10 s at most.
    """
    total: dict[int, float] = {}
    for name in instances:
        for step, percent in recent_cpu(figures_path(home, service, name), now=now, count=count):
            total[step] = total.get(step, 0.0) + percent
    return tuple(total[step] for step in sorted(total))
