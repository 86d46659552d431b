"""What a worker says reaches its files, whatever ends the worker."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_reader import LogLine, read_lines
from odbctl.engine.telemetry.log_window import settle_window
from odbctl.engine.telemetry.log_writer import LogWriter

PREAMBLE = """
import logging, os, signal, subprocess, sys, threading
from pathlib import Path
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_writer import LogWriter
writer = LogWriter(LogFiles.of(Path(sys.argv[1]), "web", "web-1"))
writer.open()
writer.attach_descriptors()
writer.replace_streams()
"""
DIE = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles.of(tmp_path, "web", "web-1")


def run_worker(logs: Path, body: str) -> int:
    script = PREAMBLE + textwrap.dedent(body)
    command = [sys.executable, "-c", script, str(logs)]
    return subprocess.run(command, check=False, timeout=60).returncode


def lines_of(files: LogFiles) -> list[LogLine]:
    return list(read_lines([files]))


def texts(files: LogFiles, stream: str) -> list[str]:
    return [line.text for line in lines_of(files) if line.stream == stream]


def test_print_right_before_sigkill_is_kept(files: LogFiles, tmp_path: Path) -> None:
    code = run_worker(tmp_path, f"print('last words')\n{DIE}")
    assert code == -signal.SIGKILL
    assert texts(files, "stdout") == ["last words"]


@pytest.mark.parametrize("count", [1, 400, 2000, 30_000])
def test_flood_right_before_sigkill_is_kept_whole(
    files: LogFiles, tmp_path: Path, count: int
) -> None:
    run_worker(tmp_path, f"for i in range({count}): print(i, 'x' * 90)\n{DIE}")
    found = texts(files, "stdout")
    assert [int(text.split()[0]) for text in found] == list(range(count))


def test_settling_the_window_keeps_every_line_once(files: LogFiles, tmp_path: Path) -> None:
    run_worker(tmp_path, f"for i in range(20_000): print(i, 'x' * 90)\n{DIE}")
    before = lines_of(files)
    settle_window(files)
    settle_window(files)
    assert not files.tail.exists()
    assert lines_of(files) == before
    assert len(before) == files.log.read_bytes().count(b"\n") == 20_000


def test_lines_have_stream_level_and_time(files: LogFiles, tmp_path: Path) -> None:
    run_worker(tmp_path, "print('out'); print('err', file=sys.stderr); writer.close()")
    out, err = lines_of(files)
    assert (out.stream, out.level, out.text) == ("stdout", "INFO", "out")
    assert (err.stream, err.level, err.text) == ("stderr", "", "err")
    assert abs(out.at - files.log.stat().st_mtime) < 60
    assert (out.service, out.instance) == ("web", "web-1")


def test_raw_descriptors_and_children_write_beside(files: LogFiles, tmp_path: Path) -> None:
    run_worker(
        tmp_path,
        f"""
        os.write(1, b"raw out\\n")
        os.write(2, b"raw err")
        subprocess.run(["sh", "-c", "echo child; echo wrong >&2"])
        subprocess.run(["echo", "given"], stdout=sys.stdout)
        {DIE}
        """,
    )
    assert texts(files, "stdout") == ["raw out", "child", "given"]
    assert texts(files, "stderr") == ["raw errwrong"]


def test_eight_threads_never_tear_lines(files: LogFiles, tmp_path: Path) -> None:
    run_worker(
        tmp_path,
        """
        sys.setswitchinterval(1e-5)
        class Slow:
            def __init__(self, text): self.text = text
            def __str__(self): return "".join(c for c in self.text)
        def talk(name):
            for number in range(1500):
                size = 20_000 if number % 100 == 0 else 50
                print(name, Slow(str(number)), name * size)
        threads = [threading.Thread(target=talk, args=(n,)) for n in "abcdefgh"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        writer.close()
        """,
    )
    seen = dict.fromkeys("abcdefgh", 0)
    for text in texts(files, "stdout"):
        name, number, body = text.split(" ")
        assert int(number) == seen[name]
        assert set(body) == {name}
        seen[name] += 1
    assert set(seen.values()) == {1500}


def test_forked_children_do_not_disturb_the_parents_file(files: LogFiles, tmp_path: Path) -> None:
    run_worker(
        tmp_path,
        """
        for i in range(5000): print("parent", i)
        print("begun by the parent", end="")
        child = os.fork()
        if child == 0:
            for i in range(1000): print("child", i)
            writer.close()
            os._exit(0)
        for i in range(5000, 10_000): print("\\nparent" if i == 5000 else "parent", i)
        os.waitpid(child, 0)
        writer.close()
        """,
    )
    structured = [text for text in files.log.read_text().splitlines() if "parent" in text]
    assert len(structured) == 10_001
    assert files.out.read_text().splitlines() == [f"child {i}" for i in range(1000)]


def test_logging_keeps_its_traceback_in_one_record(files: LogFiles, tmp_path: Path) -> None:
    run_worker(
        tmp_path,
        """
        from odbctl.engine.telemetry.log_handler import LogHandler
        logging.basicConfig(level=logging.DEBUG, handlers=[LogHandler(writer)])
        logging.debug("plain")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.getLogger("shop.till").exception("no change")
        writer.close()
        """,
    )
    plain, failed = lines_of(files)
    assert (plain.level, plain.stream, plain.text) == ("DEBUG", "log", "plain")
    assert failed.level == "ERROR"
    assert failed.text.startswith("shop.till: no change\nTraceback")
    assert failed.text.endswith("ZeroDivisionError: division by zero")


def test_unfinished_lines_survive_flush_and_close(files: LogFiles, tmp_path: Path) -> None:
    run_worker(
        tmp_path,
        f"""
        print("one ", end="", flush=True)
        print("two")
        print("three ", end="", flush=True)
        print("of another stream", file=sys.stderr)
        print("four")
        print("five", end="", flush=True)
        {DIE}
        """,
    )
    assert texts(files, "stdout") == ["one two", "three ", "four", "five"]
    assert texts(files, "stderr") == ["of another stream"]


def test_what_is_unfinished_at_the_end_is_written(files: LogFiles) -> None:
    writer = LogWriter(files)
    writer.open()
    print("no end", end="", file=writer.stdout)
    writer.close()
    assert files.log.read_text().endswith("INFO stdout no end\n") is True
    assert texts(files, "stdout") == ["no end"]


def test_a_flushed_line_that_another_interrupted_leaves_no_empty_line(files: LogFiles) -> None:
    writer = LogWriter(files)
    writer.open()
    print("begun", end="", flush=True, file=writer.stdout)
    writer.write_line("INFO", "log", "between")
    print(file=writer.stdout)
    print(file=writer.stdout)
    writer.close()
    assert texts(files, "stdout") == ["begun", ""]


def test_late_words_after_close_are_kept(files: LogFiles) -> None:
    writer = LogWriter(files)
    writer.open()
    writer.close()
    print("late", file=writer.stdout)
    assert texts(files, "stdout") == ["late"]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("grüße 漢字 🙂", "grüße 漢字 🙂"),
        ("lone \udc80 surrogate", "lone \\udc80 surrogate"),
        ("nul \0 inside", "nul \\x00 inside"),
        ("10%\r20%\rdone", "10%\r20%\rdone"),
        ("two\nlines", "two\nlines"),
        ("\ttab first", "\ttab first"),
        ("", ""),
        ("y" * 1_000_000, "y" * 1_000_000),
    ],
)
def test_any_text_is_readable_again(files: LogFiles, said: str, read: str) -> None:
    writer = LogWriter(files)
    writer.open()
    print(said, file=writer.stdout)
    writer.stdout.buffer.write(said.encode("utf-8", "surrogateescape") + b"\n")
    writer.close()
    said_as_text, said_as_bytes = (
        "\n".join(texts(files, "stdout")[: read.count("\n") + 1]),
        "\n".join(texts(files, "stdout")[read.count("\n") + 1 :]),
    )
    assert said_as_text == read
    assert said_as_bytes == read.replace("\\udc80", "\\x80")


def test_a_signal_handler_may_print_in_the_middle_of_a_flood(
    files: LogFiles, tmp_path: Path
) -> None:
    run_worker(
        tmp_path,
        """
        heard = 0
        def hear(*_):
            global heard
            number = heard
            heard += 1
            print(f"signal {number};")
        signal.signal(signal.SIGALRM, hear)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for i in range(60_000): print(f"line {i};")
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("heard", heard)
        writer.close()
        """,
    )
    # A handler that prints between the text and the end of a line shares that line.
    found = "\n".join(texts(files, "stdout"))
    assert [int(n) for n in re.findall(r"line (\d+);", found)] == list(range(60_000))
    heard = int(found.rpartition("heard ")[2])
    # Nor do handlers that interrupt handlers keep their order.
    assert sorted(int(n) for n in re.findall(r"signal (\d+);", found)) == list(range(heard))


def test_a_full_disk_stops_nothing_and_is_counted(files: LogFiles, tmp_path: Path) -> None:
    code = run_worker(
        tmp_path,
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        for i in range(1000): print("number", i, "x" * 50)
        assert 0 < writer.dropped_count < 1000
        lost = writer.dropped_count
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        print("room again", lost)
        writer.close()
        """,
    )
    assert code == 0
    found = lines_of(files)
    lost = int(found[-1].text.split()[-1])
    assert found[-2].text.rstrip() == f"{lost} lines lost: no room to write"
    whole = [line for line in found if line.text.endswith("x" * 50)]
    assert len(whole) == 1000 - lost


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "writer.close()"])
@pytest.mark.parametrize("pause", ["pass", "time.sleep(0.0002)"], ids=["flood", "pace"])
@pytest.mark.parametrize("length", [1, 50, 300])
def test_a_worker_that_ends_on_a_full_disk_has_counted_what_it_lost(
    files: LogFiles, tmp_path: Path, length: int, pause: str, end: str
) -> None:
    run_worker(
        tmp_path,
        f"""
        import resource, time
        for i in range(100): print("number", i, "x" * {length})
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        for i in range(100, 3000):
            print("number", i, "x" * {length})
            {pause}
        {end}
        """,
    )
    settle_window(files)
    found = [line.text.rstrip() for line in lines_of(files)]
    reports = [text for text in found if text.endswith("lines lost: no room to write")]
    numbers = [int(text.split()[1]) for text in found if text.startswith("number")]
    assert sorted(set(numbers)) == numbers
    assert len(numbers) + sum(int(text.split()[0]) for text in reports) == 3000
    assert all(text.endswith(" " + "x" * length) for text in found if text not in reports)


