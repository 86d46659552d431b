from __future__ import annotations

import json

import pytest

from odbctl.engine.api.yaml_documents import to_yaml


def test_documents_are_nested_by_indentation() -> None:
    document = {
        "name": "hello",
        "empty": [],
        "codebase": {"ref": "main"},
        "instances": [{"id": "hello-1", "exit": None}, {"id": "hello-2", "exit": {"code": 3}}],
    }
    assert to_yaml(document) == (
        "name: hello\n"
        "empty: []\n"
        "codebase:\n"
        "  ref: main\n"
        "instances:\n"
        "  - id: hello-1\n"
        "    exit: null\n"
        "  - id: hello-2\n"
        "    exit:\n"
        "      code: 3\n"
    )


@pytest.mark.parametrize(
    "text", ["", "yes", "null", "1.5", "a: b", "-", "# no", "two\nlines", "0x1"]
)
def test_text_that_yaml_reads_as_something_else_is_quoted(text: str) -> None:
    assert to_yaml({"a": text}) == f"a: {json.dumps(text)}\n"


def test_an_empty_list_is_an_empty_list() -> None:
    assert to_yaml([]) == "[]\n"
