"""The one place that prints what commands return, and picks the exit code.

Formats: table and wide for people, json and yaml for programs, name for scripts.
Runs in the command line's process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from odbctl.commands.output.cell_text import ready_counts
from odbctl.commands.output.results import (
    Document,
    Done,
    Listing,
    Live,
    Many,
    Result,
    Single,
    Stream,
    Text,
    as_document,
    as_list,
)
from odbctl.commands.output.table import field_of, paint, table
from odbctl.commands.output.text import visible, visible_lines
from odbctl.commands.output.views import COLUMNS, fields, name_of
from odbctl.commands.session import Arrangement, Session, Terminal
from odbctl.errors import OdbctlError, PartlyDoneError

DEFAULT_ARRANGEMENT = Arrangement()
_SERVICE_COLUMNS = frozenset({"SERVICE", "OWNER", "CPU%", "RSS"})


def render(result: Result, session: Session) -> int:
    """Print a result in the session's format; return the exit code."""
    out, output = session.out, session.output
    match result:
        case Text():
            _write_text(result, out, output)
            return 0
        case Stream():
            _write_stream(result, session)
            return result.exit_code()
        case Live():
            _write_live(result, session)
            return 0
        case Listing():
            _write_listing(result, session)
            if result.failed:
                _flush_and_report(result.failed, output)
                return (
                    PartlyDoneError.exit_code if result.documents else _common_code(result.failed)
                )
        case Single():
            _write_single(result, out, output)
        case Done():
            _write_done(result, session)
        case Many():
            return _write_many(result, session)
    return result.exit_code


class OutputError(OdbctlError):
    """Standard output takes no more."""

    code = "output"


def _write(out: Terminal, *lines: str) -> None:
    """Write lines.

    Raises:
        BrokenPipeError: The reader has gone.
        OutputError: The disk is full, or the like.
    """
    if not lines:
        return
    try:
        out.stream.write("\n".join(lines) + "\n")
        out.stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write the output: {error.strerror}") from error


def _write_text(result: Text, out: Terminal, output: str) -> None:
    if result.document is not None and output in ("json", "yaml"):
        _write(out, data_text(result.document, output, out))
    elif result.text:
        _write(out, result.text.rstrip("\n"))


def _write_listing(result: Listing, session: Session) -> None:
    out, output = session.out, session.output
    result = _arranged(result, session)
    if output in ("table", "wide") and not result.documents:
        if result.empty:
            session.say(result.empty)
    elif output in ("table", "wide"):
        _write(out, *listing_lines(result, session))
    elif output == "name":
        _write(out, *map(name_of, result.documents))
    else:
        _write(out, data_text(result.documents, output, out))


def _arranged(result: Listing, session: Session) -> Listing:
    """Return a listing filtered and sorted as the command line asks."""
    if session.arrangement == DEFAULT_ARRANGEMENT:
        return result
    from odbctl.commands.output.arrange import arranged

    return arranged(result, session.arrangement)


def listing_lines(result: Listing, session: Session) -> list[str]:
    """Return a listing as a table."""
    out, is_wide = session.out, session.output == "wide"
    return table(
        [c for c in COLUMNS[result.kind] if is_wide or not c.is_wide],
        result.documents,
        width=out.width,
        has_color=out.has_color,
        has_headers=session.arrangement.has_headers,
    )


def _write_single(result: Single, out: Terminal, output: str) -> None:
    if output in ("table", "wide"):
        _write(out, *_VIEWS[result.view](result.document, out, output == "wide"))
    elif output == "name":
        _write(out, name_of(result.document))
    else:
        _write(out, data_text(result.document, output, out))


def _write_done(result: Done, session: Session) -> None:
    out, output = session.out, session.output
    for note in result.notes:
        session.say(f"note: {visible_lines(note)}")
    if output in ("table", "wide"):
        colon = ":" if result.action == "unchanged" else ""
        _write(out, visible(f"{result.action}{colon} {result.message}".rstrip()))
    elif output == "name":
        _write(out, name_of(result.document))
    else:
        document = {**result.document, "action": result.action, "notes": list(result.notes)}
        _write(out, data_text(document, output, out))


def _write_many(result: Many, session: Session) -> int:
    """Print what became of each thing; return the exit code."""
    output = session.output
    errors = [error for _, error in result.failed]
    if output in ("table", "wide", "name"):
        for done in result.done:
            _write_done(_with_name(done), session)
        if not result.done and not errors:
            session.say(result.empty)
        if errors:
            _flush_and_report(errors, output)
    else:
        documents = [
            {**done.document, "action": done.action, "notes": list(done.notes)}
            for done in result.done
        ]
        from odbctl.commands.output.failures import error_document

        documents += [{**error_document(error), "name": name} for name, error in result.failed]
        _write(session.out, data_text(documents, output, session.out))
        if errors:
            names = ", ".join(name for name, _ in result.failed)
            text = f"{len(errors)} of {len(documents)} failed: {names}"
            _flush_and_report([PartlyDoneError(text)], output)
    if not errors:
        return 0
    return PartlyDoneError.exit_code if result.done else _common_code(errors)


def _with_name(done: Done) -> Done:
    """Return a result whose message names the thing, to tell several apart."""
    name = str(done.document.get("name", ""))
    if name in done.message:
        return done
    return done._replace(message=f"service {name}: {done.message}")


def _common_code(errors: Sequence[OdbctlError]) -> int:
    """Return the exit code that errors have in common; 1 when they differ."""
    codes = {error.exit_code for error in errors}
    return codes.pop() if len(codes) == 1 else OdbctlError.exit_code


def _flush_and_report(errors: Iterable[OdbctlError], output: str) -> None:
    from odbctl.commands.output.failures import tell

    for error in errors:
        tell(error, is_json=output == "json")


