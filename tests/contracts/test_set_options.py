"""What can be said when a service is created can be changed later."""

from __future__ import annotations

from dataclasses import fields

from odbctl.commands.parsing.app import build
from odbctl.engine.api.setting_changes import option_name
from odbctl.engine.api.settings import ServiceSettings

# Options of `service create`, and what changes them later in place of an option of `set`.
CHANGED_ELSEWHERE = {
    "--class": "a service of another class is another service",
    "--codebase": "service deploy",
    "--count": "service scale",
    "--config": "the words KEY=VALUE of service set itself",
}


def options_of(command: str) -> set[str]:
    parameters = build("service", command).params
    return {word for p in parameters for word in (*p.opts, *p.secondary_opts) if word[0] == "-"}


def test_set_takes_every_option_of_create() -> None:
    missing = options_of("create") - options_of("set")
    assert missing <= CHANGED_ELSEWHERE.keys()


def test_exceptions_are_options_of_create() -> None:
    assert CHANGED_ELSEWHERE.keys() <= options_of("create")


def test_the_text_of_edit_names_settings_as_the_options_of_set() -> None:
    keys = {f"--{option_name(field.name)}" for field in fields(ServiceSettings)}
    assert keys <= options_of("set")