def test_losses_soon_after_each_other_are_all_counted(files: LogFiles, tmp_path: Path) -> None:
    run_worker(
        tmp_path,
        """
        import resource
        for i in range(100): print("number", i)
        for i in range(100, 3000):
            size = os.path.getsize(writer.files.log) + (i % 3 == 0) * 60  # for one in three
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            print("number", i)
        os.kill(os.getpid(), 9)
        """,
    )
    found = [line.text.rstrip() for line in lines_of(files)]
    numbers = [int(text.split()[1]) for text in found if text.startswith("number")]
    lost = [int(text.split()[0]) for text in found if text.endswith("lines lost: no room to write")]
    assert sorted(set(numbers)) == numbers
    assert len(numbers) + sum(lost) == 3000


def test_a_log_cut_by_hand_in_a_flood_harms_nobody(files: LogFiles, tmp_path: Path) -> None:
    code = run_worker(
        tmp_path,
        """
        for i in range(20_000):
            print("number", i)
            if i == 10_000: os.truncate(writer.files.log, 0)
        writer.close()
        """,
    )
    assert code == 0
    assert texts(files, "stdout")[-1] == "number 19999"


def test_opening_is_for_the_owner_only(files: LogFiles, tmp_path: Path) -> None:
    run_worker(tmp_path, "writer.close()")
    for path in (files.log, files.out, files.err):
        assert path.stat().st_mode & 0o777 == 0o600
    files.remove_empty()
    assert not files.out.exists()
    assert files.log.exists()


def test_threads_of_one_process_write_where_they_are_bound(tmp_path: Path) -> None:
    from odbctl.engine.telemetry.thread_streams import ThreadStreams

    streams = ThreadStreams()
    real = sys.stdout
    writers = [LogWriter(LogFiles.of(tmp_path, "web", f"web-{n}")) for n in range(3)]

    def serve(writer: LogWriter) -> None:
        writer.open()
        with streams.bind(writer):
            print("I am", writer.files.instance)
            print("unfinished", end="")
        writer.close()

    streams.install()
    try:
        threads = [threading.Thread(target=serve, args=(writer,)) for writer in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        streams.uninstall()
    assert sys.stdout is real
    for writer in writers:
        assert texts(writer.files, "stdout") == [f"I am {writer.files.instance}", "unfinished"]


def test_no_window_where_none_can_be(files: LogFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    writer = LogWriter(files)
    writer.open()
    for number in range(5000):
        print(number, "x" * 100, file=writer.stdout)
    assert not files.tail.exists()
    assert len(texts(files, "stdout")) == 5000
    writer.close()
