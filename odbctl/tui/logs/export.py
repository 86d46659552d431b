"""Logs as text for other programs: saved to a file, or handed to a pager.

Runs in a thread of its own, with logs that it opened itself. What is written cannot steer
a terminal, for a pager may show it as it is.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from odbctl.engine.api.log_pages import LineFilter, PageLine, SearchStoppedError
from odbctl.tui.logs.ansi import plain
from odbctl.tui.logs.source import LogOpener, LogSource
from odbctl.tui.logs.words import stamp
from odbctl.tui.reader import failure_text

DEFAULT_PAGER = "less"
_LINES_PER_LOOK = 1000


def text_of(source: LogSource, line: PageLine) -> str:
    """Return a line as it is saved: time, instance, level, text."""
    lane = source.lanes[source.lane_of(line)]
    if line.goes_on:
        return f"\t{plain(source.whole_text(line))}"
    return f"{stamp(line.at)} {lane} {line.level or line.stream} {plain(source.whole_text(line))}"


def write_lines(
    opener: LogOpener, stream: TextIO, only: LineFilter, should_stop: Callable[[], bool]
) -> int:
    """Write the lines that a filter keeps, oldest first; return how many.

    Raises:
        SearchStoppedError: `should_stop` said so.
        OSError: They cannot be read, or written.
    """
    count = 0
    with opener() as source:
        for line in source.lines(source.start, only, should_stop):
            stream.write(text_of(source, line) + "\n")
            count += 1
            if count % _LINES_PER_LOOK == 0 and should_stop():
                raise SearchStoppedError
    return count


def save(
    opener: LogOpener,
    path: Path,
    only: LineFilter,
    *,
    is_overwriting: bool,
    should_stop: Callable[[], bool],
) -> int:
    """Save lines to a file; return how many. A file that was there stays, unless asked.

    Raises:
        FileExistsError: There is such a file.
        OSError: It cannot be written.
        SearchStoppedError: `should_stop` said so; what was written so far stays.
    """
    with path.open("w" if is_overwriting else "x", encoding="utf-8") as stream:
        return write_lines(opener, stream, only, should_stop)


def show_in_pager(opener: LogOpener, only: LineFilter, environ: Mapping[str, str]) -> str:
    """Hand lines to `$PAGER` while the terminal is its own; return what went wrong.

    It is shown at once, and reads on while the person looks.
    """
    words = shlex.split(environ.get("PAGER", "")) or [DEFAULT_PAGER]
    # Files that are opened by `less` alone could be made to run programs otherwise.
    try:
        pager = subprocess.Popen(
            words, stdin=subprocess.PIPE, env={**environ, "LESSSECURE": "1"}, text=True
        )
    except OSError as error:
        return f"{words[0]}: {error.strerror}"
    has_ended = threading.Event()
    failures: list[str] = []
    feeder = threading.Thread(
        target=_feed, args=(opener, pager, only, has_ended, failures), daemon=True
    )
    feeder.start()
    pager.wait()
    has_ended.set()
    feeder.join()
    return failures[0] if failures else ""


def _feed(
    opener: LogOpener,
    pager: subprocess.Popen[str],
    only: LineFilter,
    has_ended: threading.Event,
    failures: list[str],
) -> None:
    assert pager.stdin is not None
    try:
        with open(os.dup(pager.stdin.fileno()), "w", encoding="utf-8") as stream:
            write_lines(opener, stream, only, has_ended.is_set)
    except (BrokenPipeError, SearchStoppedError):
        pass  # the person has seen enough
    except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
        failures.append(str(error))
    finally:
        pager.stdin.close()


def saved_text(
    opener: LogOpener,
    path: Path,
    only: LineFilter,
    *,
    is_overwriting: bool,
    should_stop: Callable[[], bool],
) -> str:
    """Save as `save` does, and say how it went; nothing when it was stopped."""
    try:
        count = save(opener, path, only, is_overwriting=is_overwriting, should_stop=should_stop)
    except SearchStoppedError:
        return ""
    except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
        return f"not saved: {failure_text(error)}"
    return f"saved {count:,} {'line' if count == 1 else 'lines'}: {path}"


def default_name(at: float) -> str:
    """Return the name of a file for logs that are saved at a time."""
    return f"logs-{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}.txt"
