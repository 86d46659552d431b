"""What a command may import: its cost is its imports."""

from __future__ import annotations

import pytest
from imported import loaded_modules, top_level
from stocked_home import stock

from odbctl.engine.model.core import Service
from odbctl.engine.odb import Database
from odbctl.paths import Home

HEAVY = frozenset(
    {
        *("asyncio", "boto3", "click", "git", "platformdirs", "psutil", "rich", "subprocess"),
        *("textual", "typer", "inspect", "logging"),
    }
)


def _loaded(words: list[str]) -> frozenset[str]:
    # With its words given, `main` leaves the process to us, and so we can look at it.
    return loaded_modules(f"from odbctl.cli import main\nmain({words!r})")


@pytest.mark.parametrize(
    "words",
    [
        ["ps"],
        ["ps", "-o", "json"],
        ["status"],
        ["service", "status", "hello"],
        ["service", "list"],
        ["instance", "list", "--all"],
        ["logs", "hello", "--since", "1h"],
        ["why", "hello"],
        ["__complete", "service", "start", ""],
    ],
)
def test_quick_reads_load_nothing_heavy(words: list[str], home: Home) -> None:
    stock(home)
    loaded = top_level(_loaded(words))
    assert "_sqlite3" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("words", [["ps"], ["service", "status", "hello"]])
def test_reading_loads_neither_paths_nor_the_writing_half_of_the_database(
    words: list[str], home: Home
) -> None:
    stock(home)
    loaded = _loaded(words)
    assert "odbctl.engine.odb.view" in loaded
    assert not loaded & {
        "pathlib",
        "odbctl.engine.odb.transaction",
        "odbctl.engine.odb.changes",
        "odbctl.masking",
    }


# What of the standard library a quick command does without, each 0.3 to 3 ms.
COSTLY = frozenset(
    {
        *("contextlib", "dataclasses", "datetime", "importlib", "json", "math", "re", "sqlite3"),
        *("threading", "typing", "warnings", "zlib"),
    }
)


@pytest.mark.parametrize("words", [["ps"], ["service", "status", "hello"], ["service", "list"]])
def test_reading_does_without_costly_modules(words: list[str], home: Home) -> None:
    stock(home)
    loaded = _loaded(words)
    assert not loaded & COSTLY
    assert not loaded & {"odbctl.commands.help_text", "odbctl.commands.output.stream_lines"}


def test_help_needs_next_to_nothing(home: Home) -> None:
    del home
    assert not top_level(_loaded(["--help"])) & {*COSTLY, "enum", "functools"}


def test_ps_loads_nothing_of_reconciling(home: Home) -> None:
    stock(home)
    assert not {name for name in _loaded(["ps"]) if name.startswith("odbctl.engine.reconcile")}


@pytest.mark.parametrize(
    "words", [["version"], ["--version"], ["--help"], [], ["service"], ["help", "exit-codes"]]
)
def test_help_and_version_do_not_even_load_the_database(words: list[str], home: Home) -> None:
    del home
    assert not top_level(_loaded(words)) & (HEAVY | {"_sqlite3", "json"})


@pytest.mark.parametrize("words", [["service", "start", "--help"], ["codebase", "list"]])
def test_other_commands_load_no_screen_and_no_cloud(words: list[str], home: Home) -> None:
    del home
    assert not top_level(_loaded(words)) & {"boto3", "git", "rich", "textual", "psutil"}


@pytest.mark.parametrize(("verb", "before"), [("start", 0), ("stop", 1)])
def test_a_wish_is_written_before_anything_costly_is_loaded(
    verb: str, before: int, home: Home
) -> None:
    stock(home)
    with Database(home.database, run_dir=home.run) as db, db.transaction():
        for service in Service.lookup_all(name="hello"):
            service.desired_count = before
    code = (
        "from odbctl.cli import main\n"
        "from odbctl.engine.odb.sqlite_store import SqliteLink\n"
        "def leave(*_):\n    raise SystemExit\n"
        "SqliteLink.announce = leave\n"
        f"main(['service', {verb!r}, 'hello'])"
    )
    loaded = loaded_modules(code)
    assert "odbctl.engine.odb.sqlite_writer" in loaded
    assert not loaded & (COSTLY | {"getpass", "odbctl.commands.actions.waiting", "odbctl.masking"})


def test_a_start_is_written_before_anything_heavy_is_loaded(home: Home) -> None:
    del home
    loaded = top_level(
        loaded_modules("import odbctl.engine.api.services, odbctl.commands.actions.changes")
    )
    assert "_sqlite3" in loaded
    assert not loaded & (HEAVY | {"dataclasses", "random", "socket", "tempfile"})
