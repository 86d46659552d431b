"""What a service finds around it: database, reactors, folder, configuration, environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from real_world import World

from odbctl.engine.api import codebases, creation, releases
from odbctl.engine.odb import Database, DbObject, Indexed, Schema
from odbctl.errors import NotFoundError, ServiceClassError, UsageError

post = Schema("post")


@post.define
class Letter(DbObject):
    """The same as in the service below: a schema is known by its name and its classes'."""

    to: Indexed[str]
    text: str
    answer: str = ""


CLERK = """
from odbctl import DbObject, Indexed, Schema

post = Schema("post")

@post.define
class Letter(DbObject):
    to: Indexed[str]
    text: str
    answer: str = ""

class Svc(ServiceBase):
    def initialize(self):
        self.register_reactor(self.answer)

    def answer(self):
        with self.db.transaction():
            for letter in Letter.lookup_all(to="clerk"):
                if not letter.answer:
                    letter.answer = letter.text.upper()
"""

CURIOUS = """
import json
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    city: str = "Bern"
    count: int = 1
    ratio: float = 0.5
    is_open: bool = False
    note: str | None = None

class Svc(ServiceBase):
    Config = Settings

    def initialize(self):
        with self.db.view():
            service = (self.service.name, self.service.desired_count)
            instance = self.runtime.instance.name
        print(json.dumps({
            "service": service,
            "instance": instance,
            "name": self.runtime.name,
            "cwd": os.getcwd(),
            "storage": str(self.runtime.storage),
            "address": self.runtime.address,
            "home": str(self.runtime.home.data),
            "config": [self.config.city, self.config.count, self.config.ratio,
                       self.config.is_open, self.config.note],
            "given": self.runtime.config,
            "env": {k: v for k, v in os.environ.items() if k.startswith(("MY_", "ODBCTL_"))},
            "file": __file__,
        }))
"""


def told(world: World) -> dict[str, Any]:
    """Return what the newest instance of CURIOUS said of itself."""
    newest = world.instances()[-1]["id"]
    line = world.wait_line("{", instance=newest)
    found: dict[str, Any] = json.loads(line["text"])
    return found


def write_letter(world: World, text: str) -> Letter:
    with world.engine.db.transaction():
        return Letter(to="clerk", text=text)


def answer_of(letter: Letter) -> str:
    return letter.answer


def test_a_reactor_answers_objects_of_another_process(world: World) -> None:
    world.run(CLERK)
    first = write_letter(world, "hello")
    world.wait(lambda: answer_of(first) == "HELLO")
    second = write_letter(world, "again")
    world.wait(lambda: answer_of(second) == "AGAIN")


def test_a_reactor_answers_what_was_written_before_it_ran(world: World) -> None:
    letter = write_letter(world, "early")
    world.run(CLERK)
    world.wait(lambda: answer_of(letter) == "EARLY")


def test_reactors_of_two_instances_agree(world: World) -> None:
    world.run(CLERK, count=2)
    letters = [write_letter(world, f"letter {number}") for number in range(20)]
    world.wait(lambda: all(answer_of(letter) for letter in letters))


def test_a_raising_reactor_is_told_and_runs_again(world: World) -> None:
    source = CLERK.replace(
        "letter.answer = letter.text.upper()",
        "letter.answer = str(10 / int(letter.text))",
    )
    world.run(source)
    bad = write_letter(world, "0")
    world.wait_line("ZeroDivisionError")
    with world.engine.db.transaction():
        bad.text = "5"
    world.wait(lambda: answer_of(bad) == "2.0")
    assert [i["id"] for i in world.ready()] == ["svc-1"]