def _write_live(result: Live, session: Session) -> None:
    """Draw a listing whenever it changes on a terminal; elsewhere print changed documents."""
    out, output = session.out, session.output
    known: dict[str, Document] = {}
    for found in result.listings:
        listing = _arranged(found, session)
        if output in ("table", "wide") and out.is_live:
            lines = listing_lines(listing, session)
            _write(out, _HOME_AND_CLEAR + "\n".join(lines or [listing.empty]))
            continue
        for document in listing.documents:
            if known.get(name_of(document)) != document:
                _write(out, name_of(document) if output == "name" else _json(document))
        known = {name_of(document): document for document in listing.documents}


_HOME_AND_CLEAR = "\x1b[H\x1b[2J"


def _write_stream(result: Stream, session: Session) -> None:
    """Print documents as they come; each line is out before the next is waited for."""
    from odbctl.commands.output.stream_lines import record_line

    out, output = session.out, session.output
    is_empty = True
    for document in result.documents:
        if output == "json":
            line = _json(document)
        elif output == "yaml":
            line = "---\n" + _yaml(document).rstrip("\n")
        elif output == "name":
            line = name_of(document)
        else:
            line = record_line(result.kind, document, out)
        _write(out, line)
        is_empty = False
    if is_empty and result.empty and output in ("table", "wide"):
        session.say(result.empty)


def data_text(value: Document | Sequence[Document], output: str, out: Terminal) -> str:
    """Return documents as JSON or YAML, without anything that could steer a terminal."""
    if output == "yaml":
        return _yaml(value).rstrip("\n")
    if out.is_terminal:
        return _json(value, indent=2)
    if isinstance(value, Mapping):
        return _json(value)
    # One object a line: as quick as without line ends, and good to compare.
    return "[" + ",\n".join(map(_json, value)) + "]"


def _json(value: object, indent: int | None = None) -> str:
    import json

    return safe_json(json.dumps(value, ensure_ascii=False, indent=indent))


def _yaml(value: object) -> str:
    from odbctl.engine.api.yaml_documents import to_yaml

    return to_yaml(value)


def safe_json(text: str) -> str:
    r"""Return JSON with every character that is not printable as `\\uXXXX`."""
    if text.isprintable() or text.isascii():  # ASCII controls are escaped by `json` itself
        return text.replace("\x7f", "\\u007f")
    import json

    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _object(document: Document, out: Terminal, is_wide: bool) -> list[str]:
    """Show an object of the database: what it is, then its own fields."""
    del is_wide, out
    rows = [(name, str(document[name])) for name in ("type", "oid", "rev")]
    rows += [(name, _plain(value)) for name, value in as_document(document["fields"]).items()]
    width = max(len(name) for name, _ in rows) + 2
    return [f"{name + ':':<{width}}{visible(text)}" for name, text in rows]


def _plain(value: object) -> str:
    if found := as_document(value) or as_list(value):
        return _json(found)
    return "-" if value is None else str(value)


def _show(document: Document, out: Terminal, is_wide: bool) -> list[str]:
    rows = fields(document)
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name + ':':<{width}}{_tinted(name, text, out)}" for name, text in rows]
    return lines + _instances(document, out, is_wide)


def _tinted(name: str, text: str, out: Terminal) -> str:
    return paint(text) if out.has_color and name in ("state", "outcome") else text


def _instances(document: Document, out: Terminal, is_wide: bool) -> list[str]:
    documents = _documents(document.get("instances"))
    if not documents:
        return []
    columns = [
        c
        for c in COLUMNS["instance"]
        if (is_wide or not c.is_wide) and c.head not in _SERVICE_COLUMNS
    ]
    return ["", *table(columns, documents, width=out.width, has_color=out.has_color)]


def _documents(value: object) -> list[Document]:
    return [as_document(item) for item in as_list(value)]


def _status(document: Document, out: Terminal, is_wide: bool) -> list[str]:
    state = str(document["state"])
    commit = field_of(document, "codebase.commit") or ""
    head = (
        f"{document['name']} is {paint(state) if out.has_color else state} {ready_counts(document)}"
    )
    reason = visible(str(document.get("reason") or ""))
    lines = [f"{head}: {reason}" if reason else head]
    details = [
        f"{document['class']}",
        f"{field_of(document, 'codebase.name')} {field_of(document, 'codebase.ref')}",
        f"commit {str(commit)[:10]}, release {document.get('release') or '-'}",
        f"{document.get('restarts', 0)} restarts",
    ]
    lines.append("  " + visible(", ".join(details)))
    return lines + _instances(document, out, is_wide)


def _why(document: Document, out: Terminal, is_wide: bool) -> list[str]:
    del is_wide
    lines = [visible(str(line)) for line in as_list(document.get("lines"))]
    if events := _documents(document.get("events")):
        lines += ["", "events:"]
        shown = [c for c in COLUMNS["event"] if not c.is_wide]
        lines += _indented(table(shown, events, width=_less(out), has_color=out.has_color))
    if records := _documents(document.get("log")):
        from odbctl.commands.output.stream_lines import log_line

        lines += ["", "last log records:", *_indented([log_line(r, out) for r in records])]
    return lines


def _less(out: Terminal) -> int | None:
    return None if out.width is None else out.width - 2


def _indented(lines: Iterable[str]) -> list[str]:
    return ["  " + line for text in lines for line in text.split("\n")]


def _version(document: Document, out: Terminal, is_wide: bool) -> list[str]:
    del out, is_wide
    return [f"odbctl {document['odbctl']} (Python {document['python']})"]


_VIEWS = {
    "version": _version,
    "show": _show,
    "status": _status,
    "why": _why,
    "object": _object,
}
