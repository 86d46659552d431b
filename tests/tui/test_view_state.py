"""How the dashboard was left is kept per home, and never stands in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odbctl.paths import Home
from odbctl.tui.arrange import Arrangement
from odbctl.tui.view_state import FILE_NAME, ViewStore

VIEW = Arrangement(sort_column="CPU", is_reversed=True, filter_text="!run ~ap [x]", is_wide=True)


def test_views_come_back(home: Home) -> None:
    home.create()
    store = ViewStore.of(home)
    store.screen = "events"
    store.keep("services", VIEW)
    store.save()
    again = ViewStore.of(home)
    assert again.screen == "events"
    assert again.view("services") == VIEW
    assert again.view("hosts") == Arrangement()
    assert [path.name for path in home.state.glob("*dashboard*")] == [FILE_NAME]


def test_what_has_not_changed_is_not_written(home: Home) -> None:
    home.create()
    store = ViewStore.of(home)
    store.keep("services", VIEW)
    store.save()
    path = home.state / FILE_NAME
    path.unlink()
    store.save()
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 2, "screen": "x"}',
        '{"version": 1, "screen": 3, "views": []}',
        '{"version": 1, "views": {"services": 3, "hosts": {"sort_column": 3, "is_wide": "yes"}}}',
        "\x00\xff",
    ],
)
def test_a_broken_file_is_left_out_and_replaced(text: str, home: Home) -> None:
    home.create()
    path = home.state / FILE_NAME
    path.write_text(text, "latin-1")
    store = ViewStore.of(home)
    assert (store.screen, store.view("services"), store.view("hosts")) == (
        "",
        Arrangement(),
        Arrangement(),
    )
    store.keep("services", VIEW)
    store.save()
    assert ViewStore.of(home).view("services") == VIEW


def test_a_good_view_beside_a_bad_one_is_kept(home: Home) -> None:
    home.create()
    views = {"services": {"sort_column": "CPU", "is_wide": 1, "other": 2}, "hosts": None}
    (home.state / FILE_NAME).write_text(json.dumps({"version": 1, "views": views}))
    assert ViewStore.of(home).view("services") == Arrangement(sort_column="CPU")


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    store = ViewStore(tmp_path / "nowhere" / FILE_NAME)
    store.keep("services", VIEW)
    store.save()
    assert not (tmp_path / "nowhere").exists()


def test_without_a_file_nothing_is_kept() -> None:
    store = ViewStore()
    store.load()
    store.keep("services", Arrangement(filter_text="x" * 10_000))
    store.save()
    assert len(store.view("services").filter_text) == 200
