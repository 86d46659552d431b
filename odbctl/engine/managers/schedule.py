"""Schedules: when a cron expression is next due, in a time zone.

Used by managers, and by the use cases that take an expression. The library is
imported only here, and only when a service has a schedule.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from odbctl.errors import UsageError

_LOCAL_TIME = Path("/etc/localtime")
HINT = 'for example "*/5 * * * *" (minute hour day month weekday), or @daily'
_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def next_run_at(expression: str, time_zone: str, *, after: float) -> float:
    """Return when an expression is next due, strictly later than `after`.

    A time that the change to summer time leaves out is due right after the gap, one that
    comes twice is due once.

    Args:
        expression: Five fields, or one of @hourly, @daily, @weekly, @monthly, @yearly.
        time_zone: Its IANA name; "" is the machine's.
        after: Seconds since the epoch.

    Raises:
        UsageError: The expression or the zone is none, or it is never due.
    """
    from cronsim import CronSim, CronSimError

    zone = find_zone(time_zone)
    start = datetime.fromtimestamp(after, zone)
    try:
        found = next(CronSim(_ALIASES.get(expression.strip(), expression), start))
    except CronSimError as error:
        raise UsageError(f"no schedule {expression!r}: {error}", hint=HINT) from error
    except StopIteration as error:
        raise UsageError(f"the schedule {expression!r} is never due", hint=HINT) from error
    at = found.timestamp()
    # Within a fold a wall-clock time may lie before `after`.
    return at if at > after else next_run_at(expression, time_zone, after=after + 60.0)


def find_zone(name: str) -> tzinfo:
    """Return a time zone by name; "" is the machine's.

    Raises:
        UsageError: There is none of that name.
    """
    if not name:
        return _local_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"no time zone {name!r}", hint="for example Europe/Berlin or UTC"
        ) from error


def _local_zone() -> tzinfo:
    """Return the machine's zone, by its name where that is known, for summer time's sake."""
    name = os.environ.get("TZ", "").lstrip(":") or _name_of_local_time()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        offset = datetime.now().astimezone().utcoffset() or timedelta()
        from datetime import timezone

        return timezone(offset)


def _name_of_local_time() -> str:
    """Return the zone's name from the link that the system keeps."""
    _, sign, name = str(_LOCAL_TIME.resolve()).partition("/zoneinfo/")
    return name if sign else "UTC"