def test_a_commit_of_a_service_survives_its_kill(world: World) -> None:
    source = CLERK + (
        "    def do_work(self, should_stop):\n"
        "        with self.db.transaction():\n"
        "            Letter(to='me', text='the last will')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    world.service(source, restart="never")
    world.start()
    world.wait_ended("svc-1")
    with Database(world.home.database, run_dir=world.home.run) as db, db.view():
        assert [letter.text for letter in Letter.lookup_all(to="me")] == ["the last will"]


def test_a_service_knows_itself_and_its_place(world: World) -> None:
    world.run(CURIOUS)
    found = told(world)
    assert found["service"] == ["svc", 1]
    assert found["instance"] == found["name"] == "svc-1"
    assert found["home"] == str(world.home.data)
    assert found["env"]["ODBCTL_INSTANCE"] == "svc-1"
    assert found["address"]


def test_the_working_directory_is_a_storage_folder_of_its_own(world: World) -> None:
    world.run(CURIOUS, count=2)
    folders = [json.loads(text)["cwd"] for text in world.texts()]
    assert len(set(folders)) == 2
    assert told(world)["cwd"] == told(world)["storage"]
    assert all(Path(folder).is_relative_to(world.home.storage) for folder in folders)
    assert all(Path(folder).stat().st_mode & 0o777 == 0o700 for folder in folders)


def test_the_module_comes_from_the_checkout_of_the_commit(world: World) -> None:
    world.run(CURIOUS)
    file = Path(told(world)["file"])
    assert file.is_relative_to(world.home.checkouts)
    assert file.stat().st_mode & 0o222 == 0
    assert not list(file.parent.glob("__pycache__"))


def test_configuration_is_typed(world: World) -> None:
    words = ("city=Basel", "count=3", "ratio=1", "is_open=yes", "note=none")
    world.run(CURIOUS, config_words=words)
    assert told(world)["config"] == ["Basel", 3, 1.0, True, None]


def test_configuration_has_the_defaults_of_its_class(world: World) -> None:
    world.run(CURIOUS)
    assert told(world)["config"] == ["Bern", 1, 0.5, False, None]
    assert told(world)["given"] == {}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("count=many", "count: 'many' is not int"),
        ("town=Basel", "unknown configuration value 'town'"),
        ("count", "'count' is not key=value"),
        ("is_open=perhaps", "is_open: 'perhaps' is not bool"),
    ],
)
def test_a_wrong_configuration_is_refused_at_create(world: World, word: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        world.service(CURIOUS, config_words=(word,))
    with pytest.raises(NotFoundError):
        world.status()


def test_a_configuration_that_its_class_refuses_is_told(world: World) -> None:
    source = CURIOUS.replace(
        "class Svc(",
        "    def __post_init__(self):\n"
        "        if self.count < 0:\n"
        "            raise ValueError('count must not be negative')\n\n"
        "class Svc(",
        1,
    )
    with pytest.raises(UsageError, match="must not be negative"):
        world.service(source, config_words=("count=-1",))


def test_a_required_value_that_is_missing_is_told(world: World) -> None:
    with pytest.raises(UsageError, match="city"):
        world.service(CURIOUS.replace('city: str = "Bern"', "city: str"))


def test_a_new_configuration_is_rolled_out_as_a_release(world: World) -> None:
    world.run(CURIOUS, config_words=("city=Basel",))
    releases.configure_service(world.engine, "svc", words=("count=7",), settle_seconds=0.0)
    world.settle(release=2)
    assert told(world)["config"][:2] == ["Basel", 7]
    assert world.status()["config"] == {"city": "Basel", "count": 7}


def test_a_class_may_read_the_command_line_itself(world: World) -> None:
    source = CURIOUS + (
        "    @classmethod\n"
        "    def configure_from_commandline(cls, db, service, args):\n"
        "        if args[0] != '--town':\n"
        "            raise ValueError('only --town is known')\n"
        "        with db.view():\n"
        "            return {'city': args[1] + ' of ' + service.name}\n"
    )
    world.run(source)
    releases.configure_service(
        world.engine, "svc", arguments=("--town", "Chur"), settle_seconds=0.0
    )
    world.settle(release=2)
    assert told(world)["config"][0] == "Chur of svc"
    with pytest.raises(UsageError, match="only --town is known"):
        releases.configure_service(
            world.engine, "svc", arguments=("--city", "Chur"), settle_seconds=0.0
        )


def test_environment_variables_reach_the_service_and_only_it(world: World) -> None:
    world.run(CURIOUS, env={"MY_TOKEN": "s3cret"})
    assert told(world)["env"]["MY_TOKEN"] == "s3cret"
    document = world.status()
    assert document["env_names"] == ["MY_TOKEN"]
    assert "s3cret" not in json.dumps([document, world.events()])
    world.another("other")
    world.start("other")
    world.wait_running("other")
    line = world.wait_line("{", "other")
    assert "MY_TOKEN" not in json.loads(line["text"])["env"]


def test_environment_variables_are_not_in_any_command_line(world: World) -> None:
    (found,) = world.run(CURIOUS, env={"MY_TOKEN": "s3cret"})
    launchers = world.launcher_pids()
    assert launchers
    for pid in (found["pid"], world.manager_pid(), *launchers):
        assert b"s3cret" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_new_environment_is_there_after_configure(world: World) -> None:
    world.run(CURIOUS, env={"MY_A": "1"})
    releases.configure_service(world.engine, "svc", env={"MY_B": "2"}, settle_seconds=0.0)
    world.settle(release=2)
    env = told(world)["env"]
    assert (env["MY_A"], env["MY_B"]) == ("1", "2")


def test_a_class_that_is_no_service_is_refused(world: World) -> None:
    with pytest.raises(ServiceClassError, match="does not derive from"):
        world.service("class Svc:\n    pass\n")


def test_a_class_with_a_typo_is_refused_with_near_names(world: World) -> None:
    with pytest.raises(ServiceClassError) as caught:
        world.service(class_name="Scv")
    assert caught.value.hint == "did you mean svc:Svc?"


def test_what_a_module_does_at_import_stays_out_of_the_caller(world: World) -> None:
    source = "print('imported')\nos.environ['MY_LEAK'] = '1'\nos._exit(3)\n"
    with pytest.raises(ServiceClassError, match="the import process ended"):
        world.service(source + "class Svc(ServiceBase):\n    pass\n")
    assert "MY_LEAK" not in os.environ


def test_a_class_in_a_nested_module_of_a_src_layout(world: World) -> None:
    world.repo.commit(
        {
            "src/shop/__init__.py": "",
            "src/shop/back/__init__.py": "",
            "src/shop/back/till.py": (
                "from odbctl import ServiceBase\nfrom shop.back import prices\n\n"
                "class Till(ServiceBase):\n"
                "    def initialize(self):\n"
                "        print('price', prices.PRICE)\n"
            ),
            "src/shop/back/prices.py": "PRICE = 12\n",
            "src/tools/__init__.py": "",
        }
    )
    codebases.add_codebase(world.engine, "main", repo=str(world.repo.path))
    creation.create_service(
        world.engine,
        "till",
        class_spec="shop.back.till:Till",
        codebase="app",
        options=creation.ServiceOptions(),
    )
    world.start("till")
    world.wait_running("till")
    assert world.texts("till") == ["price 12"]
