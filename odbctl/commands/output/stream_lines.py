"""Records that come one after the other, each as one line: of logs, of events, of changes. Pure."""

from __future__ import annotations

from odbctl.commands.output.results import Document, as_list
from odbctl.commands.output.text import local_time, visible, visible_lines
from odbctl.commands.session import Terminal

_EVENT_COLORS = {"warning": "33", "error": "31"}


def log_line(document: Document, out: Terminal) -> str:
    """Return a record of a log for people: time, instance, level or stderr, text."""
    at = document["at"]
    seconds = float(at) if isinstance(at, int | float) else 0.0
    stamp = f"{local_time(seconds)}.{int(seconds % 1 * 1000):03}"
    level = str(document["level"])
    word = level or ("stderr" if document.get("stream") == "stderr" else "")
    mark = "" if word in ("INFO", "") else f" {word}"
    head = f"{stamp} {visible(str(document['instance']))}{mark}"
    if out.has_color:
        head = f"\x1b[2m{head}\x1b[0m"
    return f"{head} {visible_lines(_without_colors(str(document['text'])))}"


def _without_colors(text: str) -> str:
    if "\x1b[" not in text:
        return text
    import re

    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)


def event_line(document: Document, out: Terminal) -> str:
    """Return an event as one line: when, how bad, what, why."""
    at = local_time(float(str(document["at"])))
    words = [str(document[name]) for name in ("level", "object", "reason", "message")]
    color = _EVENT_COLORS.get(words[0]) if out.has_color else None
    text = visible(f"{at} {words[0]:<7} {words[1]}: {words[2]}  {words[3]}".rstrip())
    return f"\x1b[{color}m{text}\x1b[0m" if color else text


def change_line(document: Document, out: Terminal) -> str:
    """Return a change of the database as one line."""
    del out
    at = document["at"]
    time_text = local_time(at) if isinstance(at, float) else ""
    fields = " ".join(map(str, as_list(document["fields"])))
    what = f"{document['op']:<6} {document['type']} {document['oid']}"
    return visible(f"{time_text}  {document['commit']}  {what}  {fields}".rstrip())


_LINES = {"log": log_line, "change": change_line, "event": event_line}


def record_line(kind: str, document: Document, out: Terminal) -> str:
    """Return a record of a kind as one line."""
    return _LINES[kind](document, out)
