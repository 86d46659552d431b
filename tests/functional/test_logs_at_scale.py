"""Logs of real services: rotated while they are written, and nothing of them lost."""

from __future__ import annotations

import contextlib
import json
import os

from cli_runner import odbctl
from real_world import World, kill
from waiting import eventually

from odbctl.engine.api.managers import stop_manager
from odbctl.engine.telemetry.log_files import LogFiles, instances_in

# 200 MB, 100 MB a second at most and behind all other processes, so that a machine that is busy
# with other tests can see each tenth of it.
MEASURED_FLOODS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        child = '''
import os, time
os.nice(19)
largest = 0
for number in range(800):
    due_at = time.monotonic() + 1 / 400
    while time.monotonic() < due_at:
        pass
    os.write(1, (b"%01023d\\\\n" % number) * 256)
    largest = max(largest, os.fstat(1).st_blocks * 512)
os.write(2, b"%d" % largest)
'''
        ran = subprocess.run([sys.executable, "-c", child], stderr=subprocess.PIPE)
        print("largest:", int(ran.stderr))
        should_stop.wait()
"""

INSTANCES = 4
LINES_EACH = 250_000

PRINTS = f"""
class Svc(ServiceBase):
    def do_work(self, should_stop):
        name = self.runtime.name
        for number in range({LINES_EACH}):
            print(name, number, "of a million lines in all")
        open("done", "w").close()
        should_stop.wait()
"""

# Its child writes to descriptor 1, which nobody can take from it.
FLOODS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        child = "import os\\nfor n in range(40): os.write(1, b'%099d\\\\n' % n * 10_000)"
        subprocess.run([sys.executable, "-c", child])
        print("flooded")
        should_stop.wait()
"""


def test_a_million_lines_through_fifty_rotations(world: World) -> None:
    world.service(PRINTS, log_max_size="1200k", log_quota="1G")
    world.start(count=INSTANCES)
    found = world.wait_running(count=INSTANCES)
    for instance in found:
        done = world.home.storage / "svc" / instance["id"] / "done"
        eventually(done.exists, 60.0)
    rotations = sum(len(f.segments()) for f in instances_in(world.home.logs, "svc"))
    assert rotations >= 50
    ran = odbctl("logs", "svc", "--all", "--lines", "2000000", "-o", "json")
    last = dict.fromkeys((i["id"] for i in found), -1)
    latest = 0.0
    for line in ran.out.splitlines():
        record = json.loads(line)
        assert record["at"] >= latest
        latest = record["at"]
        name, number, *rest = record["text"].split()
        assert (name, rest) == (record["instance"], ["of", "a", "million", "lines", "in", "all"])
        assert int(number) == last[name] + 1
        last[name] = int(number)
    assert set(last.values()) == {LINES_EACH - 1}


def test_a_flood_of_a_child_is_bounded_while_it_lasts(world: World) -> None:
    world.service(FLOODS, log_quota="4M")
    world.start()
    world.wait_line("flooded")
    out = LogFiles.of(world.home.logs, "svc", "svc-1").out
    assert out.stat().st_size == 40 * 10_000 * 100
    eventually(lambda: out.stat().st_blocks * 512 <= 8 << 20)
    assert world.texts()[-2].endswith("39")


def test_flood_of_a_new_service_keeps_to_its_quota_from_the_first_second(world: World) -> None:
    world.run("class Svc(ServiceBase):\n    pass\n", "other")  # the manager's first round is over
    world.service(MEASURED_FLOODS, log_quota="10M")
    world.start()
    world.wait_line("largest:")
    (largest,) = (int(t.split()[1]) for t in world.texts() if t.startswith("largest:"))
    out = LogFiles.of(world.home.logs, "svc", "svc-1").out
    assert out.stat().st_size == 200 << 20
    assert largest <= (10 + 16) << 20
    eventually(lambda: out.stat().st_blocks * 512 <= 10 << 20)
    (line, *_) = (t for t in reversed(world.texts()) if not t.startswith("largest:"))
    assert int(line) == 799


def test_quota_holds_without_a_manager_and_after_the_guard_was_killed(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            while not should_stop.wait(0.01):
                if os.path.exists("flood"):
                    os.unlink("flood")
                    subprocess.run([sys.executable, "-c", "print('x' * 20_000_000)"])
    """
    world.run(source, log_quota="4M")
    out = LogFiles.of(world.home.logs, "svc", "svc-1").out
    (launcher,) = world.launcher_pids()
    guard = eventually(lambda: log_guard_of(launcher))
    kill(guard)
    eventually(lambda: log_guard_of(launcher) not in (None, guard))
    stop_manager(world.engine, "local")
    (world.home.storage / "svc" / "svc-1" / "flood").touch()
    eventually(lambda: out.stat().st_size == 20_000_001)
    eventually(lambda: out.stat().st_blocks * 512 <= 4 << 20)


def log_guard_of(launcher: int) -> int | None:
    """Return the pid of a launcher's log guard."""
    with open(f"/proc/{launcher}/task/{launcher}/children", encoding="ascii") as file:
        children = file.read().split()
    for pid in children:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="ascii") as file:
            if file.read() == "odb:log-guard\n":
                return int(pid)
    return None


def test_filters_of_the_command(world: World) -> None:
    source = """
    import json, logging

    class Svc(ServiceBase):
        def do_work(self, should_stop):
            print("plain")
            self.logger.warning("low on beans")
            print(json.dumps({"level": "error", "message": "out of beans", "shop": 7}))
            print("end")
            should_stop.wait()
    """
    world.run(source)
    world.wait_line("end")
    shown = odbctl("logs", "svc", "--level", "warning", "-o", "json").out.splitlines()
    records = [json.loads(line) for line in shown]
    assert [(r["level"], r["text"]) for r in records] == [
        ("WARNING", "svc: low on beans"),
        ("ERROR", "out of beans"),
    ]
    assert records[1]["fields"] == {"shop": 7}
    assert odbctl("logs", "svc", "--grep", "be[a-z]ns$").out.count("beans") == 2
    assert odbctl("logs", "svc", "--until", "1h").out == ""
    assert odbctl("logs", "svc", "--grep", "[").code == 2
    assert odbctl("logs", "svc", "--level", "loud").code == 2
    world.stop()
    world.start()
    world.wait_running()
    world.wait_line("end", instance="svc-2")
    assert odbctl("logs", "svc", "--all", "-g", "^plain$").out.count("plain") == 2


def test_logs_of_a_removed_service_can_still_be_read(world: World) -> None:
    world.run("class Svc(ServiceBase):\n    def initialize(self):\n        print('here')\n")
    world.wait_line("here")
    world.stop()
    assert odbctl("service", "remove", "svc", "--yes").code == 0
    assert "here" in odbctl("logs", "svc", "--all").out
    assert odbctl("logs", "svc").code == 4
    assert os.path.isdir(world.home.logs / "svc")


def test_logs_of_children_are_shown_with_their_service(world: World) -> None:
    source = """
    class Child(ServiceBase):
        def initialize(self):
            print("child", self.runtime.name)

    class Svc(ServiceBase):
        def initialize(self):
            self.spawn_child(Child)
            self.spawn_child(Child)
    """
    world.run(source)
    world.wait_line("child svc-2")
    world.wait_line("child svc-3")
    world.stop()
    shown = odbctl("logs", "svc").out
    assert "child svc-2" in shown
    assert "child svc-3" in shown
