"""What services print, log or write raw is kept, the last words of the killed included."""

from __future__ import annotations

import pytest
from real_world import World, kill
from waiting import eventually

FLOOD_LINES = 50_000


def test_a_flood_is_kept_whole_and_in_order(world: World) -> None:
    source = f"""
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            for number in range({FLOOD_LINES}):
                print("line", number)
            should_stop.wait()
    """
    world.run(source)
    world.wait_line(f"line {FLOOD_LINES - 1}")
    assert world.texts() == [f"line {number}" for number in range(FLOOD_LINES)]


def test_a_flood_survives_a_kill_right_after_it(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            for number in range(5000):
                print("line", number)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    world.service(source, restart="never")
    world.start()
    world.wait_ended("svc-1")
    assert world.texts() == [f"line {number}" for number in range(5000)]


def test_an_unfinished_line_survives_a_kill(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            print("whole")
            print("half a li", end="")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    world.service(source, restart="never")
    world.start()
    world.wait_ended("svc-1")
    assert world.texts() == ["whole", "half a li"]


def test_a_logged_exception_is_one_record_with_its_traceback(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            try:
                {}["sugar"]
            except KeyError:
                self.logger.exception("none left")
            should_stop.wait()
    """
    world.run(source)
    record = world.wait_line("none left")
    first, *rest = record["text"].splitlines()
    assert "none left" in first
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "KeyError: 'sugar'"
    assert (record["stream"], record["level"].lower()) == ("log", "error")


@pytest.mark.parametrize(("descriptor", "stream"), [(1, "stdout"), (2, "stderr")])
def test_a_write_of_c_code_to_a_descriptor_is_kept(
    world: World, descriptor: int, stream: str
) -> None:
    source = f"""
    import ctypes

    class Svc(ServiceBase):
        def do_work(self, should_stop):
            ctypes.CDLL(None).write({descriptor}, b"raw words\\n", 10)
            should_stop.wait()
    """
    world.run(source)
    assert world.wait_line("raw words")["stream"] == stream


def test_output_of_a_subprocess_is_kept(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            print("before", flush=True)
            subprocess.run(["sh", "-c", "echo to out; echo to err >&2"], check=True)
            should_stop.wait()
    """
    world.run(source)
    assert world.wait_line("to out")["stream"] == "stdout"
    assert world.wait_line("to err")["stream"] == "stderr"
    world.wait_line("before")


def test_a_subprocess_of_a_killed_worker_loses_nothing_it_wrote(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            subprocess.run(["sh", "-c", "echo last words; kill -9 $PPID; sleep 600"])
    """
    world.service(source, restart="never")
    world.start()
    ended = world.wait_ended("svc-1")
    assert ended["exit"] == {"code": None, "signal": 9, "cause": "signal"}
    world.wait_line("last words")


def test_a_fatal_error_of_the_interpreter_leaves_its_stack(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            import faulthandler
            os.kill(os.getpid(), signal.SIGSEGV)
            should_stop.wait()
    """
    world.service(source, restart="never")
    world.start()
    ended = world.wait_ended("svc-1")
    assert ended["exit"] == {"code": None, "signal": 11, "cause": "signal"}
    assert any("Segmentation fault" in text for text in world.texts())
    assert any("do_work" in text for text in world.texts())


def test_logging_goes_where_the_service_sends_it(world: World) -> None:
    source = """
    import logging

    class Svc(ServiceBase):
        def configure_logging(self):
            logging.getLogger().setLevel(logging.DEBUG)

        def initialize(self):
            self.logger.debug("a detail")
    """
    world.run(source)
    assert world.wait_line("a detail")["level"].lower() == "debug"


def test_text_that_is_no_utf8_or_holds_controls_stays_one_record(world: World) -> None:
    source = r"""
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            sys.stdout.buffer.write(b"caf\xe9 \xff\n")
            sys.stdout.flush()
            print("bell \a and \x1b[31mred\x1b[0m")
            print("snow ☃")
            should_stop.wait()
    """
    world.run(source)
    world.wait_line("snow ☃")
    eventually(lambda: len(world.texts()) == 3)
    assert any("caf" in text for text in world.texts())
    assert any("red" in text for text in world.texts())


def test_two_instances_keep_their_logs_apart(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def initialize(self):
            print("I am", self.runtime.name)
    """
    world.run(source, count=2)
    assert world.texts(instance="svc-1") == ["I am svc-1"]
    assert world.texts(instance="svc-2") == ["I am svc-2"]


def test_printing_goes_on_while_no_manager_lives(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            number = 0
            while not should_stop.wait(0.01):
                number += 1
                print("beat", number)
    """
    world.run(source)
    kill(world.manager_pid())
    world.wait_line("beat")
    seen = len(world.texts())
    eventually(lambda: len(world.texts()) > seen + 5)
    numbers = [int(text.split()[1]) for text in world.texts()]
    assert numbers == list(range(1, len(numbers) + 1))
    world.manager()
