"""The pure parts: rows from documents, columns, cells, filters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.dashboard import a_service, a_snapshot, an_instance
from fakes.moment import NOW
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from odbctl.engine.api.documents import EventDocument, ExitDocument, InstanceDocument
from odbctl.tui.arrange import Arrangement, Arranger
from odbctl.tui.columns import (
    EVENT_COLUMNS,
    GAP_CELLS,
    INSTANCE_COLUMNS,
    SERVICE_COLUMNS,
    ColumnSpec,
    columns_for,
)
from odbctl.tui.frame_paint import header_cells
from odbctl.tui.paint import (
    Tone,
    instance_cells,
    service_cells,
    state_cell,
)
from odbctl.tui.resources import SERVICES
from odbctl.tui.snapshot import ManagerState, event_rows, instance_rows
from odbctl.tui.state import DashboardState
from odbctl.tui.text import clip_left, fit, visible
from odbctl.units import duration


def an_instance_document(
    name: str, *, slot: int = 0, state: str = "running", exit_: ExitDocument | None = None
) -> InstanceDocument:
    return {
        "kind": "instance",
        "version": 1,
        "id": name,
        "service": "api",
        "host": "local",
        "state": state,
        "ready": state == "running",
        "slot": slot,
        "owner": None,
        "one_off": False,
        "port": None,
        "pid": 7,
        "commit": "0" * 40,
        "release": 1,
        "created_at": NOW,
        "started_at": None,
        "running_at": None,
        "stopping_at": None,
        "ended_at": None,
        "exit": exit_,
        "stopped_by": None,
        "reason": None,
        "message": "",
        "health": "",
        "failures": 0,
        "restarts": 0,
        "cpu_percent": None,
        "rss_bytes": None,
        "open_files": None,
        "threads": None,
        "log": "",
    }


def an_event_document(reason: str, *, at: float = NOW) -> EventDocument:
    return {
        "kind": "event",
        "version": 1,
        "at": at,
        "level": "info",
        "object": "service/api",
        "service": "api",
        "reason": reason,
        "message": "",
        "actor": "ann",
        "release": None,
    }


def test_a_live_instance_shows_the_exit_before_it_in_its_slot() -> None:
    killed = an_instance_document(
        "api-1", state="crashed", exit_={"code": None, "signal": 9, "cause": "signal"}
    )
    live, other = an_instance_document("api-3"), an_instance_document("api-2", slot=1)
    rows = instance_rows([killed, other, live], current=["api-2", "api-3"])
    assert [(row.key, row.last_exit) for row in rows] == [
        ("api-2", ""),
        ("api-3", "signal 9"),
        ("api-1", "signal 9"),
    ]


def test_an_exit_that_nobody_saw_is_unknown() -> None:
    lost = an_instance_document(
        "api-1", state="lost", exit_={"code": None, "signal": None, "cause": "unknown"}
    )
    assert instance_rows([lost], current=[])[0].last_exit == "unknown"


def test_events_come_newest_first_and_repeats_once() -> None:
    documents = [an_event_document(r, at=NOW + n) for n, r in enumerate(["made", "try", "try"])]
    rows = event_rows(documents)
    assert [(row.reason, row.count, row.at) for row in rows] == [
        ("try", 2, NOW + 2),
        ("made", 1, NOW),
    ]


@given(
    st.sampled_from([SERVICE_COLUMNS, INSTANCE_COLUMNS, EVENT_COLUMNS]),
    st.integers(min_value=0, max_value=400),
)
def test_columns_never_exceed_the_line(specs: tuple[ColumnSpec, ...], width: int) -> None:
    columns = columns_for(specs, width)
    gaps = GAP_CELLS * max(len(columns) - 1, 0)
    assert sum(column.width for column in columns) + gaps <= width


def test_a_wider_terminal_shows_more_columns() -> None:
    narrow = [column.name for column in columns_for(SERVICE_COLUMNS, 78)]
    assert narrow == ["NAME", "STATUS", "READY", "REF", "CPU", "RSS", "RESTARTS", "AGE"]
    assert columns_for(SERVICE_COLUMNS, 118)[-1].name == "REASON"


@given(st.text(), st.integers(min_value=0, max_value=40), st.booleans())
def test_a_cell_has_its_width_whatever_is_in_it(text: str, width: int, is_right: bool) -> None:
    assert cell_len(fit(visible(text), width, is_right=is_right)) == width


@given(st.text())
def test_what_is_shown_cannot_steer_the_terminal(text: str) -> None:
    assert visible(text).isprintable()


def test_a_long_path_keeps_its_end() -> None:
    assert clip_left("/home/ann/deep/home", 10) == "…deep/home"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (59, "59s"), (192, "3m12s"), (7_320, "2h02m"), (200_000, "2d07h")],
)
def test_durations_have_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["api", "Mailer", "worker"]),
        ("er", ["Mailer", "worker"]),
        ("mail", ["Mailer"]),
        ("Mail", ["Mailer"]),
        ("API", []),
        ("!degraded", ["api", "Mailer"]),
        ("state=degraded", ["worker"]),
        ("ref=main api", ["api"]),
        ("^(api|work)", ["api", "worker"]),
        ("~mlr", ["Mailer"]),
        ("!~mlr", ["api", "worker"]),
        ("NAME=^.{3}$", ["api"]),
        ("nofield=api", []),
    ],
)
def test_filter_words(text: str, names: list[str]) -> None:
    rows = (a_service("api"), a_service("Mailer"), a_service("worker", state="degraded", ready=1))
    arranger = Arranger(SERVICES)
    arranger.choose(Arrangement(filter_text=text))
    assert [row.key for row in arranger.arrange(rows)] == names


def test_states_say_in_glyphs_what_they_say_in_colour() -> None:
    assert state_cell("running").text != state_cell("crash-loop").text.replace(
        "crash-loop", "running"
    )
    assert state_cell("crash-loop").tone is Tone.BAD
    assert state_cell("brand-new").text == "? brand-new"


def test_cells_follow_the_clock_not_the_row() -> None:
    row, instance = a_service("api"), an_instance("api-1")
    assert service_cells(row, NOW + 60)["AGE"].text == "1h02m"
    assert instance_cells(instance, NOW + 60)["UP"].text == "2m05s"


@pytest.mark.parametrize("width", [1, 40, 80, 120])
def test_the_header_counts_what_needs_attention(width: int) -> None:
    snapshot = a_snapshot(
        a_service("a"),
        a_service("b", state="backoff", ready=0),
        a_service("c", state="throttled", ready=0),
    )
    text = "".join(cell.text for cell in header_cells(snapshot, width))
    assert "● 1 running  ▲ 1 degraded  ✖ 1 failed" in text


def test_only_a_home_that_waits_for_a_manager_has_a_banner() -> None:
    def banner(*, manager: ManagerState, count: int) -> str:
        services = [a_service(f"s{n}") for n in range(count)]
        return DashboardState(now=NOW, snapshot=a_snapshot(*services, manager=manager)).banner

    assert banner(manager=ManagerState.RUNNING, count=1) == ""
    assert banner(manager=ManagerState.ABSENT, count=0) == ""
    assert "odbctl manager start" in banner(manager=ManagerState.ABSENT, count=1)
    assert "odbctl manager start" in banner(manager=ManagerState.STOPPED, count=0)


def test_a_service_that_waits_for_its_schedule_is_no_fault() -> None:
    waiting = replace(a_service("nightly", state="waiting", ready=0, desired=1), is_scheduled=True)
    held_up = a_service("web", state="waiting", ready=0, desired=1)
    assert service_cells(waiting, NOW)["STATUS"].tone is Tone.MUTED
    assert [row.key for row in (waiting, held_up) if SERVICES.is_fault(row)] == ["web"]
    assert a_snapshot(waiting, held_up).count({"waiting"}) == 1
