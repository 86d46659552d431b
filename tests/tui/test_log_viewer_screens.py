"""The log viewer, driven by keys, over logs in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.dashboard import is_scrolled_to, screen_lines, screen_text, until, until_shown
from fakes.logs import BEGAN_AT, FakeLogs
from textual.app import App
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Button, Input

from odbctl.errors import NotFoundError
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.logs.frame import LogFrame
from odbctl.tui.logs.layout import ScreenLine
from odbctl.tui.logs.record import RecordDialog
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.logs.source import LogRequest
from odbctl.tui.logs.view import LogView
from odbctl.tui.theme import DARK, LIGHT

MANY = tuple(f"line {n}" for n in range(1_000))


class LogApp(App[None]):
    """An app that shows one log."""

    def __init__(self, logs: FakeLogs, request: LogRequest) -> None:
        super().__init__()
        self.log_screen = LogScreen(logs.open, request, clock=lambda: BEGAN_AT + len(logs.lines))
        self.copied: list[str] = []
        self.suspensions = 0

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.push_screen(self.log_screen)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    @contextmanager
    def suspend(self) -> Generator[None]:
        self.suspensions += 1
        yield

    @property
    def view(self) -> LogView:
        return self.log_screen.panel.view

    @property
    def frame(self) -> LogFrame:
        return self.view.frame

    @property
    def current(self) -> str:
        """The text of the line under the cursor, as it is drawn."""
        marked = [self.frame.lines[y] for y in range(len(self.frame.lines)) if self.is_marked(y)]
        return "".join(map(text_of, marked))

    def is_marked(self, y: int) -> bool:
        """Return whether a line is drawn as the one under the cursor."""
        if self.view.size.height <= y:
            return False
        drawn = next(iter(self.view.render_line(y))).style
        return drawn is not None and drawn.bgcolor != self.view.rich_style.bgcolor

    @property
    def texts(self) -> list[str]:
        """The lines on the screen, without what stands before them."""
        return [text_of(line) for line in self.frame.lines]


def text_of(line: ScreenLine) -> str:
    """Return a line without its time and its level, or without its indent."""
    styles = [run.style for run in line]
    place = next((n for n, style in enumerate(styles) if style.startswith("level")), None)
    if place is None:
        return "".join(run.text for run in line[1:])
    return "".join(run.text for run in line[place + 1 :])[1:]


Scenario = Callable[[Pilot[None], LogApp], Awaitable[None]]


def run_viewer(
    logs: FakeLogs,
    scenario: Scenario,
    *,
    size: tuple[int, int] = (80, 24),
    request: LogRequest | None = None,
) -> None:
    async def run() -> None:
        app = LogApp(logs, request or LogRequest(service="api"))
        async with app.run_test(size=size) as pilot:
            await scenario(pilot, app)

    asyncio.run(run())
    # Leaving ends the threads that read.
    deadline = time.monotonic() + 10
    while logs.open_count:
        assert time.monotonic() < deadline


async def until_texts(pilot: Pilot[None], app: LogApp, *texts: str) -> None:
    """Wait until these are among the lines on the screen."""
    try:
        await until(pilot, lambda: all(text in app.texts for text in texts), timeout_seconds=15)
    except AssertionError as error:
        raise AssertionError(f"{texts} not in {app.texts}") from error


async def until_first(pilot: Pilot[None], app: LogApp, text: str) -> None:
    await until(pilot, lambda: app.texts[0] == text)


async def until_current(pilot: Pilot[None], app: LogApp, text: str) -> None:
    await until(pilot, lambda: app.current == text)


async def until_count(pilot: Pilot[None], app: LogApp, count: int) -> None:
    await until(pilot, lambda: len(app.texts) == count)


def test_it_opens_at_the_end_and_follows() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await until_shown(pilot, app, "following")
        logs.log("something new")
        await until_shown(pilot, app, "something new")
        assert app.texts[-1] == "something new"
        assert app.texts[0] == f"line {1_000 - len(app.texts) + 1}"

    run_viewer(logs, scenario)


def test_scrolled_up_it_holds_still_and_counts_what_comes() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await pilot.press("k", "k")
        await until_shown(pilot, app, "paused")
        shown = app.texts
        logs.log(*(f"new {n}" for n in range(1_234)))
        await until_shown(pilot, app, "+1,234 new — G")
        assert app.texts == shown
        assert app.current == "line 997"
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: app.texts == [*shown[1:], "new 0"])
        assert app.current == "new 0"
        await pilot.press("ctrl+b", "ctrl+f")
        await until_texts(pilot, app, "line 999", "new 0")
        await pilot.press("G")
        await until_texts(pilot, app, "new 1233")
        await until_shown(pilot, app, "following")
        logs.log("last")
        await until_texts(pilot, app, "last")

    run_viewer(logs, scenario)


def test_every_key_that_moves() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        height = len(app.texts)
        page, end = height - 2, 1_000 - height
        moves = [
            ("g", 0, 0),
            ("j", 0, 1),
            ("down", 0, 2),
            ("k", 0, 1),
            ("ctrl+f", page, page + 1),
            ("pagedown", 2 * page, 2 * page + 1),
            ("ctrl+b", page, page + 1),
            ("up", page, page),
            ("k", page - 1, page - 1),
            ("ctrl+b", 0, 0),
            ("j", 0, 1),
            ("pageup", 0, 0),
            ("end", end, 999),
            ("home", 0, 0),
            ("G", end, 999),
        ]
        for key, first, current in moves:
            await pilot.press(key)
            await until_current(pilot, app, f"line {current}")
            assert app.texts[0] == f"line {first}"
            assert len(app.texts) == height
            is_at_end = current == 999
            assert app.frame.is_following == is_at_end

    run_viewer(logs, scenario)


def test_scrolling_down_to_the_end_follows_again() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await pilot.press("k")
        await until_shown(pilot, app, "paused")
        await pilot.press("j")
        await until_shown(pilot, app, "following")

    run_viewer(logs, scenario)


def test_search_goes_from_match_to_match_and_counts() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await pilot.press("g", "slash", *"Ine 7", "enter")
        await until_shown(pilot, app, "not found: Ine 7")
        await pilot.press("slash", *"ine 77", "enter")
        await until_shown(pilot, app, "1 of 11")
        await until_texts(pilot, app, "line 77")
        await pilot.press("n")
        await until_shown(pilot, app, "2 of 11")
        await until_texts(pilot, app, "line 770")
        await pilot.press("N", "N")
        await until_shown(pilot, app, "11 of 11")
        await until_shown(pilot, app, "continued at the end")
        assert "line 779" in app.texts
        found = [run for line in app.frame.lines for run in line if run.style == "found-here"]
        assert [run.text for run in found] == ["ine 77"]
        logs.log("line 77 again")
        await until_shown(pilot, app, "11 of 12")
        await pilot.press("escape")
        await until(pilot, lambda: not app.frame.search)

    run_viewer(logs, scenario)


def test_a_search_without_an_end_is_stopped_by_esc() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        logs.is_endless = True
        await pilot.press("slash", *"absent", "enter")
        await until_shown(pilot, app, "searching")
        await pilot.press("escape")
        await until_shown(pilot, app, "stopped")
        assert isinstance(app.screen, LogScreen)
        await pilot.press("ampersand", *"absent", "enter")
        await until_shown(pilot, app, "searching")
        await pilot.press("escape")
        await until_shown(pilot, app, "stopped")
        assert app.texts[-1] == "line 999"

    run_viewer(logs, scenario)


def test_a_pattern_that_is_none_is_told() -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        for key in ("slash", "ampersand"):
            await pilot.press(key, *"(x", "enter")
            await until_shown(pilot, app, "not a valid pattern")
            await pilot.press("n")
            await until_shown(pilot, app, "nothing to search for")

    run_viewer(FakeLogs(*MANY), scenario)


def test_a_filter_shows_some_lines_with_those_around() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await pilot.press("ampersand", *"line 50$", "enter")
        await until(pilot, lambda: app.texts == ["line 50"])
        await until_shown(pilot, app, "&line 50$")
        await pilot.press("plus")
        await until(pilot, lambda: app.texts == ["line 49", "line 50", "line 51"])
        await pilot.press("minus")
        await until(pilot, lambda: app.texts == ["line 50"])
        await pilot.press("ampersand", *"!line +0", "enter")
        await until_shown(pilot, app, "No line matches the filter; esc shows all")
        logs.log("other")
        await until(pilot, lambda: app.texts == ["other"])
        await pilot.press("escape")
        await until_texts(pilot, app, "line 999", "other")
        await pilot.press("ampersand", *"50$ +2", "enter")
        await until_texts(pilot, app, "line 948", "line 950", "line 952")

    run_viewer(logs, scenario)


def test_the_level_key_raises_the_threshold() -> None:
    logs = FakeLogs("plain")
    logs.log("quiet", level="DEBUG")
    logs.log("careful", level="WARNING")
    logs.log("broken", '{"level": "fatal", "msg": "x"}', level="ERROR")

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "quiet", "broken")
        expected = [5, 4, 3, 2, 5]
        for count in expected:
            await pilot.press("L")
            await until_count(pilot, app, count)
        logs.log("more", level="INFO")
        await until_texts(pilot, app, "more")

    run_viewer(logs, scenario)


def test_paused_with_a_filter_only_what_passes_is_counted() -> None:
    logs = FakeLogs(*MANY)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await pilot.press("ampersand", *"line", "enter", "k")
        await until_shown(pilot, app, "paused")
        logs.log("line of interest", "noise", "noise")
        await until_shown(pilot, app, "+1 new — G")

    run_viewer(logs, scenario)


def test_times_are_shown_in_four_ways() -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_shown(pilot, app, "hello")
        clock = time.strftime("%H:%M:%S", time.localtime(BEGAN_AT))
        date = time.strftime("%Y-%m-%d", time.localtime(BEGAN_AT))
        await until_shown(pilot, app, f"{clock}.000 I hello")
        assert date not in screen_text(app)
        await pilot.press("t")
        await until_shown(pilot, app, f"{date} {clock}.000 I hello")
        await pilot.press("t")
        await until_shown(pilot, app, "1s I hello")
        await pilot.press("t")
        await until(pilot, lambda: screen_lines(app)[1].strip() == "I hello")

    run_viewer(FakeLogs("hello"), scenario)


def test_long_lines_are_wrapped_or_cut_and_moved_sideways() -> None:
    text = "".join(f"<{n}>" for n in range(60))

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_shown(pilot, app, "<59>")
        assert len(app.frame.lines) > 1
        await pilot.press("w")
        await until_shown(pilot, app, "not wrapped")
        assert len(app.frame.lines) == 1
        assert "<59>" not in screen_text(app)
        await pilot.press(*["right"] * 11)
        await until_shown(pilot, app, "<59>")
        await pilot.press(*["left"] * 12)
        await until_shown(pilot, app, "<0>")
        await pilot.press("w")
        await until_shown(pilot, app, "<59>")

    run_viewer(FakeLogs(text), scenario)


@pytest.mark.parametrize("typed", ["clock", "-8m", "iso"])
def test_going_to_a_time(typed: str) -> None:
    at = BEGAN_AT + 520

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        words = {
            "clock": time.strftime("%H:%M:%S", time.localtime(at)),
            "iso": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(at)),
        }.get(typed, typed)
        keys = {":": "colon", "-": "minus"}
        await pilot.press("at", *(keys.get(c, c) for c in words), "enter")
        await until(pilot, lambda: app.texts[0] == "line 520")
        await pilot.press("at", *"soon", "enter")
        await until_shown(pilot, app, "'soon' is not a time")

    run_viewer(FakeLogs(*MANY), scenario)


def test_lanes_keep_their_colour() -> None:
    logs = FakeLogs("from one", lanes=("api-1", "api-2"))
    logs.log("from two", lane=1)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_shown(pilot, app, "api-1│from one")
        await until_shown(pilot, app, "api-2│from two")
        colours = [line[3].style for line in app.frame.lines]
        logs.lanes = ("api-1", "api-2", "api-3")
        logs.log("from three", lane=2)
        await until_shown(pilot, app, "api-3│from three")
        assert [line[3].style for line in app.frame.lines] == [*colours, "lane-2"]

    run_viewer(logs, scenario)


def test_copying_takes_the_lines_on_the_screen_whole() -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "red")
        await pilot.press("k", "c")
        await until(pilot, lambda: app.copied == ["red"])
        await until_shown(pilot, app, "copied 1 line")
        await pilot.press("C")
        await until(pilot, lambda: len(app.copied) == 2)
        assert app.copied[1] == "red\n" + "x" * 40_000
        await until_shown(pilot, app, "copied 2 lines")

    run_viewer(FakeLogs("\x1b[31mred\x1b[0m", "x" * 40_000), scenario, size=(200, 400))


def test_saving_asks_for_a_name_and_before_it_overwrites(tmp_path: Path) -> None:
    logs = FakeLogs("first", "\x1b[2Jsecond")
    target = tmp_path / "kept.txt"

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "first")
        prompt = app.log_screen.query_one("#log-prompt", Input)
        await pilot.press("s")
        assert prompt.value.startswith("logs-")
        prompt.value = str(target)
        await pilot.press("enter")
        await until_shown(pilot, app, "saved 2 lines")
        lines = target.read_text().splitlines()
        assert [line.split(" ", 1)[1] for line in lines] == [
            "api-1 INFO first",
            "api-1 INFO second",
        ]
        target.write_text("precious")
        await pilot.press("s")
        prompt.value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        assert target.read_text() == "precious"
        await pilot.press("s")
        prompt.value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        button = app.screen.query_one("#confirm", Button)
        await until(pilot, lambda: not button.disabled)
        button.press()
        await until(pilot, lambda: target.read_text().endswith("second\n"))
        await pilot.press("s")
        prompt.value = str(tmp_path / "no" / "folder")
        await pilot.press("enter")
        await until_shown(pilot, app, "not saved")

    run_viewer(logs, scenario, size=(200, 60))


def test_a_pager_gets_the_text_and_its_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = tmp_path / "got"
    monkeypatch.setenv("PAGER", f"dd of={got} status=none")

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        await pilot.press("P")
        assert app.suspensions == 1
        assert got.read_text().count("\n") == 1_000
        monkeypatch.setenv("PAGER", "/does/not/exist")
        await pilot.press("P")
        await until_shown(pilot, app, "No such file")

    run_viewer(FakeLogs(*MANY), scenario)


def test_a_record_is_shown_whole_and_json_pretty() -> None:
    logs = FakeLogs("an error")
    logs.log("Traceback", '  File "x"', "ValueError: no", goes_on=True)
    logs.log('{"level": "info", "é": {"a": [1, 2]}}')

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "an error")
        await pilot.press("k", "k", "enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog))
        await until_shown(pilot, app, "ValueError: no")
        await pilot.press("c", "escape")
        assert app.copied == ['an error\nTraceback\n  File "x"\nValueError: no']
        await pilot.press("slash", *"info", "enter")
        await until_shown(pilot, app, "1 of 1")
        await pilot.press("enter")
        await until_shown(pilot, app, '  "é": {')
        await pilot.press("q")
        assert isinstance(app.screen, LogScreen)

    run_viewer(logs, scenario)


def test_a_long_record_is_scrolled() -> None:
    logs = FakeLogs("first")
    logs.log(*(f"more {n}" for n in range(60)), goes_on=True)

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "more 59")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog))
        text = app.screen.query_one(VerticalScroll)
        for key, line in [("j", 1), ("k", 0), ("ctrl+f", 10), ("ctrl+b", 0)]:
            await pilot.press(key)
            await until(pilot, is_scrolled_to(text, line))

    run_viewer(logs, scenario)


def test_the_run_before_and_all_runs() -> None:
    logs = FakeLogs("here")
    plain = LogRequest(service="api", instance="api-7")

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "here")
        assert screen_lines(app)[0].strip() == "api-7 logs"
        logs.failure = NotFoundError("previous run of service", "api")
        await pilot.press("p")
        await until_shown(pilot, app, "previous run")
        await until_shown(pilot, app, "no previous run of service")
        logs.failure = None
        await until_texts(pilot, app, "here")
        await pilot.press("p", "A")
        await until_shown(pilot, app, "all instances")
        await until_texts(pilot, app, "here")
        asked = [(r.is_previous, r.is_everything) for r in logs.requests]
        assert asked[0] == (False, False)
        assert (True, False) in asked
        assert asked[-1] == (False, True)
        await until(pilot, lambda: logs.open_count == 1)

    run_viewer(logs, scenario, request=plain)


def test_a_service_that_never_ran_says_so_until_it_does() -> None:
    logs = FakeLogs()

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_shown(pilot, app, "No log lines yet")
        for key in ("g", "G", "j", "k", "ctrl+f", "ctrl+b", "n", "t", "w", "L", "c", "enter"):
            await pilot.press(key)
        await until_shown(pilot, app, "No line matches the filter")
        await pilot.press("escape")
        logs.log("at last")
        await until_shown(pilot, app, "at last")

    run_viewer(logs, scenario)


def test_a_log_that_is_removed_is_told_and_stays_on_the_screen() -> None:
    logs = FakeLogs("precious")

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_shown(pilot, app, "precious")
        logs.notices = ("the log of api-1 was removed",)
        logs.log("x")
        await until_shown(pilot, app, "the log of api-1 was removed")
        assert "precious" in screen_text(app)

    run_viewer(logs, scenario)


HOSTILE = (
    "\x1b[31mred\x1b[0m and \x1b]52;c;AAAA\x07 \x1b[2J\x1b[H home",
    "[bold]not[/] [link=https://example.org]markup[/nope]",
    "漢字 emoji 👩\u200d👩\u200d👧 😀 é \u202ertl",
    "tab\there\x07bell\x00nul",
    "10%\r20%\rdone",
    "\x1b[38;2;1;2;3mtrue\x1b[38;5;9;1mcolour\x1b[999mx",
)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_what_a_log_says_cannot_steer_the_screen(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_shown(pilot, app, "red and   home")
        text = screen_text(app)
        assert "[bold]not[/] [link=https://example.org]markup[/nope]" in text
        assert "漢字 emoji" in text
        assert "\\u202ertl" in text
        assert "\\x07bell" in text
        assert "done" in text
        assert "20%" not in text
        assert "truecolourx" in text
        for strip in (app.view.render_line(y) for y in range(app.view.size.height)):
            assert strip.cell_length == app.view.size.width
            assert "\x1b" not in strip.text

    run_viewer(FakeLogs(*HOSTILE), scenario, size=size)


@pytest.mark.parametrize("size", [(1, 1), (60, 24), (120, 15), (3, 40)])
def test_a_small_terminal_asks_for_more_room(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await pilot.press("k", "j", "g", "G", "w", "t", "L", "L")
        text = screen_text(app)
        assert "line" not in text
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, app, "line 999")

    run_viewer(FakeLogs(*MANY), scenario, size=size)


def test_a_pane_is_drawn_in_any_size() -> None:
    logs = FakeLogs(*HOSTILE, *MANY, "漢" * 300, lanes=("api-1", "api-2"))

    class PaneApp(App[None]):
        def compose(self) -> Iterator[LogView]:
            yield LogView(logs.open, title="api log", is_passive=True)

    async def run() -> None:
        app = PaneApp()
        async with app.run_test(size=(80, 24)) as pilot:
            for size in [(1, 1), (2, 3), (7, 2), (200, 60), (80, 24)]:
                await pilot.resize_terminal(*size)
                view = app.query_one(LogView)
                await until(pilot, lambda: app.query_one(LogView).frame.lines)
                view.tell(lambda pager: pager.move(-3))
                view.tell(lambda pager: pager.page(-1))
                view.tell(lambda pager: pager.show_end())
            await until(pilot, lambda: "漢" in screen_text(app))

    asyncio.run(run())


def test_a_very_long_line_does_not_slow_it() -> None:
    logs = FakeLogs(*MANY, "x" * 1_000_000, "after")

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "after")
        await until_shown(pilot, app, "1,000,000 bytes, enter shows all")
        await pilot.press("w", *["right"] * 20)
        await pilot.press("g", "G")
        await until(pilot, lambda: app.frame.is_following)

    run_viewer(logs, scenario)


def test_nothing_new_draws_nothing_and_a_new_line_only_what_changed() -> None:
    logs = FakeLogs("one", "two")

    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "two")
        await pilot.pause(0.3)
        before = app.view.lines_rendered
        await pilot.pause(0.5)
        assert app.view.lines_rendered == before
        logs.log("three")
        await until_texts(pilot, app, "three")
        await pilot.pause()
        # The new line, and the one that the cursor leaves.
        assert app.view.lines_rendered == before + 2

    run_viewer(logs, scenario)


def test_help_lists_the_keys_and_esc_goes_back() -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        footer = " ".join(screen_lines(app)[-1].split())
        assert footer == "/ Search & Filter @ Time L Level ? Help esc Back"
        await pilot.press("question_mark")
        await until_shown(pilot, app, "Next match")
        await pilot.press("escape")
        await until_shown(pilot, app, "line 999")
        await pilot.press("slash", "escape")
        assert isinstance(app.screen, LogScreen)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LogScreen))

    run_viewer(FakeLogs(*MANY), scenario, size=(80, 50))


def test_both_themes_are_drawn() -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        dark = app.view.render_line(0)
        app.theme = LIGHT.name
        await pilot.pause()
        assert app.view.render_line(0) != dark

    run_viewer(FakeLogs(*MANY), scenario)


def test_a_terminal_that_was_too_small_has_its_keys_and_footer_again() -> None:
    async def scenario(pilot: Pilot[None], app: LogApp) -> None:
        await until_texts(pilot, app, "line 999")
        footer = screen_lines(app)[-1]
        assert "/ Search" in footer
        await pilot.resize_terminal(40, 10)
        await until_shown(pilot, app, "enlarge")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen_lines(app)[-1] == footer)
        await pilot.press("g")
        await until_first(pilot, app, "line 0")

    run_viewer(FakeLogs(*MANY), scenario)
