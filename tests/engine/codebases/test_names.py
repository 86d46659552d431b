from __future__ import annotations

import pytest

from odbctl.engine.codebases.names import make_name, validate_name
from odbctl.errors import InvalidNameError


@pytest.mark.parametrize("name", ["a", "hello-world", "x.y_z", "0", "a" * 63])
def test_accepts_plain_names(name: str) -> None:
    assert validate_name("codebase", name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        ".hidden",
        "a/b",
        "../up",
        "a b",
        "a\nb",
        "a\n",
        "a\x00",
        "é",
        "a" * 64,
        "a@b",
        "a:b",
    ],
)
def test_refuses_names_that_paths_or_options_would_misread(name: str) -> None:
    with pytest.raises(InvalidNameError):
        validate_name("codebase", name)


@pytest.mark.parametrize(
    ("text", "name"), [("my repo!", "my-repo"), ("..x", "x"), ("", "codebase"), ("///", "codebase")]
)
def test_makes_valid_names(text: str, name: str) -> None:
    assert validate_name("codebase", make_name(text, default="codebase")) == name
