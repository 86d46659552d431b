"""A host without a manager: every display says so, and its instances are not forgotten."""

from __future__ import annotations

from cli_runner import odbctl
from real_world import World

from odbctl.engine.api import managers
from odbctl.engine.api.why import why


def test_every_display_says_that_a_host_has_no_manager(world: World) -> None:
    world.service(placement="far")
    world.manager()
    world.start(count=1)
    world.manager("far", placement="far")
    world.wait_running()
    assert odbctl("status").code == 0
    assert odbctl("doctor").code == 0
    managers.stop_manager(world.engine, "far")
    text = "host far has had no manager since"
    document = world.status()
    assert (document["state"], text in document["reason"]) == ("degraded", True)
    assert document["hosts_without_manager"] == ["far"]
    assert text in (document["instances"][0]["reason"] or "")
    assert text in odbctl("ps").out
    assert text in odbctl("service", "list").out
    assert f"{text}" in odbctl("host", "list").out
    lines = " ".join(why(world.engine, "svc")["lines"])
    assert text in lines
    assert "odbctl manager start --host far" in lines
    for words in (("status",), ("status", "svc"), ("doctor",)):
        ran = odbctl(*words)
        assert (ran.code, text in ran.out) == (1, True), words
    world.manager("far", placement="far")
    assert world.status()["state"] == "running"
    assert odbctl("status").code == 0
