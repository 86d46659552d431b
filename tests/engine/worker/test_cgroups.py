"""Control groups: found where they were delegated, and what is written into them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.managers.instance_groups import InstanceGroups
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.worker import cgroups
from odbctl.engine.worker.cgroups import CgroupRoot, find_delegated


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """Make a folder that looks like a delegated group; return the folder that holds it."""
    group = tmp_path / "fs" / "user.slice" / "odbctl.service"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (group / "cgroup.procs").write_text("")
    (group / "cgroup.subtree_control").write_text("")
    (tmp_path / "mounts").write_text(
        "24 1 0:22 / /proc rw - proc proc rw\n"
        f"30 24 0:26 / {tmp_path / 'fs'} rw,nosuid - cgroup2 cgroup2 rw\n"
    )
    (tmp_path / "own").write_text("0::/user.slice/odbctl.service\n")
    return tmp_path


def found(fake: Path) -> CgroupRoot | None:
    return find_delegated(mounts=fake / "mounts", own=fake / "own")


def test_a_delegated_group_is_found(fake: Path) -> None:
    assert found(fake) == CgroupRoot(str(fake / "fs/user.slice/odbctl.service"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("own", "0::/\n"),  # the root of all groups is nobody's to divide
        ("own", "4:memory:/somewhere\n"),
        ("mounts", "24 1 0:22 / /proc rw - proc proc rw\n"),
        ("fs/user.slice/odbctl.service/cgroup.controllers", "pids\n"),
    ],
)
def test_where_there_is_none_nothing_is_used(fake: Path, file: str, text: str) -> None:
    (fake / file).write_text(text)
    assert found(fake) is None


def test_the_own_leaf_belongs_to_the_group_above(fake: Path) -> None:
    (fake / "own").write_text("0::/user.slice/odbctl.service/odbctl-supervisors\n")
    assert found(fake) == CgroupRoot(str(fake / "fs/user.slice/odbctl.service"))


def test_limits_are_written_as_the_kernel_reads_them(fake: Path) -> None:
    root = found(fake)
    assert root is not None
    group = Path(root.group(0xAB))
    assert group.name == "odbctl-ab"
    group.mkdir()
    for name in ("memory.max", "memory.swap.max", "cpu.max", "cgroup.procs"):
        (group / name).write_text("")
    cgroups.enter(str(group), memory_bytes=512 * 2**20, cpu=1.5)
    assert (group / "memory.max").read_text() == "536870912"
    assert (group / "memory.swap.max").read_text() == "0"
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (group / "cgroup.procs").read_text() == str(os.getpid())
    assert cgroups.members(str(group)) == [os.getpid()]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ("low 0\noom 1\noom_kill 1\n", "out of memory: killed by the kernel at its memory limit"),
        ("low 0\noom 0\noom_kill 0\n", None),
        (None, None),
    ],
)
def test_out_of_memory_is_said_only_when_the_kernel_says_so(
    fake: Path, events: str | None, reason: str | None
) -> None:
    root = found(fake)
    assert root is not None
    group = Path(root.group(7))
    group.mkdir()
    if events is not None:
        (group / "memory.events").write_text(events)
    report = WorkerExited(7, 100, None, 9, 0.0)
    (told,) = InstanceGroups(root).explained([report])
    assert told == report._replace(reason=reason)
    (other,) = InstanceGroups(None).explained([report])
    assert other == report


def test_members_of_a_real_group_are_found_and_killed_however_detached() -> None:
    top = Path("/sys/fs/cgroup/unified")
    top = top if top.exists() else Path("/sys/fs/cgroup")
    group = top / f"odbctl-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cgroup.kill").stat()
    except OSError:
        pytest.skip("no control group can be made here")
    script = f"echo $$ > {group}/cgroup.procs; setsid sh -c 'sleep 600 & sleep 600' & wait"
    try:
        with subprocess.Popen(["sh", "-c", script], start_new_session=True):
            try:
                eventually(lambda: len(cgroups.members(str(group))) >= 3)
            finally:
                cgroups.kill(str(group))
        eventually(lambda: cgroups.remove(str(group)))
    finally:
        cgroups.kill(str(group))
        eventually(lambda: cgroups.remove(str(group)))
