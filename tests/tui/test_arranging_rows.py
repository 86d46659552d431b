"""The pure parts of tables and navigation: filters, order, columns, places, colours."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes.dashboard import (
    a_codebase,
    a_deploy,
    a_host,
    a_service,
    a_snapshot,
    an_instance,
)
from fakes.dashboard import an_event as an_event_row
from fakes.moment import NOW
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.theme import Theme

from odbctl.engine.api.documents import EventDocument
from odbctl.engine.api.machine import MachineSample
from odbctl.tui.arrange import SCAN_SECONDS, Arrangement, Arranger, Resource, Row
from odbctl.tui.columns import GAP_CELLS, ColumnSpec, columns_for
from odbctl.tui.frame_paint import crumb_cells, header_cells
from odbctl.tui.history import MOST_PLACES, History
from odbctl.tui.machine_history import SAMPLES_KEPT, MachineHistory
from odbctl.tui.paint import Cell
from odbctl.tui.patterns import LONGEST_TEXT, PatternError, compile_pattern
from odbctl.tui.resources import (
    ATTENTION,
    AWS,
    CODEBASES,
    DEPLOYS,
    EVENTS,
    HOSTS,
    INSTANCES,
    SERVICES,
    attention_rows,
)
from odbctl.tui.snapshot import ManagerState, ServiceRow, event_rows
from odbctl.tui.text import percent, sparkline
from odbctl.tui.theme import DARK, LIGHT
from odbctl.tui.views import ENTRIES, WORDS, Command, Entry, View, parse_command
from odbctl.units import size

ALL_SPECS = [
    each.specs for each in (SERVICES, INSTANCES, HOSTS, CODEBASES, EVENTS, AWS, DEPLOYS, ATTENTION)
]
ROWS = (
    a_service("api", cpu_percent=5.0, restarts=2),
    a_service("billing", state="degraded", ready=1, cpu_percent=50.0),
    a_service("cron", state="stopped", ready=0, desired=0),
)


def keys(rows: Sequence[ServiceRow]) -> list[str]:
    return [row.key for row in rows]


def arranged(arrangement: Arrangement, rows: Sequence[ServiceRow] = ROWS) -> list[str]:
    arranger = Arranger(SERVICES)
    arranger.choose(arrangement)
    return keys(arranger.arrange(rows))


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a|b)*",
        "(a|aa)+$",
        "((ab)*c)*",
        "(a?){20}",
        "(.*)*x",
        "a*b*c*",
        "a{1,9}b{1,9}c{1,9}",
        "a?" * 20 + "a" * 20,
        "(a|a)" * 20,
        "x" * 500,
    ],
)
def test_patterns_that_may_take_for_ever_are_refused(text: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(text)


@pytest.mark.parametrize("text", ["(", "[", "a**", "(?P<", "\\", "(?<=a*)b", "{,}{"])
def test_a_broken_pattern_never_raises_anything_else(text: str) -> None:
    try:
        compile_pattern(text)
    except PatternError:
        return


@given(st.text(alphabet="ab(|)*+?{}[]^$.\\1,", max_size=24))
def test_what_is_taken_is_quick_on_the_longest_text(text: str) -> None:
    try:
        pattern = compile_pattern(text)
    except PatternError:
        return
    pattern.search("a" * LONGEST_TEXT)


@pytest.mark.parametrize("text", ["^api-[0-9]+$", "web|mail|cron", "(ab)+c", r"\(x\)*", "[*+]", ""])
def test_usual_patterns_are_taken(text: str) -> None:
    assert compile_pattern(text).pattern == text


def test_a_broken_filter_says_so_and_keeps_the_rows_found_last() -> None:
    arranger = Arranger(SERVICES)
    arranger.choose(Arrangement(filter_text="bill"))
    assert keys(arranger.arrange(ROWS)) == ["billing"]
    arranger.choose(Arrangement(filter_text="bill["))
    assert keys(arranger.arrange(ROWS)) == ["billing"]
    assert "bill[" in arranger.problem
    arranger.choose(Arrangement(filter_text="cron"))
    assert (keys(arranger.arrange(ROWS)), arranger.problem) == (["cron"], "")


def test_a_filter_that_takes_too_long_stops_and_keeps_the_rows_found_last() -> None:
    times = iter([0.0, 0.0, 0.0, 0.0, 0.0, *[SCAN_SECONDS * 2] * 9])
    arranger = Arranger(SERVICES, clock=lambda: next(times))
    arranger.choose(Arrangement(filter_text="api"))
    assert keys(arranger.arrange(ROWS)) == ["api"]
    arranger.choose(Arrangement(filter_text="cron"))
    assert keys(arranger.arrange(ROWS)) == ["api"]
    assert "too slow" in arranger.problem


def test_a_row_that_did_not_change_is_not_matched_again() -> None:
    looked_at: list[str] = []

    def values(row: ServiceRow) -> dict[str, str | int | float | None]:
        looked_at.append(row.key)
        return {"NAME": row.key}

    from dataclasses import replace

    arranger = Arranger(replace(SERVICES, values_of=values, searched=("NAME",)))
    arranger.choose(Arrangement(filter_text="i"))
    arranger.arrange(ROWS)
    arranger.arrange((*ROWS[:2], a_service("cron")))
    assert looked_at == ["api", "billing", "cron", "cron"]


@pytest.mark.parametrize(
    ("column", "is_reversed", "names"),
    [
        ("NAME", True, ["cron", "billing", "api"]),
        ("CPU", False, ["api", "billing", "cron"]),
        ("CPU", True, ["billing", "api", "cron"]),
        ("RESTARTS", True, ["api", "billing", "cron"]),
        ("READY", False, ["billing", "api", "cron"]),
        ("NO-SUCH-COLUMN", False, ["api", "billing", "cron"]),
    ],
)
def test_sorting_has_what_is_unknown_last(column: str, is_reversed: bool, names: list[str]) -> None:
    assert arranged(Arrangement(sort_column=column, is_reversed=is_reversed)) == names


def test_a_frozen_table_keeps_its_order_and_takes_new_rows_last() -> None:
    arranger = Arranger(SERVICES)
    by_cpu = Arrangement(sort_column="CPU", is_reversed=True)
    arranger.choose(by_cpu)
    arranger.arrange(ROWS)
    from dataclasses import replace

    arranger.choose(replace(by_cpu, is_frozen=True))
    busy = a_service("api", cpu_percent=99.0)
    assert keys(arranger.arrange((a_service("aaa"), busy, *ROWS[1:]))) == [
        "billing",
        "api",
        "cron",
        "aaa",
    ]


def test_faults_only_leaves_what_is_as_wanted_out() -> None:
    assert arranged(Arrangement(has_faults_only=True)) == ["billing"]


@given(st.sampled_from(ALL_SPECS), st.integers(min_value=0, max_value=400), st.booleans())
def test_no_table_exceeds_its_line(
    specs: tuple[ColumnSpec, ...], width: int, is_wide: bool
) -> None:
    columns = columns_for(specs, width, is_wide)
    gaps = GAP_CELLS * max(len(columns) - 1, 0)
    assert sum(column.width for column in columns) + gaps <= width


@pytest.mark.parametrize("specs", ALL_SPECS)
def test_the_usual_columns_fit_eighty_cells(specs: tuple[ColumnSpec, ...]) -> None:
    names = [column.name for column in columns_for(specs, 78)]
    assert names == [spec.name for spec in specs if spec.from_width <= 78]


def test_wide_shows_what_a_narrow_terminal_leaves_out() -> None:
    names = [column.name for column in columns_for(SERVICES.specs, 78, is_wide=True)]
    assert {"NAME", "STATUS", "CODEBASE", "PLACEMENT", "DEPLOYED"} <= set(names)


def test_every_column_has_a_cell_and_a_value() -> None:
    """Asked of every resource, with a row of its own."""
    checked = [
        check(SERVICES, a_service("api")),
        check(INSTANCES, an_instance("api-1")),
        check(HOSTS, a_host("local")),
        check(CODEBASES, a_codebase("app")),
        check(EVENTS, an_event_row("made")),
        check(DEPLOYS, a_deploy("api", 1)),
        check(ATTENTION, attention_rows(a_snapshot(a_service("x", state="crash-loop")))[0]),
    ]
    assert all(checked)


def check(resource: Resource[Row], row: Row) -> bool:
    names = {spec.name for spec in resource.specs}
    assert names <= set(resource.values_of(row))
    assert names <= set(resource.cells_of(row, NOW))
    assert set(resource.searched) <= set(resource.values_of(row))
    return True


def test_history_is_that_of_a_browser() -> None:
    history = History(View.SERVICES)
    history.go(View.HOSTS)
    history.go(View.HOSTS)
    history.go(View.EVENTS)
    assert [history.move(-1), history.move(-1), history.move(-1)] == [
        View.HOSTS,
        View.SERVICES,
        None,
    ]
    assert history.move(1) is View.HOSTS
    history.go(View.AWS)
    assert (history.move(1), history.current) == (None, View.AWS)


def test_history_forgets_what_was_long_ago() -> None:
    history = History(View.SERVICES)
    for _ in range(MOST_PLACES):
        history.go(View.HOSTS)
        history.go(View.EVENTS)
    assert sum(history.move(-1) is not None for _ in range(3 * MOST_PLACES)) == MOST_PLACES - 1


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_view_has_a_key_a_name_and_an_alias(entry: Entry) -> None:
    view, key, aliases = entry
    for word in (view.value, key, f":{view.value}", *aliases):
        assert parse_command(word) == Command(word.lstrip(":"), view, "")


def test_the_aliases_are_those_of_the_guide() -> None:
    words = {"ov", "svc", "in", "ho", "cb", "ev", "aws", "dp"}
    assert words <= set(WORDS) | {"aws"}
    assert parse_command("svc web !test") == Command("svc", View.SERVICES, "web !test")


@pytest.mark.parametrize(
    ("text", "words"),
    [("servces", "did you mean :services?"), ("evnts", ":events?"), ("zzzz", "svc in ho")],
)
def test_a_command_that_is_none_is_told_what_was_meant(text: str, words: str) -> None:
    told = parse_command(text)
    assert isinstance(told, str)
    assert words in told


def test_attention_has_the_worst_first_and_says_why() -> None:
    snapshot = a_snapshot(
        *ROWS, a_service("dead", state="crash-loop"), manager=ManagerState.STOPPED
    )
    rows = attention_rows(snapshot)
    assert [row.key for row in rows] == ["manager", "service/dead", "service/billing"]
    assert all(row.reason for row in rows)
    assert attention_rows(a_snapshot(a_service("api"))) == ()


def an_event(at: float, reason: str) -> EventDocument:
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


def test_a_repeated_event_stays_the_same_row() -> None:
    before = event_rows([an_event(1, "try")])
    after = event_rows([an_event(1, "try"), an_event(2, "try"), an_event(3, "made")])
    assert [(row.key, row.count, row.at) for row in after][1] == (before[0].key, 2, 2)
    twice = event_rows([an_event(1, "a"), an_event(1, "b"), an_event(1, "a")])
    assert len({row.key for row in twice}) == 3


def test_the_machine_is_known_from_the_second_sample_and_bounded() -> None:
    history = MachineHistory()
    history.add(MachineSample(0, 100, 1000, 250))
    first = history.load(0)
    assert first is not None
    assert first.ram_percents[0] == 75.0
    for n in range(1, 2 * SAMPLES_KEPT):
        history.add(MachineSample(50 * n, 100 + 100 * n, 1000, 500))
    load = history.load(0)
    assert load is not None
    assert len(load.cpu_percents) == len(load.ram_percents) == SAMPLES_KEPT
    assert load.cpu_percents[0] == 50.0


@given(st.floats(min_value=0, max_value=1e15), st.floats(min_value=0, max_value=99_000))
def test_figures_have_at_most_four_characters(byte_count: float, share: float) -> None:
    assert len(size(byte_count)) <= 4 or byte_count >= 2**50
    assert len(percent(share)) <= 4


def test_figures_read_as_people_say_them() -> None:
    assert [size(n) for n in (0, 2**20, 340 * 2**20, 1.2 * 2**30)] == ["0B", "1.0M", "340M", "1.2G"]
    assert [percent(n) for n in (0, 0.44, 12.3, 400)] == ["0%", "0.4%", "12%", "400%"]
    assert sparkline([0, 50, 100], 5, most=100) == "  ▁▅█"
    assert sparkline([1, 2, 3], 2, most=0) == "▁▁"


@pytest.mark.parametrize("width", [1, 20, 80, 200])
def test_crumbs_never_exceed_the_line(width: int) -> None:
    notes = [Cell("3 of 500"), Cell("/mail" * 20), Cell("frozen")]
    text = "".join(cell.text for cell in crumb_cells(("services",), notes, width))
    assert len(text) <= max(width, len("services"))


def test_only_old_data_says_its_age() -> None:
    def text(age: float) -> str:
        return "".join(cell.text for cell in header_cells(a_snapshot(), 100, age_seconds=age))

    assert "old" not in text(1.0)
    assert "12s old" in text(12.0)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("background", ["background", "surface", "panel"])
@pytest.mark.parametrize(
    "name", ["foreground", "secondary", "success", "warning", "error", "accent", "primary"]
)
def test_colours_can_be_read_on_every_background(theme: Theme, background: str, name: str) -> None:
    # WCAG 2.1: 4.5 for text, 3 for what is large, bold or no text.
    least = 4.5 if name == "foreground" else 3.0
    assert contrast(getattr(theme, name), getattr(theme, background)) >= least


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2.1 defines it."""
    brighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(text: str) -> float:
    channels = [channel / 255 for channel in Color.parse(text).rgb]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_ages_are_told_from_the_clock() -> None:
    cells = SERVICES.cells_of(a_service("api"), NOW + 60)
    assert cells["AGE"].text == "1h02m"
