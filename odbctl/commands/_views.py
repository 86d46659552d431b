"""How people see each kind of document: its columns, its name, its fields. Pure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from odbctl.commands._results import Document, as_document, as_list
from odbctl.commands._table import Column, field_of
from odbctl.commands._text import duration, local_time, size, visible
from odbctl.engine.api.ends import describe_end

COMMIT_DIGITS = 10


def _short(value: object) -> str:
    return str(value)[:COMMIT_DIGITS]


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _ago(value: object) -> str:
    return duration(time.time() - value) if isinstance(value, int | float) else ""


def _at(value: object) -> str:
    return local_time(value) if isinstance(value, int | float) else ""


def _bytes(value: object) -> str:
    return size(value) if isinstance(value, int | float) else ""


def _yes_no(value: object) -> str:
    return "yes" if value else "no"


def _words(value: object) -> str:
    pairs = as_document(value).items()
    return " ".join([f"{key}={item}" for key, item in pairs] or map(str, as_list(value)))


def _commas(value: object) -> str:
    return ", ".join(map(str, as_list(value)))


def _pairs(value: object) -> str:
    return ", ".join([f"{key}: {item}" for key, item in as_document(value).items()])


def _folder(value: object) -> str:
    home = os.path.expanduser("~")
    text = str(value)
    return "~" + text[len(home) :] if home != "/" and text.startswith(home + "/") else text


def _text(document: object, path: str) -> str:
    value = field_of(as_document(document), path)
    return "" if value is None else str(value)


def counts(document: object) -> str:
    """Return how many of the wanted instances run, as `2/3`."""
    return f"{_text(document, 'running_count')}/{_text(document, 'desired_count')}"


def _ref_and_commit(value: object) -> str:
    """Return a codebase as `main@1a2b3c4d5e`, or the commit alone when it is the ref."""
    ref, commit = _text(value, "ref"), _text(value, "commit")
    short = _short(commit)
    return short if commit.startswith(ref) else f"{ref}@{short}"


def _exit(value: object) -> str:
    """Say how a process ended."""
    code, number = _text(value, "code"), _text(value, "signal")
    if number:
        return f"signal {number}"
    return f"code {code}" if code else "unknown"


def _instance_up(value: object) -> str:
    running_at = _text(value, "running_at")
    if not running_at:
        return ""
    ended_at = _text(value, "ended_at")
    return duration((float(ended_at) if ended_at else time.time()) - float(running_at))


def _took(value: object) -> str:
    """Return how long a run has taken, or takes by now."""
    started_at, ended_at = _text(value, "started_at"), _text(value, "ended_at")
    if not started_at:
        return ""
    return duration((float(ended_at) if ended_at else time.time()) - float(started_at))


def _probe(value: object) -> str:
    """Return a probe as `tcp:8080 every 10 s, 3 x within 5 s`."""
    period, limit = _text(value, "period_seconds"), _text(value, "timeout_seconds")
    often = f"every {float(period or 0):g} s"
    return f"{_text(value, 'probe')} {often}, {_text(value, 'failure_threshold')} x {limit} s"


def _hook_call(value: object) -> str:
    return _text(value, "url") or _words(as_document(value).get("command"))


def _why_short(value: object) -> str:
    return _text(value, "reason") or _text(value, "message") or describe_end(as_document(value))


def _place(value: object) -> str:
    return f"{_text(value, 'path')}:{_text(value, 'line')}"


def _ok(value: object) -> str:
    return "ok" if value else "failed"


def _cores(value: object) -> str:
    return _of(value, "cores_reserved", "cores")


def _ram(value: object) -> str:
    return _of(value, "ram_gb_reserved", "ram_gb")


def _of(document: object, part: str, whole: str) -> str:
    return f"{float(_text(document, part) or 0):.4g}/{float(_text(document, whole) or 0):.4g}"


COLUMNS: dict[str, tuple[Column, ...]] = {
    "service": (
        Column("NAME", "name"),
        Column("STATE", "state", is_state=True),
        Column("RUNNING", "", counts),
        Column("COMMIT", "codebase", _ref_and_commit),
        Column("RESTARTS", "restarts"),
        Column("CLASS", "class"),
        Column("CODEBASE", "codebase.name", is_wide=True),
        Column("RELEASE", "release", is_wide=True),
        Column("PLACEMENT", "placement", is_wide=True),
        Column("CORES", "cores", _number, is_wide=True),
        Column("RAM-GB", "ram_gb", _number, is_wide=True),
        Column("POLICY", "restart", is_wide=True),
        Column("LOCK", "lock", is_wide=True),
        Column("AGE", "created_at", _ago, is_wide=True),
        Column("REASON", "reason"),
    ),
    "instance": (
        Column("INSTANCE", "id"),
        Column("SERVICE", "service"),
        Column("STATE", "state", is_state=True),
        Column("PID", "pid"),
        Column("UP", "", _instance_up),
        Column("FAILURES", "failures"),
        Column("COMMIT", "commit", _short),
        Column("RELEASE", "release", is_wide=True),
        Column("HOST", "host", is_wide=True),
        Column("OWNER", "owner", is_wide=True),
        Column("CPU%", "cpu_percent", _number, is_wide=True),
        Column("RSS", "rss_bytes", _bytes, is_wide=True),
        Column("FILES", "open_files", is_wide=True),
        Column("THREADS", "threads", is_wide=True),
        Column("STARTED", "started_at", _at, is_wide=True),
        Column("EXIT", "exit", _exit, is_wide=True),
        Column("REASON", "", _why_short),
        Column("LOG", "log", _folder, is_wide=True),
    ),
    "figures": (
        Column("TIME", "at", _at),
        Column("CPU%", "cpu_percent", _number),
        Column("RSS", "rss_bytes", _bytes),
        Column("FILES", "open_files"),
        Column("THREADS", "threads"),
    ),
    "run": (
        Column("RUN", "id"),
        Column("STATE", "state", is_state=True),
        Column("STARTED", "started_at", _at),
        Column("TOOK", "", _took),
        Column("EXIT", "exit", _exit),
        Column("COMMIT", "commit", _short),
        Column("RELEASE", "release", is_wide=True),
        Column("HOST", "host", is_wide=True),
        Column("REASON", "", _why_short),
        Column("LOG", "log", _folder, is_wide=True),
    ),
    "codebase": (
        Column("NAME", "name"),
        Column("REF", "ref"),
        Column("COMMIT", "commit", _short),
        Column("STATE", "state", is_state=True),
        Column("AGE", "added_at", _ago),
        Column("USED-BY", "used_by", _words),
        Column("REPO", "repo", _folder, is_wide=True),
        Column("ENVIRONMENT", "environment", _folder, is_wide=True),
        Column("PATH", "path", _folder, is_wide=True),
        Column("SUBJECT", "subject"),
    ),
    "service_class": (
        Column("CLASS", "class"),
        Column("FILE", "", _place),
        Column("DESCRIPTION", "doc"),
    ),
    "host": (
        Column("NAME", "name"),
        Column("STATE", "state", is_state=True),
        Column("PLACEMENT", "placement"),
        Column("INSTANCES", "instances"),
        Column("LIMIT", "max_instances", is_wide=True),
        Column("CORES", "", _cores),
        Column("RAM-GB", "", _ram),
        Column("SEEN", "last_seen_at", _at, is_wide=True),
    ),
    "manager": (
        Column("HOST", "host"),
        Column("STATE", "state", is_state=True),
        Column("PID", "pid"),
        Column("UP", "started_at", _ago),
        Column("STRATEGY", "strategy"),
        Column("VERSION", "odbctl_version"),
        Column("LOG", "log", _folder, is_wide=True),
    ),
    "event": (
        Column("TIME", "at", _at),
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
        Column("REASONS", "reasons", _words),
        Column("LEVEL", "level"),
        Column("QUIET", "debounce_seconds", _number, is_wide=True),
        Column("TIME-OUT", "timeout_seconds", _number, is_wide=True),
        Column("CALLS", "", _hook_call),
    ),
    "release": (
        Column("RELEASE", "number"),
        Column("STATE", "outcome", is_state=True),
        Column("COMMIT", "codebase", _ref_and_commit),
        Column("AGE", "created_at", _ago),
        Column("ACTOR", "actor"),
        Column("CODEBASE", "codebase.name", is_wide=True),
        Column("CLASS", "class", is_wide=True),
        Column("REASON", "reason"),
    ),
    "check": (
        Column("CHECK", "name"),
        Column("STATE", "ok", _ok, is_state=True),
        Column("MESSAGE", "message"),
        Column("HINT", "hint"),
    ),
    "type": (
        Column("TYPE", "name"),
        Column("OBJECTS", "objects"),
        Column("INDEXES", "indexes", _commas, is_wide=True),
        Column("FIELDS", "fields", _pairs),
    ),
    "object": (
        Column("OID", "oid"),
        Column("REV", "rev", is_wide=True),
        Column("FIELDS", "fields", _words),
    ),
    "setting": (
        Column("SETTING", "name"),
        Column("VALUE", "value"),
        Column("ORIGIN", "origin", is_wide=True),
    ),
}


_NAMES: dict[str, Callable[[Document], str]] = {
    "instance": lambda d: str(d["id"]),
    "codebase": lambda d: f"{d['name']}@{_short(d['commit'])}",
    "service_class": lambda d: str(d["class"]),
    "manager": lambda d: str(d["host"]),
    "event": lambda d: str(d["object"]),
    "release": lambda d: str(d["number"]),
    "object": lambda d: str(d["oid"]),
    "change": lambda d: str(d["oid"]),
    "backup": lambda d: str(d["path"]),
    "log": lambda d: str(d["instance"]),
    "why": lambda d: _text(d, "service.name"),
}


def name_of(document: Document) -> str:
    """Return what `-o name` prints of a document."""
    kind = str(document.get("kind", ""))
    show = _NAMES.get(kind)
    return visible(show(document) if show else str(document.get("name", kind)))


# Fields of `show`: shown by their own functions, or not as a field at all.
_SHOWN_AS: dict[str, Callable[[object], str]] = {
    "config": _words,
    "env_names": _words,
    "used_by": _words,
    "exit": _exit,
    "readiness": _probe,
    "liveness": _probe,
    "depends_on": _commas,
    "command": _words,
    "reasons": _words,
    "header_names": _words,
    "waits_for": _commas,
    "log_max_bytes": _bytes,
    "memory_limit_bytes": _bytes,
    "rss_bytes": _bytes,
    "log_quota_bytes": _bytes,
}
_HIDDEN = frozenset({"kind", "version", "instances"})


def fields(document: Document) -> list[tuple[str, str]]:
    """Return every field of a document with its text, in the document's order."""
    rows: list[tuple[str, str]] = []
    for name, value in document.items():
        if name in _HIDDEN and not (name == "instances" and isinstance(value, int)):
            continue
        label = name.removesuffix("_at") if name.endswith("_at") else name
        rows.append((label.replace("_", " "), visible(_field_text(name, value)) or "-"))
    return rows


def _field_text(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in _SHOWN_AS:
        return _SHOWN_AS[name](value)
    if name.endswith("_at") and isinstance(value, int | float) and value > time.time() + 1:
        return f"{_at(value)} (in {duration(value - time.time())})"
    if name.endswith("_at"):
        return f"{_at(value)} ({_ago(value)} ago)"
    if name == "codebase":
        return f"{_text(value, 'name')} {_ref_and_commit(value)}"
    if isinstance(value, bool):
        return _yes_no(value)
    return _number(value)
