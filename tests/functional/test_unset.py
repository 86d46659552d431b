"""Configuration values and variables of a service can be removed again."""

from __future__ import annotations

import pytest
from real_world import World

from odbctl.engine.api import releases
from odbctl.errors import NotFoundError

SHOWS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    city: str = "Bern"
    count: int = 1

class Svc(ServiceBase):
    Config = Settings

    def initialize(self):
        print(self.config.city, self.config.count, os.environ.get("MODE"))
"""


def test_values_and_variables_are_removed(world: World) -> None:
    world.service(SHOWS)
    words = ("city=Rome", "count=2")
    releases.configure_service(world.engine, "svc", words=words, env={"MODE": "test", "OTHER": "x"})
    change = releases.configure_service(
        world.engine, "svc", words=("count=3",), unset=("city",), unset_env=("MODE",)
    )
    assert change.document is not None
    status = world.status()
    assert (status["config"], status["env_names"]) == ({"count": 3}, ["OTHER"])
    world.start(count=1)
    world.wait_line("Bern 3 None")


@pytest.mark.parametrize(
    ("unset", "unset_env", "message"),
    [
        (("town",), (), "no configuration value 'town'"),
        ((), ("MODES",), "no variable 'MODES'"),
    ],
)
def test_what_is_not_set_cannot_be_removed(
    world: World, unset: tuple[str, ...], unset_env: tuple[str, ...], message: str
) -> None:
    world.service(SHOWS)
    releases.configure_service(world.engine, "svc", words=("city=Rome",), env={"MODE": "test"})
    with pytest.raises(NotFoundError, match=message):
        releases.configure_service(world.engine, "svc", unset=unset, unset_env=unset_env)
    assert world.status()["config"] == {"city": "Rome"}
