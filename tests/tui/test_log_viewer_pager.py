"""The pager over real log files, against a list of all their lines."""

from __future__ import annotations

import gzip
import os
import random
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.logs import BEGAN_AT, FakeLogs
from waiting import eventually

from odbctl.engine.api.log_pages import EVERYTHING, LineFilter, LogPages, PageLine, Place, never
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_sink import LineSink
from odbctl.tui.logs.frame import LogFrame
from odbctl.tui.logs.layout import LineStyle, Times, screen_lines
from odbctl.tui.logs.pager import LogPager
from odbctl.tui.logs.worker import LogWorker

WIDTH, HEIGHT = 40, 9
LINE = PageLine(
    chain=0,
    start=Place(0, 0),
    end=Place(0, 0),
    at=0.0,
    said_level="INFO",
    stream="stdout",
    raw=b"",
    size=0,
    goes_on=False,
)
STYLE = LineStyle(width=WIDTH, times=Times.NONE)


class Log:
    """An instance that logs."""

    def __init__(self, logs: Path, chance: random.Random) -> None:
        self.files = LogFiles.of(logs, "web", "web-1")
        os.makedirs(self.files.folder)
        self.sink = LineSink(self.files, LogLimits(segment_bytes=4096, quota_bytes=2**30))
        self.sink.open()
        self.texts: list[str] = []
        self._chance = chance

    def log(self, count: int) -> None:
        for _ in range(count):
            words = self._chance.choices(["alpha", "needle", "漢字", "x" * 50], k=3)
            text = f"{len(self.texts)} {' '.join(words)}"
            self.texts.append(text)
            self.sink.add(" INFO stdout ", [text])

    def compress(self) -> None:
        for path in self.files.segments():
            if not path.endswith(".gz"):
                Path(f"{path}.gz").write_bytes(gzip.compress(Path(path).read_bytes()))
                os.unlink(path)

    def screen(self, texts: list[str], *, is_wrapped: bool) -> list[str]:
        """Return what texts take on the screen."""
        made: list[str] = []
        for text in texts:
            raw = text.encode()
            line = LINE._replace(raw=raw, size=len(raw))
            style = replace(STYLE, is_wrapped=is_wrapped)
            made += ["".join(run.text for run in one) for one in screen_lines(line, 0, style)]
        return made


@pytest.fixture(params=range(6))
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


@pytest.fixture
def log(tmp_path: Path, chance: random.Random) -> Iterator[Log]:
    log = Log(tmp_path, chance)
    yield log
    log.sink.close()


def shown(pager: LogPager) -> list[str]:
    return ["".join(run.text for run in line) for line in pager.frame().lines]


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_moving_about_shows_what_a_list_of_all_lines_would(
    tmp_path: Path, log: Log, chance: random.Random, is_wrapped: bool
) -> None:
    log.log(150)
    every = log.screen(log.texts, is_wrapped=is_wrapped)
    last = len(every) - HEIGHT
    with LogPages(tmp_path, "web") as pages:
        style = replace(STYLE, is_wrapped=is_wrapped)
        pager = LogPager(pages, style=style, height=HEIGHT)
        pager.show_end()
        top = last
        for _ in range(120):
            step = chance.choice([1, -1, 3, -3, HEIGHT - 2, 2 - HEIGHT, 40, -40, 1_000, -1_000])
            pager.move(step)
            top = min(max(top + step, 0), last)
            assert shown(pager) == every[top : top + HEIGHT]
            assert pager.is_following == (top == last)


def test_following_through_rotation_shows_the_end_and_a_pause_loses_nothing(
    tmp_path: Path, log: Log, chance: random.Random
) -> None:
    log.log(30)
    with LogPages(tmp_path, "web") as pages:
        pager = LogPager(pages, style=STYLE, height=HEIGHT)
        pager.show_end()
        for _ in range(12):
            log.log(chance.randrange(60))
            if chance.random() < 0.4:
                log.compress()
            eventually(lambda: not pager.tick() and pages.refresh())
            assert shown(pager) == log.screen(log.texts, is_wrapped=True)[-HEIGHT:]
        pager.move(-1)
        before, count = shown(pager), len(log.texts)
        for _ in range(8):
            log.log(chance.randrange(1, 60))
            if chance.random() < 0.4:
                log.compress()
            pager.tick()
            assert shown(pager) == before
        assert pager.frame().new_lines == len(log.texts) - count
        every = log.screen(log.texts, is_wrapped=True)
        place = next(n for n in range(len(every)) if every[n : n + HEIGHT] == before)
        while not pager.is_following:
            assert shown(pager) == every[place : place + HEIGHT]
            pager.page(1)
            place += HEIGHT - 2
        assert shown(pager) == every[-HEIGHT:]
        assert pager.frame().new_lines == 0


