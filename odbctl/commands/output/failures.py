"""How errors are told: foreseen ones in two lines, others with a crash report.

Runs in the command line's process, last.
"""

from __future__ import annotations

import os
import sys
import time

from odbctl.commands.output.text import visible, visible_lines
from odbctl.errors import OdbctlError, StartFailedError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from odbctl.paths import Home

INTERRUPTED = 130


class InterruptedWaitError(OdbctlError):
    """Ctrl-C ended the waiting; the message says what goes on."""

    code = "interrupted"
    exit_code = INTERRUPTED


def tell(error: OdbctlError, *, is_json: bool) -> int:
    """Print a foreseen error to standard error; return its exit code."""
    if is_json:
        _tell_json(error)
        return error.exit_code
    lines = [f"error: {visible_lines(error.message)}"]
    for record in _log_lines(error):
        lines += [
            f"  | {record['instance']} {visible(text)}" for text in record["text"].split("\n")
        ]
    if error.hint:
        lines.append(f"hint: {visible_lines(error.hint)}")
    print("\n".join(lines), file=sys.stderr)
    return error.exit_code


def _log_lines(error: OdbctlError) -> tuple[Mapping[str, Any], ...]:
    return error.log_lines if isinstance(error, StartFailedError) else ()


def error_document(error: OdbctlError) -> dict[str, object]:
    """Return an error as `-o json` prints it."""
    document: dict[str, object] = {
        "kind": "error",
        "version": 1,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    if log := _log_lines(error):
        document["log"] = list(log)
    return document


def _tell_json(error: OdbctlError) -> None:
    import json

    print(json.dumps(error_document(error)), file=sys.stderr)


def tell_unforeseen(error: BaseException, home: Home | None, *, is_json: bool) -> int:
    """Write a crash report and say where it is; return the exit code."""
    from odbctl.masking import mask_words, without

    kind = type(error).__name__
    message = f"unexpected {kind}: {error}" if str(error) else f"unexpected {kind}"
    message = without(message, mask_words(sys.argv[1:])[1])
    place = write_report(error, home)
    hint = f"this is a bug in odbctl; the crash report is {place}" if place else None
    return tell(OdbctlError(message, hint=hint), is_json=is_json)


def write_report(error: BaseException, home: Home | None) -> str | None:
    """Write the report; without a home that can be written to, among temporary files."""
    import tempfile

    text = _report(error)
    folders = [] if home is None else [str(home.crashes)]
    for folder in [*folders, tempfile.gettempdir()]:
        path = os.path.join(
            folder, f"odbctl-crash-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
        )
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path
    return None


def _report(error: BaseException) -> str:
    import platform
    import traceback

    from odbctl import __version__
    from odbctl.masking import mask_words, without

    masked, secrets = mask_words(sys.argv[1:])
    words = " ".join(visible(word) for word in masked)
    head = [
        f"odbctl {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: odbctl {words}",
        "",
    ]
    lines = [without(line, secrets) for line in traceback.format_exception(error)]
    return "\n".join([*head, *lines])
