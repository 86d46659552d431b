"""Classes that print, raise or declare odd things are refused with a reason."""

from __future__ import annotations

import pytest
from real_world import World

from odbctl.engine.api import class_check
from odbctl.engine.model.core import Service
from odbctl.errors import ServiceClassError

PRINTS_ODD_BYTES = """
os.write(1, b"\\xff\\xfe out\\n")
os.write(2, b"\\xff\\xfe err\\n")

class Svc(ServiceBase):
    pass
"""
PRINTS_AND_ENDS = """
os.write(2, b"\\xff\\xfe the end\\n")
os._exit(3)
"""
PRINTS_WITHOUT_END = """
while True:
    os.write(2, b"x" * 100_000)
"""
ANSWERS_WITHOUT_END = """
import glob
while True:
    for name in glob.glob("/proc/self/fd/*"):
        number = int(name.rpartition("/")[2])
        if number > 2:
            try:
                os.write(number, b"x" * 100_000)
            except OSError:
                pass
"""
LEAVES_A_CHILD = """
import subprocess
subprocess.Popen(["sleep", "1000"])

class Svc(ServiceBase):
    pass
"""
RESERVES = """
class Svc(ServiceBase):
    cores_used = {cores}
    gb_ram_used = {ram}
"""


def refuse(world: World, source: str) -> str:
    with pytest.raises(ServiceClassError) as caught:
        world.service(source)
    return caught.value.message


def test_bytes_that_are_no_text_do_no_harm(world: World) -> None:
    world.service(PRINTS_ODD_BYTES)
    assert world.status()["name"] == "svc"


def test_the_last_words_of_a_process_that_ends_are_told(world: World) -> None:
    assert "ended without a result: \ufffd\ufffd the end" in refuse(world, PRINTS_AND_ENDS)


def test_output_without_end_ends_with_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_check, "TIMEOUT_SECONDS", 3.0)
    assert "the import took longer than 3s" in refuse(world, PRINTS_WITHOUT_END)


def test_an_answer_without_end_is_refused(world: World) -> None:
    assert "printed too much output" in refuse(world, ANSWERS_WITHOUT_END)


def test_a_child_that_keeps_the_streams_open_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_check, "TIMEOUT_SECONDS", 30.0)
    world.service(LEAVES_A_CHILD)
    assert world.status()["name"] == "svc"


@pytest.mark.parametrize(
    ("cores", "ram", "message"),
    [
        ("-1", "0", "cores_used must be a number from 0 to 1,000,000, not -1"),
        ("float('inf')", "0", "cores_used must be a number from 0 to 1,000,000, not inf"),
        ("float('nan')", "0", "cores_used must be a number from 0 to 1,000,000, not nan"),
        ("0", "float('-inf')", "gb_ram_used must be a number from 0 to 1,000,000, not -inf"),
        ("0", "'4'", "gb_ram_used must be a number from 0 to 1,000,000, not '4'"),
        ("0", "10**400", "gb_ram_used must be a number"),
        ("True", "0", "cores_used must be a number"),
    ],
)
def test_resources_that_no_machine_has_are_refused(
    world: World, cores: str, ram: str, message: str
) -> None:
    assert message in refuse(world, RESERVES.format(cores=cores, ram=ram))
    with world.engine.db.view():
        assert list(Service.lookup_all()) == []


def test_a_message_of_megabytes_is_cut(world: World) -> None:
    assert len(refuse(world, "raise RuntimeError('x' * 3_000_000)")) < 3000
