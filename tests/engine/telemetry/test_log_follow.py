"""Following: new lines as they come, across instances; the times of raw lines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from odbctl.engine.telemetry.follow import PARTIAL_SECONDS, LogFollower
from odbctl.engine.telemetry.inotify import Inotify
from odbctl.engine.telemetry.log_files import LogFiles, index_of
from odbctl.engine.telemetry.log_reader import LogLine, read_lines
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.engine.telemetry.raw_time_index import RawTimeIndex

DEADLINE_SECONDS = 20.0


def a_writer(logs: Path, instance: str = "web-1") -> LogWriter:
    writer = LogWriter(LogFiles.of(logs, "web", instance))
    writer.open()
    return writer


def gather(follower: LogFollower, count: int) -> list[LogLine]:
    """Follow until so many lines have come."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    lines = follower.read()
    while len(lines) < count and time.monotonic() < deadline:
        follower.wait(1.0)
        lines += follower.read()
    return lines


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not is_so():
        assert time.monotonic() < deadline
        pause.wait(0.01)


@pytest.fixture(params=["inotify", "polling"])
def follower(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LogFollower]:
    if request.param == "polling":
        monkeypatch.setattr(Inotify, "open", staticmethod(lambda: None))
    with LogFollower(tmp_path, "web") as follower:
        yield follower


