"""`--settle`: the commands that change what runs settle by default, a restart does not."""

from __future__ import annotations

import pytest

from odbctl.commands.parsing.app import build
from odbctl.engine.reconcile.snapshot import DEFAULT_SETTLE_SECONDS


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("deploy", DEFAULT_SETTLE_SECONDS),
        ("configure", DEFAULT_SETTLE_SECONDS),
        ("rollback", DEFAULT_SETTLE_SECONDS),
        ("restart", 0.0),
    ],
)
def test_default_settle_time_of_each_command(name: str, seconds: float) -> None:
    defaults = {p.name: p.default for p in build("service", name).params}
    assert defaults["settle"] == seconds