def test_following_with_a_filter_shows_the_last_that_pass(
    tmp_path: Path, log: Log, chance: random.Random
) -> None:
    log.log(40)
    with LogPages(tmp_path, "web") as pages:
        pager = LogPager(pages, style=replace(STYLE, is_wrapped=False), height=HEIGHT)
        pager.show_end()
        pager.set_filter(LineFilter(pattern=re.compile("needle")))
        for _ in range(10):
            log.log(chance.randrange(30))
            pager.tick()
            wanted = [text for text in log.texts if "needle" in text]
            assert shown(pager) == log.screen(wanted, is_wrapped=False)[-HEIGHT:]


def test_a_resize_keeps_the_end_or_the_first_line(tmp_path: Path, log: Log) -> None:
    log.log(80)
    with LogPages(tmp_path, "web") as pages:
        pager = LogPager(pages, style=replace(STYLE, is_wrapped=False), height=HEIGHT)
        pager.show_end()
        for width, height in [(1, 1), (200, 60), (3, 2), (WIDTH, HEIGHT)]:
            pager.resize(width, height)
            assert pager.is_following
            assert len(pager.frame().lines) == height
        pager.show_start()
        pager.move(10)
        first = pager.shown[0]
        for width, height in [(200, 30), (20, 3), (WIDTH, HEIGHT)]:
            pager.resize(width, height)
            assert pager.shown[0] == first


def test_the_pager_holds_a_screenful_however_much_comes(tmp_path: Path, log: Log) -> None:
    with LogPages(tmp_path, "web") as pages:
        pager = LogPager(pages, style=STYLE, height=HEIGHT)
        pager.show_end()
        for _ in range(30):
            log.log(100)
            pager.tick()
            pager.frame()
            assert len(pager.shown) <= HEIGHT + 1


def wait_for(frames: list[str], text: str) -> None:
    eventually(lambda: frames and frames[-1].endswith(text))


def test_the_worker_shows_what_is_written(tmp_path: Path, log: Log) -> None:
    frames: list[str] = []

    def keep(frame: LogFrame) -> None:
        frames.append("".join(run.text for run in frame.lines[-1]) if frame.lines else "")

    before = set(threading.enumerate())
    worker = LogWorker(lambda: LogPages(tmp_path, "web"), keep, tick_seconds=0.01)
    worker.start()
    for number in range(5):
        log.sink.add(" INFO stdout ", [f"line {number}"])
        wait_for(frames, f"line {number}")
    worker.stop()
    assert set(threading.enumerate()) <= before


def a_pager_at(word: str) -> LogPager:
    """Return a pager over 1,000 lines whose search went to a word, the same row each time."""
    logs = FakeLogs(*(f"line {n} {'even' if n % 2 == 0 else 'odd'}" for n in range(1_000)))
    source = logs.open()
    source.refresh()
    pager = LogPager(source, style=LineStyle(width=60), height=HEIGHT)
    pager.show_end()
    pager.search(re.compile(word))
    return pager


@pytest.mark.parametrize("pattern", ["even", "line 500", "line 99[0-9]"])
def test_a_filter_keeps_the_place_and_ending_it_leads_back(pattern: str) -> None:
    pager = a_pager_at("line 500 ")
    before = shown(pager)
    row = next(n for n, text in enumerate(before) if "line 500 " in text)
    pager.set_filter(LineFilter(pattern=re.compile(pattern)))
    filtered = shown(pager)
    assert not pager.is_following
    if pattern == "even":
        assert "line 500 " in filtered[row]
        assert len(filtered) == HEIGHT
    pager.set_filter(EVERYTHING)
    assert shown(pager) == before


def test_a_filter_changed_after_moving_keeps_the_new_place() -> None:
    pager = a_pager_at("line 500 ")
    pager.set_filter(LineFilter(pattern=re.compile("even")))
    pager.page(5)
    current, place = pager.current, pager.cursor_lines
    pager.set_filter(EVERYTHING)
    assert (pager.current, pager.cursor_lines) == (current, place)


def text_of(pager: LogPager) -> str:
    assert pager.current is not None
    return pager.current.text


def test_the_cursor_goes_from_line_to_line_and_stays_on_the_screen(
    tmp_path: Path, log: Log, chance: random.Random
) -> None:
    log.log(120)
    with LogPages(tmp_path, "web") as pages:
        pager = LogPager(pages, style=STYLE, height=HEIGHT)
        pager.show_end()
        place = len(log.texts) - 1
        for _ in range(150):
            step = chance.choice([1, -1, 4, -4, 30, -30])
            while (text := text_of(pager)) == log.texts[place] and step:
                before = (place, shown(pager), pager.is_following)
                pager.step(1 if step > 0 else -1)
                step -= 1 if step > 0 else -1
                if text_of(pager) != text:
                    place += 1 if text_of(pager) == log.texts[min(place + 1, 119)] else -1
                elif (place, shown(pager), pager.is_following) == before:
                    assert place in (0, len(log.texts) - 1)
                    break
                first, lines = pager.cursor_lines
                assert (first >= 0 and first + lines <= HEIGHT) or lines > HEIGHT
                assert pager.is_following == (place == len(log.texts) - 1)
            assert text_of(pager) == log.texts[place]