def test_following_begins_with_the_last_lines(follower: LogFollower, tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    for number in range(10):
        print(number, file=writer.stdout)
    assert [line.text for line in follower.start(count=3)] == ["7", "8", "9"]
    assert follower.read() == []
    print("new", file=writer.stdout)
    assert [line.text for line in gather(follower, 1)] == ["new"]
    writer.close()


def test_following_since_a_time(follower: LogFollower, tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    print("here", file=writer.stdout)
    assert [line.text for line in follower.start(since=0.0)] == ["here"]
    assert follower.read() == []
    writer.close()


def test_following_goes_on_in_the_replacement(follower: LogFollower, tmp_path: Path) -> None:
    assert follower.start(count=10) == []
    first = a_writer(tmp_path, "web-1")
    print("first", file=first.stdout)
    assert [line.text for line in gather(follower, 1)] == ["first"]
    first.close()
    second = a_writer(tmp_path, "web-2")
    print("second", file=second.stdout)
    (line,) = gather(follower, 1)
    assert (line.instance, line.text) == ("web-2", "second")
    second.close()


def test_a_flood_is_followed_whole_and_in_order(follower: LogFollower, tmp_path: Path) -> None:
    follower.start()
    script = (
        "import sys; from pathlib import Path;"
        "from odbctl.engine.telemetry.log_files import LogFiles;"
        "from odbctl.engine.telemetry.log_writer import LogWriter;"
        "w = LogWriter(LogFiles.of(Path(sys.argv[1]), 'web', 'web-1')); w.open();"
        "[print(i, 'x' * 60, file=w.stdout) for i in range(50_000)];"
        "import os; os._exit(0)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) as process:
        found = [int(line.text.split()[0]) for line in gather(follower, 50_000)]
        process.wait()
    assert found == list(range(50_000))


def test_only_the_chosen_instances(tmp_path: Path) -> None:
    one, two = a_writer(tmp_path, "web-1"), a_writer(tmp_path, "web-2")
    print("one", file=one.stdout)
    print("two", file=two.stdout)
    with LogFollower(tmp_path, "web", instances=["web-2"]) as follower:
        assert [line.text for line in follower.start(count=5)] == ["two"]
    one.close()
    two.close()


def test_an_unfinished_line_is_shown_after_a_while_and_then_goes_on(tmp_path: Path) -> None:
    now = 0.0
    writer = a_writer(tmp_path)
    with LogFollower(tmp_path, "web", clock=lambda: now) as follower:
        follower.start()
        print("password", end="", flush=True, file=writer.stdout)
        assert follower.read() == []
        now = PARTIAL_SECONDS
        assert [line.text for line in follower.read()] == ["password"]
        assert follower.read() == []
        print(" was right", file=writer.stdout)
        print("next", file=writer.stdout)
        assert [(line.text, line.stream) for line in follower.read()] == [
            (" was right", "stdout"),
            ("next", "stdout"),
        ]
    writer.close()


def test_the_end_of_a_line_shown_unfinished_is_no_line(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    with LogFollower(tmp_path, "web") as follower:
        follower.start()
        print("half", end="", flush=True, file=writer.stdout)
        assert [line.text for line in follower.read(final=True)] == ["half"]
        print(file=writer.stdout)
        assert follower.read() == []
    writer.close()


def test_files_may_be_cut_or_go_while_followed(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    files = writer.files
    with LogFollower(tmp_path, "web") as follower:
        print("long line before the cut", file=writer.stdout)
        follower.start()
        os.truncate(files.log, 0)
        print("x", file=writer.stdout)
        assert [line.text for line in follower.read()] == ["x"]
        files.remove()
        assert follower.read() == []
    writer.close()


def test_wait_ends_at_its_time_when_nothing_comes(tmp_path: Path) -> None:
    with LogFollower(tmp_path, "web") as follower:
        follower.start()
        assert follower.wait(0.01) is False


@pytest.fixture
def index(tmp_path: Path) -> Iterator[RawTimeIndex]:
    index = RawTimeIndex(tmp_path)
    index.open()
    yield index
    index.close()


@pytest.fixture
def served(index: RawTimeIndex) -> Iterator[RawTimeIndex]:
    """An index that a thread runs."""
    read, write = os.pipe()
    thread = threading.Thread(target=index.serve, args=(read, lambda: False))
    thread.start()
    yield index
    os.close(write)
    thread.join()
    os.close(read)


def test_raw_lines_get_the_time_at_which_they_came(served: RawTimeIndex, tmp_path: Path) -> None:
    files = LogFiles.of(tmp_path, "web", "web-1")
    files.out.parent.mkdir()
    with files.out.open("ab", buffering=0) as out:
        out.write(b"early\n")
        until(lambda: index_of(files.out).exists() and index_of(files.out).stat().st_size >= 16)
        between = time.time()
        until(lambda: time.time() > between + 0.001)
        out.write(b"late\n")
        until(lambda: index_of(files.out).stat().st_size >= 32)
    os.utime(files.out, (0, 0))
    early, late = read_lines([files])
    assert early.text == "early"
    assert early.at < between < late.at
    assert served.last_error == ""


def test_what_was_written_while_nobody_watched_has_the_files_time(tmp_path: Path) -> None:
    files = LogFiles.of(tmp_path, "web", "web-1")
    files.err.parent.mkdir()
    files.err.write_bytes(b"before\n")
    os.utime(files.err, (1000, 1000))
    for _ in range(2):  # a second manager marks nothing twice
        index = RawTimeIndex(tmp_path)
        index.open()
        index.on_readable()
        index.close()
    assert index_of(files.err).stat().st_size == 16
    (line,) = read_lines([files])
    assert (line.at, line.level, line.stream) == (1000.0, "", "stderr")


def test_times_without_the_kernels_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inotify, "open", staticmethod(lambda: None))
    now = 5.0
    index = RawTimeIndex(tmp_path, clock=lambda: now)
    index.open()
    files = LogFiles.of(tmp_path, "web", "web-1")
    files.out.parent.mkdir()
    files.out.write_bytes(b"")
    index.on_readable()
    files.out.write_bytes(b"seen\n")
    index.on_readable()
    assert index.fileno() == -1
    assert [line.at for line in read_lines([files])] == [5.0]
    index.close()


def test_files_that_go_are_forgotten(index: RawTimeIndex, tmp_path: Path) -> None:
    for number in range(3):
        files = LogFiles.of(tmp_path, "web", f"web-{number}")
        files.out.parent.mkdir(exist_ok=True)
        files.out.write_bytes(b"x\n")
        index.on_readable()
        files.remove()
        index.on_readable()
    assert index.last_error == ""
    assert list((tmp_path / "web").iterdir()) == []
