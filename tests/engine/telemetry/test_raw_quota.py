"""The quota of raw output holds while it is written, and never takes the end of a log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odbctl.engine.telemetry.log_files import LogFiles, index_of
from odbctl.engine.telemetry.log_keeper import Known, LogKeeper
from odbctl.engine.telemetry.log_reader import read_lines
from odbctl.engine.telemetry.raw_quota import RawQuotas
from odbctl.engine.telemetry.raw_times import MARK
from odbctl.engine.telemetry.raw_trim import trim_raw

MB = 1 << 20
NOBODY = frozenset[str]()


def files_of(logs: Path, instance: str = "svc-1") -> LogFiles:
    files = LogFiles.of(logs, "svc", instance)
    os.makedirs(files.folder, exist_ok=True)
    return files


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


def last_text(files: LogFiles) -> str:
    return list(read_lines([files]))[-1].text


def test_files_of_one_service_share_its_quota(tmp_path: Path) -> None:
    quotas = RawQuotas()
    quotas.set_quota("svc", 8 * MB)
    files = [files_of(tmp_path, f"svc-{number}") for number in range(3)]
    sizes = (6, 6, 1)
    for each, size in zip(files, sizes, strict=True):
        each.out.write_bytes((b"x" * 1023 + b"\n") * 1024 * size + b"the end\n")
    quotas.look([each.out for each in files])
    assert sum(allocated(each.out) for each in files) <= 5 * MB
    assert allocated(files[2].out) >= 1 * MB
    assert [last_text(each) for each in files] == ["the end"] * 3


def test_times_of_trimmed_lines_stay_private(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    files.out.write_bytes(b"x" * 2 * MB)
    marks = b"".join(MARK.pack(size, 1.0) for size in range(0, 2 * MB, 4096))
    index_of(files.out).write_bytes(marks)
    trim_raw(files.out, MB)
    assert index_of(files.out).stat().st_size < len(marks)
    assert index_of(files.out).stat().st_mode & 0o077 == 0


def test_file_is_not_trimmed_before_the_quota_is_reached(tmp_path: Path) -> None:
    quotas = RawQuotas()
    quotas.set_quota("svc", 8 * MB)
    files = files_of(tmp_path)
    files.out.write_bytes(b"x" * 7 * MB)
    quotas.look([files.out])
    assert allocated(files.out) >= 7 * MB


def test_file_that_grows_fast_is_trimmed_before_the_quota_is_reached(tmp_path: Path) -> None:
    now = [0.0]
    quotas = RawQuotas(clock=lambda: now[0])
    quotas.set_quota("svc", 8 * MB)
    files = files_of(tmp_path)
    files.out.write_bytes(b"")
    quotas.look([files.out])
    now[0] = 0.001
    files.out.write_bytes((b"x" * 1023 + b"\n") * 1024 * 7 + b"the end\n")
    quotas.look([files.out])
    assert allocated(files.out) <= 2 * MB
    assert last_text(files) == "the end"


def test_look_comes_the_sooner_the_faster_a_file_grows(tmp_path: Path) -> None:
    now = [0.0]
    quotas = RawQuotas(clock=lambda: now[0])
    quotas.set_quota("svc", 100 * MB)
    files = files_of(tmp_path)
    pauses: list[float] = []
    for grown in (0, 1000, MB, 10 * MB):
        with files.out.open("ab") as out:
            out.write(b"x" * grown)
        pauses.append(quotas.look([files.out]))
        now[0] += 0.01
    assert pauses == sorted(pauses, reverse=True)
    assert len(set(pauses)) == 4


@pytest.mark.parametrize("end", ["out", "err"])
def test_quota_shortens_the_log_of_an_ended_instance_and_keeps_its_end(
    tmp_path: Path, end: str
) -> None:
    files = files_of(tmp_path)
    raw = Path(f"{files.folder}/{files.instance}.{end}")
    raw.write_bytes((b"x" * 1023 + b"\n") * 1024 * 20 + b"the end\n")
    LogKeeper(tmp_path, []).keep({"svc": Known(5 * MB, NOBODY, frozenset({"svc-1"}))})
    assert 4 * MB <= allocated(raw) <= 5 * MB + (1 << 17)
    assert last_text(files) == "the end"


def test_quota_removes_old_files_before_it_shortens_the_newest(tmp_path: Path) -> None:
    old, new = files_of(tmp_path, "svc-1"), files_of(tmp_path, "svc-2")
    for files in (old, new):
        files.out.write_bytes(b"x" * 1023 + b"\n" + b"the end\n")
    os.utime(old.out, (1000, 1000))
    known = Known(0, NOBODY, frozenset({"svc-1", "svc-2"}))
    LogKeeper(tmp_path, []).keep({"svc": known})
    assert not old.out.exists()
    assert last_text(new) == "the end"
