"""The static table of commands says the same as the modules that define them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import typer
from cli_runner import odbctl

from odbctl.cli import main
from odbctl.commands.catalog import (
    EXIT_CODES,
    LISTINGS,
    NOUNS,
    SHORTCUTS,
    TOP,
    UNFORMATTED,
    all_commands,
    module_of,
    spellings,
)
from odbctl.errors import OdbctlError

COMMANDS = [(noun, name) for noun, name, _ in all_commands()]


def _defined(module: str) -> list[tuple[str | None, str]]:
    app: typer.Typer = import_module(module).app
    noun = app.info.name if isinstance(app.info.name, str) else None
    return [(noun, str(command.name)) for command in app.registered_commands]


def test_the_modules_define_the_commands_of_the_table_once() -> None:
    modules = {module_of(noun, name) for noun, name in COMMANDS}
    defined = [(command, module) for module in modules for command in _defined(module)]
    assert sorted(map(str, defined)) == sorted(str((c, module_of(*c))) for c in COMMANDS)


@pytest.mark.parametrize(("noun", "name"), COMMANDS)
def test_every_command_has_help_with_an_example(
    noun: str | None, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*filter(None, (noun, name))]
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: odbctl {' '.join(words)}" in text
    example = text.partition("Example:\n")[2]
    assert "odbctl" in example
    assert ("--output FORMAT" in text) == ((noun, name) not in UNFORMATTED)
    assert ("--sort COLUMN" in text) == ((noun, name) in LISTINGS)
    assert main(["help", *words]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(("noun", "name", "text"), all_commands())
def test_a_command_is_told_in_the_words_of_the_table(
    noun: str | None, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*filter(None, (noun, name)), "--help"])
    assert f"\n  {text}.\n" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_root_help_names_every_command(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in [*NOUNS, *TOP, *SHORTCUTS])


@pytest.mark.parametrize(
    ("typed", "verb"),
    [(words, name) for noun, name in COMMANDS for words in spellings(noun, name)[1:]],
)
def test_short_forms_show_the_help_of_the_long_form(
    typed: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    noun = typed.split(maxsplit=1)[0] if " " in typed else "service"
    assert main([*typed.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert main([noun, verb, "--help"]) == 0
    assert f"Usage: odbctl {typed} [OPTIONS]" in text
    assert f"\n  {NOUNS[noun][1][verb]}.\n" in text
    assert capsys.readouterr().out.partition("Arguments:")[2] == text.partition("Arguments:")[2]


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_alone_shows_its_verbs(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([noun])
    alone = capsys.readouterr().out
    main([noun, "--help"])
    assert capsys.readouterr().out == alone
    assert all(f"\n  {verb} " in alone for verb in NOUNS[noun][1])


def test_the_exit_codes_of_all_errors_are_listed() -> None:
    def codes(cls: type[OdbctlError]) -> set[int]:
        return {cls.exit_code}.union(*map(codes, cls.__subclasses__()))

    listed = {code for code, _ in EXIT_CODES}
    assert codes(OdbctlError) <= listed
    ran = odbctl("help", "exit-codes")
    assert all(str(code) in ran.out for code in listed)


def test_help_of_what_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    ran = odbctl("help", "nothing", env={"ODBCTL_HOME": str(tmp_path)})
    assert ran.code == 2
