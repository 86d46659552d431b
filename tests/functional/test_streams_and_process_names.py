"""What is printed to stderr has no level of its own; a worker's process has a name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import World

SOURCE = """
import os, sys, logging
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        os.write(2, b"to descriptor 2\\n")
        logging.getLogger("x").error("a bad thing")
        should_stop.wait()
"""


def test_stderr_has_a_stream_and_no_level(world: World) -> None:
    world.run(SOURCE)
    world.wait_line("a bad thing")
    found = {d["text"]: (d["stream"], d["level"]) for d in world.log()}
    assert found["to stdout"] == ("stdout", "INFO")
    assert found["to stderr"] == ("stderr", "")
    assert found["to descriptor 2"] == ("stderr", "")
    assert found["x: a bad thing"] == ("log", "ERROR")
    only = odbctl("logs", "svc", "--level", "warning").out
    assert "a bad thing" in only
    assert "to stderr" not in only
    everything = odbctl("logs", "svc").out.splitlines()
    assert any(line.endswith("svc-1 stderr to stderr") for line in everything)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
@pytest.mark.parametrize("start_method", ["fork", "exec"])
def test_the_process_of_an_instance_carries_its_name(world: World, start_method: str) -> None:
    world.manager(start_method=start_method)
    world.run(SOURCE)
    (instance,) = world.ready()
    comm = Path(f"/proc/{instance['pid']}/comm").read_text("utf-8")
    assert comm == "odb:svc-1\n"
    title = Path(f"/proc/{instance['pid']}/cmdline").read_bytes().rstrip(b"\0")
    assert title == b"odbctl: instance svc-1 of service svc"
