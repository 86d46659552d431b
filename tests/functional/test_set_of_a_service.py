"""`service set`: supervision at once, configuration as a release, both in one command."""

from __future__ import annotations

from pathlib import Path

from cli_runner import Ran, odbctl
from real_world import World

SOURCE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    city: str = "Bern"

class Svc(ServiceBase):
    Config = Settings

    def do_work(self, should_stop):
        print("city", self.config.city)
        should_stop.wait()
"""


def test_one_verb_changes_supervision_and_configuration(world: World) -> None:
    world.run(SOURCE)
    ran = odbctl("service", "set", "svc", "city=Basel", "--stop-grace", "7s", "--settle", "0")
    assert ran.code == 0, ran
    assert "stop grace: 2s -> 7s (set without a restart)" in ran.err
    assert ran.out.startswith("configured")
    status = world.status()
    assert (status["release"], status["stop_grace_seconds"]) == (2, 7.0)
    world.wait_line("city Basel")


def test_a_refused_configuration_starts_no_release(world: World) -> None:
    world.run(SOURCE)
    ran = odbctl("service", "set", "svc", "town=Basel", "--stop-grace", "7s")
    assert ran.code == 2, ran
    assert "the configuration is unchanged" in ran.err
    assert world.status()["release"] == 1


def test_an_editor_changes_supervision_and_configuration(world: World, tmp_path: Path) -> None:
    world.run(SOURCE)
    assert odbctl("service", "set", "svc", "city=Basel", "--settle", "0").code == 0
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nsed -i "$EDIT" "$1"\n')
    script.chmod(0o755)

    def edit(change: str, **env: str) -> Ran:
        env |= {"EDITOR": str(script), "EDIT": change}
        return odbctl("edit", "svc", "--settle", "0", env=env)

    ran = edit('s/^city.*/city = "Chur"/; s/^stop-grace.*/stop-grace = "7s"/')
    assert "stop grace: 2s -> 7s (set without a restart)" in ran.err
    assert ran.out.startswith("configured"), ran
    status = world.status()
    assert (status["release"], status["stop_grace_seconds"]) == (3, 7.0)
    world.wait_line("city Chur")
    assert edit("s/^city.*/town = 1/", TMPDIR=str(tmp_path)).code == 2
    assert world.status()["release"] == 3
    assert "city unset" in edit("/^city/d").out
    assert world.status()["release"] == 4
