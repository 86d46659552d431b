"""How people see each kind of document: its columns, its name, its fields. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable

from odbctl.commands.output.cell_text import (
    age_of,
    ago,
    byte_size,
    commas,
    cores,
    exact_seconds,
    exit_text,
    folder,
    gigabytes,
    hook_call,
    instance_up,
    is_ready,
    moment,
    number,
    ok_or_failed,
    pairs,
    place,
    probe,
    ram,
    ready_counts,
    ref_and_commit,
    release_action,
    run_seconds,
    running_counts,
    short,
    text_of,
    took,
    took_seconds,
    why_short,
    words,
    yes_no,
)
from odbctl.commands.output.results import Document
from odbctl.commands.output.table import Column
from odbctl.commands.output.text import visible
from odbctl.units import duration

COLUMNS: dict[str, tuple[Column, ...]] = {
    "service": (
        Column("NAME", "name"),
        Column("STATE", "state", is_state=True),
        Column("READY", "", ready_counts),
        Column("COMMIT", "codebase", ref_and_commit),
        Column("RESTARTS", "restarts"),
        Column("CLASS", "class"),
        Column("RUNNING", "", running_counts, is_wide=True),
        Column("CODEBASE", "codebase.name", is_wide=True),
        Column("RELEASE", "release", is_wide=True),
        Column("PLACEMENT", "placement", is_wide=True),
        Column("CORES", "cores", number, is_wide=True),
        Column("RAM-GB", "ram_gb", number, is_wide=True),
        Column("POLICY", "restart", is_wide=True),
        Column("LOCK", "lock", is_wide=True),
        Column("AGE", "created_at", ago, order=age_of("created_at"), is_wide=True),
        Column("REASON", "reason"),
    ),
    "instance": (
        Column("INSTANCE", "id"),
        Column("SERVICE", "service"),
        Column("STATE", "state", is_state=True),
        Column("READY", "", is_ready, is_state=True),
        Column("PID", "pid"),
        Column("UP", "", instance_up, order=run_seconds),
        Column("RESTARTS", "restarts"),
        Column("COMMIT", "commit", short),
        Column("PORT", "port", is_wide=True),
        Column("RELEASE", "release", is_wide=True),
        Column("HOST", "host", is_wide=True),
        Column("OWNER", "owner", is_wide=True),
        Column("CPU%", "cpu_percent", number, is_wide=True),
        Column("RSS", "rss_bytes", byte_size, is_wide=True),
        Column("FILES", "open_files", is_wide=True),
        Column("THREADS", "threads", is_wide=True),
        Column("STARTED", "started_at", moment, is_wide=True),
        Column("EXIT", "exit", exit_text, is_wide=True),
        Column("REASON", "", why_short),
        Column("LOG", "log", folder, is_wide=True),
    ),
    "figures": (
        Column("TIME", "at", moment),
        Column("CPU%", "cpu_percent", number),
        Column("RSS", "rss_bytes", byte_size),
        Column("FILES", "open_files"),
        Column("THREADS", "threads"),
    ),
    "run": (
        Column("RUN", "id"),
        Column("STATE", "state", is_state=True),
        Column("STARTED", "started_at", moment),
        Column("TOOK", "", took, order=took_seconds),
        Column("EXIT", "exit", exit_text),
        Column("COMMIT", "commit", short),
        Column("RELEASE", "release", is_wide=True),
        Column("HOST", "host", is_wide=True),
        Column("REASON", "", why_short),
        Column("LOG", "log", folder, is_wide=True),
    ),
    "codebase": (
        Column("NAME", "name"),
        Column("REF", "refs", commas),
        Column("COMMIT", "commit", short),
        Column("STATE", "state", is_state=True),
        Column("AGE", "added_at", ago, order=age_of("added_at")),
        Column("USED-BY", "used_by", words),
        Column("REPO", "repo", folder),
        Column("ENVIRONMENT", "environment", folder, is_wide=True),
        Column("PATH", "path", folder, is_wide=True),
        Column("SUBJECT", "subject"),
    ),
    "service_class": (
        Column("CLASS", "class"),
        Column("FILE", "", place),
        Column("DESCRIPTION", "doc"),
    ),
    "host": (
        Column("NAME", "name"),
        Column("STATE", "state", is_state=True),
        Column("PLACEMENT", "placement"),
        Column("INSTANCES", "instances"),
        Column("LIMIT", "max_instances", is_wide=True),
        Column("CORES", "", cores),
        Column("RAM-GB", "", ram),
        Column("SEEN", "last_seen_at", moment, is_wide=True),
        Column("REASON", "reason"),
    ),
    "manager": (
        Column("HOST", "host"),
        Column("STATE", "state", is_state=True),
        Column("PID", "pid"),
        Column("UP", "started_at", ago, order=age_of("started_at")),
        Column("STRATEGY", "strategy"),
        Column("VERSION", "odbctl_version"),
        Column("PROBLEM", "problem"),
        Column("LOG", "log", folder, is_wide=True),
    ),
    "event": (
        Column("TIME", "at", moment),
        Column("LEVEL", "level", is_state=True),
        Column("OBJECT", "object"),
        Column("REASON", "reason"),
        Column("ACTOR", "actor"),
        Column("RELEASE", "release", is_wide=True),
        Column("MESSAGE", "message"),
    ),
    "hook": (
        Column("NAME", "name"),
        Column("SERVICE", "service"),
        Column("REASONS", "reasons", words),
        Column("LEVEL", "level"),
        Column("QUIET", "debounce_seconds", exact_seconds, is_wide=True),
        Column("TIME-OUT", "timeout_seconds", exact_seconds, is_wide=True),
        Column("CALLS", "", hook_call),
    ),
    "release": (
        Column("RELEASE", "number"),
        Column("STATE", "outcome", is_state=True),
        Column("ACTION", "", release_action),
        Column("COMMIT", "codebase", ref_and_commit),
        Column("AGE", "created_at", ago, order=age_of("created_at")),
        Column("ACTOR", "actor"),
        Column("CHANGES", "changes", commas),
        Column("CODEBASE", "codebase.name", is_wide=True),
        Column("CLASS", "class", is_wide=True),
        Column("REASON", "reason"),
    ),
    "check": (
        Column("CHECK", "name"),
        Column("STATE", "ok", ok_or_failed, is_state=True),
        Column("MESSAGE", "message"),
        Column("HINT", "hint"),
    ),
    "type": (
        Column("TYPE", "name"),
        Column("OBJECTS", "objects"),
        Column("INDEXES", "indexes", commas, is_wide=True),
        Column("FIELDS", "fields", pairs),
    ),
    "object": (
        Column("OID", "oid"),
        Column("REV", "rev", is_wide=True),
        Column("FIELDS", "fields", words),
    ),
    "setting": (
        Column("SETTING", "name"),
        Column("VALUE", "value"),
        Column("ORIGIN", "origin", is_wide=True),
    ),
}


_NAMES: dict[str, Callable[[Document], str]] = {
    "instance": lambda d: str(d["id"]),
    "codebase": lambda d: f"{d['name']}@{short(d['commit'])}",
    "service_class": lambda d: str(d["class"]),
    "manager": lambda d: str(d["host"]),
    "event": lambda d: str(d["object"]),
    "release": lambda d: str(d["number"]),
    "object": lambda d: str(d["oid"]),
    "change": lambda d: str(d["oid"]),
    "backup": lambda d: str(d["path"]),
    "log": lambda d: str(d["instance"]),
    "why": lambda d: text_of(d, "service.name"),
}


def name_of(document: Document) -> str:
    """Return what `-o name` prints of a document."""
    kind = str(document.get("kind", ""))
    show = _NAMES.get(kind)
    return visible(show(document) if show else str(document.get("name", kind)))


# Fields of `show`: shown by their own functions, or not as a field at all.
_SHOWN_AS: dict[str, Callable[[object], str]] = {
    "config": words,
    "env_names": words,
    "used_by": words,
    "exit": exit_text,
    "readiness": probe,
    "liveness": probe,
    "depends_on": commas,
    "command": words,
    "reasons": words,
    "refs": commas,
    "changes": commas,
    "header_names": words,
    "waits_for": commas,
    "hosts_without_manager": commas,
}
# Units in the names of fields: their values are shown with units.
_UNITS: dict[str, Callable[[object], str]] = {
    "_bytes": byte_size,
    "_seconds": exact_seconds,
    "_gb": gigabytes,
}
# What the absence of a value means, where that is not just that there is none.
_SHOWN_AS_NONE = {"move_after_seconds": "never"}
_HIDDEN = frozenset({"kind", "version", "instances"})


def fields(document: Document) -> list[tuple[str, str]]:
    """Return the fields of a document that are not empty, with their texts, in its order."""
    rows: list[tuple[str, str]] = []
    for name, value in document.items():
        if name in _HIDDEN and not (name == "instances" and isinstance(value, int)):
            continue
        if text := visible(_field_text(name, value)):
            rows.append((_label(name), text))
    return rows


def _label(name: str) -> str:
    """Return a field's name as words, without its unit."""
    found = name.removesuffix("_at")
    for unit in _UNITS:
        found = f"{found}_".replace(f"{unit}_", "_").removesuffix("_")
    return found.replace("_", " ")


def _field_text(name: str, value: object) -> str:
    if value is None:
        return _SHOWN_AS_NONE.get(name, "")
    if name in _SHOWN_AS:
        return _SHOWN_AS[name](value)
    for unit, show in _UNITS.items():
        if f"{unit}_" in f"{name}_":
            return show(value)
    if name.endswith("_at") and isinstance(value, int | float) and value > time.time() + 1:
        return f"{moment(value)} (in {duration(value - time.time())})"
    if name.endswith("_at"):
        return f"{moment(value)} ({ago(value)} ago)"
    if name == "codebase":
        return f"{text_of(value, 'name')} {ref_and_commit(value)}"
    if isinstance(value, bool):
        return yes_no(value)
    return number(value)
