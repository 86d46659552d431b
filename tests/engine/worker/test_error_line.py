"""The reason of a failed instance is what its traceback says, not a hint after it."""

from __future__ import annotations

import pytest

from odbctl.engine.worker.error_line import last_line
from odbctl.errors import TransactionError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (TransactionError("no view", hint="db.view()"), "odbctl.errors.TransactionError: no view"),
        (ValueError(), "ValueError"),
        (ExceptionGroup("both", [ValueError("a")]), "ExceptionGroup: both (1 sub-exception)"),
        (SyntaxError("bad"), "SyntaxError: bad"),
    ],
)
def test_last_line_is_class_and_message(error: BaseException, line: str) -> None:
    assert last_line(error) == line
