"""The import contracts of pyproject.toml see every package there is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def folders_with_code(below: Path) -> set[str]:
    """Return the names of the packages and modules directly in a package."""
    modules = {file.stem for file in below.glob("*.py")} - {"__init__"}
    return modules | {file.parent.name for file in below.glob("*/*.py")}


@pytest.fixture(scope="module")
def layers() -> str:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return " ".join(next(c["layers"] for c in contracts if c["id"] == "layers"))


@pytest.mark.parametrize("package", ["odbctl", "odbctl.engine"])
def test_every_package_has_its_layer(package: str, layers: str) -> None:
    found = folders_with_code(ROOT.joinpath(*package.split("."))) - {"engine", "_examples"}
    words = layers.replace("(", " ").replace(")", " ").split()
    assert {f"{package}.{name}" for name in found} <= set(words)
