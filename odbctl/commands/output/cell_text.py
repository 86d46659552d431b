"""How one value of a document is told to people: as a number, a time, a size. Pure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from odbctl.commands.output.results import Document, as_document, as_list
from odbctl.commands.output.table import field_of
from odbctl.commands.output.text import local_time
from odbctl.engine.api.ends import describe_end
from odbctl.units import duration, exact_duration, size

COMMIT_DIGITS = 10


def short(value: object) -> str:
    """Return the beginning of a commit's hash."""
    return str(value)[:COMMIT_DIGITS]


def number(value: object) -> str:
    """Return a number of at most four digits, or any value as text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def ago(value: object) -> str:
    """Return how long ago a time was."""
    return duration(time.time() - value) if isinstance(value, int | float) else ""


def moment(value: object) -> str:
    """Return a time in the local zone."""
    return local_time(value) if isinstance(value, int | float) else ""


def byte_size(value: object) -> str:
    """Return bytes with their unit."""
    return size(value) if isinstance(value, int | float) else ""


def gigabytes(value: object) -> str:
    """Return an amount in GB (2**30 bytes) with its unit; 0 alone."""
    return size(value * 2**30) if isinstance(value, int | float) and value else "0"


def exact_seconds(value: object) -> str:
    """Return a setting in seconds with its unit, as it may be typed."""
    return exact_duration(value) if isinstance(value, int | float) else ""


def yes_no(value: object) -> str:
    """Return `yes` or `no`."""
    return "yes" if value else "no"


def words(value: object) -> str:
    """Return pairs as `key=value`, or items, in one line."""
    assignments = [f"{key}={item}" for key, item in as_document(value).items()]
    return " ".join(assignments or map(str, as_list(value)))


def commas(value: object) -> str:
    """Return items with commas."""
    return ", ".join(map(str, as_list(value)))


def pairs(value: object) -> str:
    """Return pairs as `key: value`, with commas."""
    return ", ".join([f"{key}: {item}" for key, item in as_document(value).items()])


def folder(value: object) -> str:
    """Return a path, the home folder as `~`."""
    home = os.path.expanduser("~")
    text = str(value)
    return "~" + text[len(home) :] if home != "/" and text.startswith(home + "/") else text


def text_of(document: object, path: str) -> str:
    """Return a field of a document as text; empty when it has none."""
    found = as_document(document)
    value = found[path] if path in found else field_of(found, path)
    return "" if value is None else str(value)


def ready_counts(document: object) -> str:
    """Return how many of the wanted instances are ready, as `2/3`."""
    return f"{text_of(document, 'ready_count')}/{text_of(document, 'desired_count')}"


def running_counts(document: object) -> str:
    """Return how many of the wanted instances run, ready or not, as `2/3`."""
    return f"{text_of(document, 'running_count')}/{text_of(document, 'desired_count')}"


def is_ready(document: object) -> str:
    """Return whether an instance that runs is ready; empty when it does not run."""
    found = as_document(document)
    return yes_no(found.get("ready")) if found.get("state") == "running" else ""


def ref_and_commit(value: object) -> str:
    """Return a codebase as `main@1a2b3c4d5e`, or the commit alone when it is the ref."""
    ref, commit = text_of(value, "ref"), text_of(value, "commit")
    beginning = short(commit)
    return beginning if commit.startswith(ref) else f"{ref}@{beginning}"


def release_action(value: object) -> str:
    """Return what made a release, as `deploy` or `rollback to 3`."""
    target = text_of(value, "rolled_back_to")
    return text_of(value, "action") + (f" to {target}" if target else "")


def exit_text(value: object) -> str:
    """Say how a process ended."""
    code, signal = text_of(value, "code"), text_of(value, "signal")
    if signal:
        return f"signal {signal}"
    return f"code {code}" if code else "unknown"


def instance_up(value: object) -> str:
    """Return how long an instance has been running, or was."""
    return "" if as_document(value).get("running_at") is None else duration(run_seconds(value))


def run_seconds(value: object) -> float:
    """Return how long an instance has been running, in seconds."""
    return _elapsed(value, "running_at")


def took(value: object) -> str:
    """Return how long a run took, or has taken so far."""
    return "" if as_document(value).get("started_at") is None else duration(took_seconds(value))


def took_seconds(value: object) -> float:
    """Return how long a run took, in seconds."""
    return _elapsed(value, "started_at")


def _elapsed(value: object, since: str) -> float:
    document = as_document(value)
    start, end = document.get(since), document.get("ended_at")
    if not isinstance(start, (int, float)):
        return 0.0
    return (end if isinstance(end, (int, float)) else time.time()) - start


def age_of(field: str) -> Callable[[Document], float]:
    """Return a function that gives the age of a document by a time in it, to sort by."""

    def age(document: Document) -> float:
        at = document.get(field)
        return -at if isinstance(at, int | float) else 0.0

    return age


def probe(value: object) -> str:
    """Return a probe as `tcp:8080 every 10s, fails after 3 x 5s`."""
    period, limit = text_of(value, "period_seconds"), text_of(value, "timeout_seconds")
    often = f"every {exact_duration(float(period or 0))}"
    within = exact_duration(float(limit or 0))
    threshold = text_of(value, "failure_threshold")
    return f"{text_of(value, 'probe')} {often}, fails after {threshold} x {within}"


def hook_call(value: object) -> str:
    """Return what a hook calls: its page or its command."""
    return text_of(value, "url") or words(as_document(value).get("command"))


def why_short(value: object) -> str:
    """Return why an instance is in its state: what its probe says while it is not ready."""
    if is_ready(value) == "no":
        return text_of(value, "health") or "not ready: its probe has not answered"
    return text_of(value, "reason") or text_of(value, "message") or describe_end(as_document(value))


def place(value: object) -> str:
    """Return a place in a file, as `svc.py:12`."""
    return f"{text_of(value, 'path')}:{text_of(value, 'line')}"


def ok_or_failed(value: object) -> str:
    """Return how a check ended."""
    return "ok" if value else "failed"


def cores(value: object) -> str:
    """Return a host's cores, as `reserved/all`."""
    return _of(value, "cores_reserved", "cores")


def ram(value: object) -> str:
    """Return a host's memory in GB, as `reserved/all`."""
    return _of(value, "ram_gb_reserved", "ram_gb")


def _of(document: object, part: str, whole: str) -> str:
    return f"{float(text_of(document, part) or 0):.4g}/{float(text_of(document, whole) or 0):.4g}"