def test_the_cursor_scrolls_through_a_line_longer_than_the_screen() -> None:
    source = FakeLogs("before", "x" * 700, "after", "end").open()
    source.refresh()
    pager = LogPager(source, style=replace(STYLE, width=60), height=HEIGHT)
    pager.show_start()
    seen: set[int] = set()
    while text_of(pager) != "after":
        pager.step(1)
        seen.add(pager.cursor_lines[0])
    assert {0, -1, -2} <= seen
    pager.step(-1)
    seen_up: list[int] = []
    while text_of(pager) != "before":
        seen_up.append(pager.cursor_lines[0])
        pager.step(-1)
    assert len(seen_up) > 2
    assert seen_up == list(range(seen_up[0], 1))
    for _ in range(20):
        pager.step(1)
    assert (text_of(pager), pager.is_following) == ("end", True)


def test_search_begins_at_the_cursor_and_lands_on_it() -> None:
    pager = a_pager_at("line 500 ")
    assert text_of(pager) == "line 500 even"
    pager.search(re.compile("even"))
    assert text_of(pager) == "line 500 even"
    pager.step(3)
    for is_backward, wanted in [(False, 504), (True, 502), (True, 500), (False, 502)]:
        pager.find_next(is_backward=is_backward)
        assert text_of(pager) == f"line {wanted} even"


def test_the_cursor_stays_on_its_line_when_lines_are_shown_another_way() -> None:
    pager = a_pager_at("line 500 ")
    pager.step(3)
    for width, height in [(60, 2), (8, 5), (200, 40), (60, HEIGHT)]:
        pager.resize(width, height)
        pager.toggle_wrap()
        first, lines = pager.cursor_lines
        assert text_of(pager) == "line 503 odd"
        assert 0 <= first <= max(height - lines, 0)
        assert not pager.is_following


def test_the_cursor_follows_where_lines_are_scrolled_paged_and_looked_up_by_time() -> None:
    pager = a_pager_at("line 500 ")
    pager.go_to_time(BEGAN_AT + 699.5)
    assert text_of(pager) == "line 700 even"
    bottom = pager.shown[-1]
    while pager.current != bottom:
        pager.step(1)
    pager.move(-2)  # its line has left the screen
    assert pager.current == pager.shown[-1] != bottom
    pager.show_start()
    pager.step(3)
    pager.page(-1)
    assert text_of(pager).startswith("line 0 ")


def test_the_cursor_pauses_in_a_log_that_fits_the_screen() -> None:
    logs = FakeLogs("one", "two")
    source = logs.open()
    source.refresh()
    pager = LogPager(source, height=HEIGHT)
    pager.show_end()
    pager.show_start()
    assert (text_of(pager), pager.is_following) == ("one", False)
    logs.log("three")
    pager.tick()
    assert text_of(pager) == "one"
    pager.step(2)
    assert (text_of(pager), pager.is_following) == ("three", True)
    logs.log("four")
    pager.tick()
    assert text_of(pager) == "four"


def test_a_filter_while_following_goes_on_following() -> None:
    source = FakeLogs("a hare", "a needle").open()
    source.refresh()
    pager = LogPager(source, height=HEIGHT)
    pager.show_end()
    pager.set_filter(LineFilter(pattern=re.compile("hare")))
    assert pager.is_following


def test_hits_are_counted_among_what_a_filter_shows() -> None:
    pager = a_pager_at("line 50")
    pager.count(never)
    assert pager.frame().search == "/line 50  1 of 11"
    pager.set_filter(LineFilter(pattern=re.compile("odd")))
    pager.count(never)
    # The line that the search went to is not shown: it has no place among those that are.
    assert pager.frame().search == "/line 50  5"
    pager.find_next(is_backward=False)
    assert pager.frame().search == "/line 50  1 of 5"


def test_hits_around_the_lines_of_a_filter_are_counted_and_found() -> None:
    pager = a_pager_at("line 50")
    pager.set_filter(LineFilter(pattern=re.compile("line 509"), around=4))
    pager.count(never)
    assert pager.frame().search == "/line 50  5"
    pager.find_next(is_backward=False)
    assert text_of(pager) == "line 505 odd"
    assert pager.frame().search == "/line 50  1 of 5"


@pytest.mark.parametrize("number", [991, 992, 996, 998, 999])
def test_a_time_near_the_end_has_the_cursor_on_its_line(number: int) -> None:
    """There the first line of the screen is an earlier one, so that the screen is full."""
    pager = a_pager_at("line 500 ")
    pager.go_to_time(BEGAN_AT + number - 0.5)
    assert text_of(pager).startswith(f"line {number} ")
    assert pager.is_following == (number == 999)
    assert len(pager.shown) == HEIGHT
