"""Figures of instances: what they use, kept down-sampled for a week in bounded space.

Sampled by the manager when it is awake anyway. They are not objects of the database,
where each write wakes everybody, but files of their own: one ring per instance and
grain, and one board per host with the newest figures of all, which `ps` reads at once.
Read by any process without locks; a torn record is told by its checksum.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise

from odbctl.light_typing import NamedTuple

# (seconds between records, number of records): an hour, a day, a week.
GRAINS = ((10.0, 360), (60.0, 1440), (600.0, 1008))
_RECORD = struct.Struct("<ddIHHI")  # at, CPU seconds, RSS in KiB, files, threads, checksum
_RECORD_BYTES = 32
_ON_BOARD = struct.Struct("<qddfIHHI")
# A sample that is older than this says nothing of now.
FRESH_SECONDS = 35.0
_MOST = 0xFFFF


class Sample(NamedTuple):
    """What one process uses at one time; CPU is summed up since its start."""

    at: float
    cpu_seconds: float
    rss_bytes: int
    open_files: int
    threads: int


class Latest(NamedTuple):
    """The newest figures of one instance; CPU in percent of one core, None if not known."""

    sample: Sample
    cpu_percent: float | None


class Point(NamedTuple):
    """What an instance used at a time; CPU in percent of one core since the point before."""

    at: float
    cpu_percent: float
    rss_bytes: int
    open_files: int
    threads: int


def read_sample(pid: int, at: float, *, start_ticks: int) -> Sample | None:
    """Read what a process uses; None if it is gone, or another one.

    Source: proc(5), /proc/pid/stat, fields 14, 15, 20, 22 and 24. The size of
    /proc/pid/fd is the number of open files from Linux 6.2 on.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            stat = file.read(1024)
        files = os.stat(f"/proc/{pid}/fd").st_size
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    if int(fields[19]) != start_ticks:
        return None
    if not files:
        try:
            files = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            files = 0
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Sample(at, cpu, int(fields[21]) * _PAGE_BYTES, files, int(fields[17]))


_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def append_sample(path: str, sample: Sample) -> None:
    """Write a sample into the rings of an instance."""
    from zlib import crc32  # `ps` reads no ring

    kib = min(sample.rss_bytes // 1024, 0xFFFFFFFF)
    few = (min(sample.open_files, _MOST), min(sample.threads, _MOST))
    body = _RECORD.pack(sample.at, sample.cpu_seconds, kib, *few, 0)[:-4]
    record = (body + struct.pack("<I", crc32(body))).ljust(_RECORD_BYTES, b"\0")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        base = 0
        for seconds, count in GRAINS:
            place = base + int(sample.at // seconds) % count
            os.pwrite(descriptor, record, place * _RECORD_BYTES)
            base += count
    finally:
        os.close(descriptor)


def read_points(path: str, *, since: float) -> list[Point]:
    """Return what an instance used since a time, oldest first, as finely as it is known."""
    samples = sorted(_samples(path, since))
    points: list[Point] = []
    for before, now in pairwise(samples):
        took = now.at - before.at
        percent = 100.0 * max(0.0, now.cpu_seconds - before.cpu_seconds) / took if took else 0.0
        points.append(Point(now.at, percent, now.rss_bytes, now.open_files, now.threads))
    return points


def recent_cpu(path: str, *, now: float, count: int) -> list[tuple[int, float]]:
    """Return the newest CPU figures of an instance, from the finest ring only.

    Cheap enough for hundreds of instances at once: only the newest records are read.

    Returns:
        The number of each step since the epoch and its percent of one core, oldest first.
    """
    seconds, size = GRAINS[0]
    newest = int(now // seconds)
    steps = range(newest - min(count, size - 1), newest + 1)
    samples: list[Sample] = []
    try:
        with open(path, "rb", buffering=0) as file:
            for low, high in _ring_spans(steps.start % size, len(steps), size):
                data = os.pread(file.fileno(), (high - low) * _RECORD_BYTES, low * _RECORD_BYTES)
                samples += _records(data)
    except OSError:
        return []
    fresh = sorted(s for s in samples if steps.start <= s.at // seconds <= newest)
    return [
        (int(b.at // seconds), 100.0 * max(0.0, b.cpu_seconds - a.cpu_seconds) / (b.at - a.at))
        for a, b in pairwise(fresh)
        if b.at > a.at
    ]


def _ring_spans(first: int, count: int, size: int) -> list[tuple[int, int]]:
    """Return where consecutive places of a ring stand: in one span, or in two around its end."""
    end = first + count
    return [(first, end)] if end <= size else [(first, size), (0, end - size)]


def _samples(path: str, since: float) -> Iterator[Sample]:
    """Yield the samples of the finest ring that goes back far enough, and coarser ones before."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return
    base, oldest = 0, float("inf")
    for _seconds, count in GRAINS:
        ring = data[base * _RECORD_BYTES : (base + count) * _RECORD_BYTES]
        found = [s for s in _records(ring) if since <= s.at < oldest]
        yield from found
        oldest = min((s.at for s in found), default=oldest)
        base += count


def _records(ring: bytes) -> Iterator[Sample]:
    from zlib import crc32

    for start in range(0, len(ring) - _RECORD_BYTES + 1, _RECORD_BYTES):
        at, cpu, kib, files, threads, checksum = _RECORD.unpack_from(ring, start)
        body = ring[start : start + _RECORD.size - 4]
        if at and crc32(body) == checksum:
            yield Sample(at, cpu, kib * 1024, files, threads)


def write_board(path: str, latest: Iterable[tuple[int, Latest]]) -> None:
    """Write the newest figures of all instances of a host, by object id."""
    records = bytearray()
    for instance, each in latest:
        s = each.sample
        percent = float("nan") if each.cpu_percent is None else each.cpu_percent
        kib = min(s.rss_bytes // 1024, 0xFFFFFFFF)
        few = (min(s.open_files, _MOST), min(s.threads, _MOST), 0)
        records += _ON_BOARD.pack(instance, s.at, s.cpu_seconds, percent, kib, *few)
    aside = f"{path}~"
    with open(aside, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(records)
    os.replace(aside, path)


def read_board(path: str) -> dict[int, Latest]:
    """Return the newest figures of a host's instances, by object id."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return {}
    whole = len(data) // _ON_BOARD.size * _ON_BOARD.size
    found: dict[int, Latest] = {}
    for instance, at, cpu, percent, kib, files, threads, _ in _ON_BOARD.iter_unpack(data[:whole]):
        sample = Sample(at, cpu, kib * 1024, files, threads)
        found[instance] = Latest(sample, percent if percent >= 0.0 else None)  # NaN is not
    return found
