"""Rotation: no line is lost, split or doubled, whoever is killed when."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from odbctl.engine.telemetry.follow import LogFollower
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits, index_of, instances_in
from odbctl.engine.telemetry.log_keeper import Known, LogKeeper
from odbctl.engine.telemetry.log_reader import read_lines, tail
from odbctl.engine.telemetry.log_span import PAGE_BYTES
from odbctl.engine.telemetry.log_window import settle_window
from odbctl.engine.telemetry.log_writer import LogWriter

KB = 1024
SMALL = LogLimits(segment_bytes=64 * KB, quota_bytes=2**30)
PAD = "." * 400
ALL = frozenset({"svc-1"})

# Prints numbers as fast as it can and acknowledges each on a pipe once `print` has returned.
PRINTS = """
import os, sys
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_span import PAGE_BYTES
from odbctl.engine.telemetry.log_writer import LogWriter

logs, acknowledged, pause_every = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
writer = LogWriter(LogFiles.of(logs, "svc", "svc-1"), LogLimits(65536, 1e9, 2**30))
writer.open()
writer.replace_streams()
number = 0
while True:
    number += 1
    print("line", number, "x" * (number % 50))
    os.pwrite(acknowledged, b"%12d" % number, 0)
"""


def files_of(logs: Path) -> LogFiles:
    return LogFiles.of(logs, "svc", "svc-1")


def a_writer(logs: Path, limits: LogLimits = SMALL) -> LogWriter:
    writer = LogWriter(files_of(logs), limits)
    writer.open()
    return writer


def say(writer: LogWriter, numbers: range) -> None:
    for number in numbers:
        writer.stdout.write(f"line {number}{PAD}\n")


def texts(logs: Path) -> list[str]:
    return [line.text for line in read_lines([files_of(logs)])]


def expected(numbers: range) -> list[str]:
    return [f"line {number}{PAD}" for number in numbers]


def test_a_log_is_rotated_by_size_and_read_as_one(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(1000))
    assert len(files_of(tmp_path).segments()) > 3
    assert max(os.path.getsize(path) for path in files_of(tmp_path).segments()) < 140 * KB
    assert texts(tmp_path) == expected(range(1000))
    assert [line.text for line in tail([files_of(tmp_path)], 700)] == expected(range(300, 1000))
    writer.close()
    assert texts(tmp_path) == expected(range(1000))


def test_a_log_is_rotated_by_age(tmp_path: Path) -> None:
    writer = a_writer(tmp_path, LogLimits(segment_seconds=0.0))
    say(writer, range(2))
    writer._sink._next_look = 0.0  # pyright: ignore[reportPrivateUsage] - a minute later
    say(writer, range(2, 4))
    assert len(files_of(tmp_path).segments()) >= 1
    assert texts(tmp_path) == expected(range(4))
    writer.close()


def test_a_record_of_several_lines_is_never_split(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    record = "\n".join(f"part {n}" for n in range(200))
    for _ in range(20):
        writer.write_line("ERROR", "log", record)
    assert texts(tmp_path) == [record] * 20
    writer.close()


def test_an_unfinished_line_stays_whole(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    for number in range(2000):
        writer.stdout.write(f"line {number}")
        writer.stdout.flush()
        writer.stdout.write(" done\n")
    writer.close()
    assert texts(tmp_path) == [f"line {number} done" for number in range(2000)]


def test_one_instance_keeps_to_the_quota_by_itself(tmp_path: Path) -> None:
    writer = a_writer(tmp_path, LogLimits(segment_bytes=64 * KB, quota_bytes=256 * KB))
    say(writer, range(5000))
    writer.close()
    assert sum(p.stat().st_size for p in (tmp_path / "svc").iterdir()) < 600 * KB
    found = texts(tmp_path)
    assert found == expected(range(5000 - len(found), 5000))


def test_a_follower_misses_nothing_while_logs_are_rotated(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(100))
    with LogFollower(tmp_path, "svc") as follower:
        seen = [line.text for line in follower.start(count=10)]
        for start in range(100, 3000, 290):
            say(writer, range(start, start + 290))
            if start % 3:
                seen += [line.text for line in follower.read()]
        writer.close()
        seen += [line.text for line in follower.read(final=True)]
    assert seen == expected(range(90, 3000))


def test_a_follower_reads_a_file_to_its_end_that_is_gone(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(10))
    with LogFollower(tmp_path, "svc") as follower:
        follower.start()
        say(writer, range(10, 600))
        for path in files_of(tmp_path).segments()[:1]:
            os.unlink(path)
        assert [line.text for line in follower.read()][:50] == expected(range(10, 60))
    writer.close()


def test_a_rotated_file_may_be_compressed_any_time(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(1000))
    long_ago = time.time() - 86_400
    for path in files_of(tmp_path).segments():
        os.utime(path, (long_ago, long_ago))
    keeper = LogKeeper(tmp_path, [tmp_path / "storage"])
    keeper.keep({"svc": Known(2**30, ALL, ALL)})
    assert all(path.endswith(".gz") for path in files_of(tmp_path).segments())
    assert texts(tmp_path) == expected(range(1000))
    assert [line.text for line in tail([files_of(tmp_path)], 995)] == expected(range(5, 1000))
    writer.close()


def test_an_interrupted_compression_doubles_nothing(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(1000))
    path = files_of(tmp_path).segments()[0]
    with open(path, "rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
        packed.write(plain.read())
    (tmp_path / "svc" / f"{os.path.basename(path)}.gz~").write_bytes(b"half")
    assert texts(tmp_path) == expected(range(1000))
    assert [files.instance for files in instances_in(tmp_path, "svc")] == ["svc-1"]
    writer.close()


def test_the_oldest_files_of_a_service_go_first_and_written_ones_never(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(1000))
    for age, path in enumerate(reversed(files_of(tmp_path).segments())):
        os.utime(path, (time.time() - age, time.time() - age))
    count = len(files_of(tmp_path).segments())
    keeper = LogKeeper(tmp_path, [tmp_path / "storage"])
    # All takes 440 KB and more; what is being written and one more file, 344 KB at most.
    keeper.keep({"svc": Known(350 * KB, ALL, ALL)})
    assert 0 < len(files_of(tmp_path).segments()) < count
    found = texts(tmp_path)
    assert found == expected(range(1000 - len(found), 1000))
    keeper.keep({"svc": Known(0, ALL, ALL)})
    assert os.path.exists(files_of(tmp_path).log)
    writer.close()


def test_the_times_of_a_raw_file_go_with_it(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    files.out.parent.mkdir()
    files.out.write_bytes(b"x" * 10_000)
    index_of(files.out).write_bytes(b"y" * 16)
    files.err.write_bytes(b"the end")
    os.utime(files.out, (1000, 1000))
    keeper = LogKeeper(tmp_path, [tmp_path / "storage"])
    keeper.keep({"svc": Known(9000, ALL, ALL)})
    assert files.out.exists()  # it is being written
    keeper.keep({"svc": Known(9000, frozenset(), ALL)})
    assert list(files.out.parent.iterdir()) == [files.err]


def test_the_host_has_a_quota(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(1000))
    LogKeeper(tmp_path, [tmp_path / "storage"], host_quota_bytes=200 * KB).keep({})
    assert sum(p.stat().st_size for p in (tmp_path / "svc").iterdir()) <= 200 * KB
    writer.close()


def test_files_of_forgotten_instances_go_with_their_storage(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    say(writer, range(10))
    writer.close()
    storage = tmp_path / "storage"
    (storage / "svc" / "svc-1").mkdir(parents=True)
    nobody = frozenset[str]()
    keeper = LogKeeper(tmp_path, [storage])
    keeper.keep({"svc": Known(2**30, nobody, nobody)})
    assert files_of(tmp_path).log.exists()  # too fresh
    long_ago = time.time() - 86_400
    os.utime(files_of(tmp_path).log, (long_ago, long_ago))
    keeper.keep({"svc": Known(2**30, nobody, nobody)})
    assert not files_of(tmp_path).log.exists()
    assert not (storage / "svc" / "svc-1").exists()


@pytest.mark.parametrize("seed", range(12))
def test_a_kill_in_the_middle_of_rotations_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    acknowledged = os.open(tmp_path / "acknowledged", os.O_RDWR | os.O_CREAT)
    command = [sys.executable, "-c", PRINTS, str(tmp_path), str(acknowledged), "0"]
    with subprocess.Popen(command, pass_fds=(acknowledged,)) as process:
        while not os.pread(acknowledged, 12, 0):
            assert process.poll() is None
        time.sleep(chance.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
    last = int(os.pread(acknowledged, 12, 0))
    os.close(acknowledged)
    files = files_of(tmp_path)
    before = [int(line.text.split()[1]) for line in read_lines([files])]
    settle_window(files)
    after = [int(line.text.split()[1]) for line in read_lines([files])]
    assert before == after
    assert after == list(range(1, len(after) + 1))
    assert len(after) in (last, last + 1)


def test_readers_see_one_state_while_logs_are_rotated(tmp_path: Path) -> None:
    acknowledged = os.open(tmp_path / "acknowledged", os.O_RDWR | os.O_CREAT)
    command = [sys.executable, "-c", PRINTS, str(tmp_path), str(acknowledged), "0"]
    with subprocess.Popen(command, pass_fds=(acknowledged,)) as process:
        try:
            while not os.pread(acknowledged, 12, 0):
                assert process.poll() is None
            for _ in range(40):
                least = int(os.pread(acknowledged, 12, 0))
                if least > 60_000:
                    break
                found = [int(line.text.split()[1]) for line in read_lines([files_of(tmp_path)])]
                assert found == list(range(1, len(found) + 1))
                assert len(found) >= least
        finally:
            process.kill()
    os.close(acknowledged)


def test_a_write_that_goes_on_is_seen_whole(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    files.log.parent.mkdir(parents=True)
    line = f"2026-11-26T02:00:00.000Z INFO stdout {'x' * PAGE_BYTES}\n"
    files.log.write_text(line[:PAGE_BYTES])
    rest = threading.Timer(0.01, lambda: append(files.log, line[PAGE_BYTES:]))
    rest.start()
    (found,) = read_lines([files])
    rest.join()
    assert found.text == "x" * PAGE_BYTES


def test_a_write_that_nobody_ends_is_shown_as_far_as_it_came(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    files.log.parent.mkdir(parents=True)
    line = f"2026-11-26T02:00:00.000Z INFO stdout {'x' * PAGE_BYTES}\n"
    files.log.write_text(line[:PAGE_BYTES])
    (found,) = read_lines([files])
    assert set(found.text) == {"x"}


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
