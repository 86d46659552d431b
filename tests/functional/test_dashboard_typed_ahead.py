"""Bursts of keys in a real terminal, over a real home: nothing happens that was not meant."""

from __future__ import annotations

from pseudo_terminal import Terminal, shown
from real_world import World
from waiting import eventually

SOURCE = """
class Svc(ServiceBase):
    pass
"""


def sees(terminal: Terminal, text: str) -> None:
    eventually(lambda: text in terminal.text, timeout_seconds=60)


def test_a_filter_typed_at_once_touches_no_service(world: World) -> None:
    world.service(SOURCE, "rabbit")
    world.another("zebra")
    world.start("rabbit", count=1)
    (instance,) = world.wait_running("rabbit", 1)
    with shown(world.home, text="zebra") as terminal:
        sees(terminal, "1/1")
        terminal.type(b"/rab")
        sees(terminal, "1 of 2")
        terminal.type(b"bl\x7f\x7f\rr")
        sees(terminal, "Restart service rabbit?")  # may be drawn more than once
        # The rest of a word, with an enter in the end: on Cancel, if it is heard at all.
        terminal.type(b"abblhjkqy")
        terminal.type(b"\x1b[C\x1b")  # to the button, and esc
        terminal.type(b":in\r")
        terminal.process.send_signal(15)
        assert terminal.process.wait(30) == 0
    assert [i["id"] for i in world.ready("rabbit")] == [instance["id"]]


def test_a_command_typed_at_once_goes_where_it_says(world: World) -> None:
    world.service(SOURCE, "rabbit")
    world.start("rabbit", count=1)
    world.wait_running("rabbit", 1)
    with shown(world.home, text="1/1") as terminal:
        terminal.type(b":cb\r:svc\r/rabbit\rD" + b"main\r")
        sees(terminal, "Deploy main to rabbit")
        assert "Cancel" in terminal.text
        terminal.type(b"\x1b")
        terminal.type(b"\x03")
        assert terminal.process.wait(30) == 0
    assert {instance["release"] for instance in world.instances("rabbit")} == {1}
