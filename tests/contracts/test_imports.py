"""What an import costs: the modules that come with it, seen from a fresh process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from imported import loaded_modules, top_level

ROOT = Path(__file__).parents[2]
THIRD_PARTY = frozenset(
    {"boto3", "click", "git", "platformdirs", "psutil", "rich", "textual", "typer"}
)
# Each costs milliseconds that a command such as `ps` does not have.
SLOW = frozenset({"asyncio", "dataclasses", "inspect", "logging", "subprocess"})


@pytest.fixture(scope="module")
def bare_modules() -> frozenset[str]:
    """What Python and the environment's own start-up files import."""
    return loaded_modules("pass")


def test_importing_odbctl_imports_nothing_else(bare_modules: frozenset[str]) -> None:
    more = loaded_modules("import odbctl") - bare_modules
    ours = {name for name in more if name.startswith("odbctl")}
    assert ours == {"odbctl"}
    assert not top_level(more) & (THIRD_PARTY | SLOW)


@pytest.mark.parametrize("module", ["odbctl.errors", "odbctl.paths", "odbctl.engine.odb"])
def test_read_paths_stay_light(module: str, bare_modules: frozenset[str]) -> None:
    more = loaded_modules(f"import {module}") - bare_modules
    assert not top_level(more) & (THIRD_PARTY | SLOW)


@pytest.mark.parametrize(
    "statement",
    [
        "import odbctl.engine.odb",
        "import odbctl.engine.model",
        "import odbctl.engine.worker.service_base",
        "from odbctl import Indexed, Reactor, Schema, ServiceBase",
    ],
)
def test_service_authors_need_the_standard_library_only(statement: str) -> None:
    # -S leaves site-packages out, as in an environment with nothing installed.
    modules = loaded_modules(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{statement}", options=["-S"]
    )
    assert top_level(modules) - sys.stdlib_module_names == {"__main__", "odbctl"}


@pytest.mark.parametrize("module", ["zoneinfo", "gzip", "shutil"])
def test_a_manager_imports_what_is_rarely_used_only_then(module: str) -> None:
    managers = "odbctl.engine.managers"
    more = loaded_modules(f"import {managers}.daemon, {managers}.subprocess_manager")
    assert module not in more
