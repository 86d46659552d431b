"""The line about a rollout says when its instances are only settling."""

from __future__ import annotations

import pytest

from odbctl.tui.flows.paint import rollout_line
from odbctl.tui.flows.rows import RolloutRow, RolloutView


def a_view(*, ready: int, outcome: str = "rolling", settle_seconds: float = 3.0) -> RolloutView:
    rows = tuple(
        RolloutRow(
            key=f"api-{n}",
            state="running",
            is_ready=n < ready,
            is_new=True,
            release=2,
            running_at=1.0,
            note="",
        )
        for n in range(2)
    )
    return RolloutView(
        service="api",
        release=2,
        outcome=outcome,
        reason="",
        wanted=2,
        instances=rows,
        settle_seconds=settle_seconds,
    )


@pytest.mark.parametrize(
    ("view", "is_settling"),
    [
        (a_view(ready=2), True),
        (a_view(ready=1), False),
        (a_view(ready=2, settle_seconds=0.0), False),
        (a_view(ready=2, outcome="active"), False),
    ],
)
def test_settling_is_said_while_all_new_instances_are_ready(
    view: RolloutView, *, is_settling: bool
) -> None:
    text = "".join(cell.text for cell in rollout_line(view))
    assert ("settling for 3s" in text) is is_settling
