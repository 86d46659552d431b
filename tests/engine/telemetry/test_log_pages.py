"""Paging through logs, against what is read line by line from the same real files."""

from __future__ import annotations

import gzip
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.telemetry import log_find
from odbctl.engine.telemetry.inotify import Inotify
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_filter import EVERYTHING, LineFilter
from odbctl.engine.telemetry.log_find import SearchStoppedError
from odbctl.engine.telemetry.log_lanes import LaneChoice
from odbctl.engine.telemetry.log_pages import LogPages, PageLine, Position
from odbctl.engine.telemetry.log_reader import read_lines
from odbctl.engine.telemetry.log_records import rank_of
from odbctl.engine.telemetry.log_sink import LineSink
from odbctl.engine.telemetry.log_span import OUT, SOURCES

SEEDS = range(int(os.environ.get("LOG_SEEDS", "8")))
WORDS = ["alpha", "Beta", "gamma delta", "é漢字", "😀", "[bold]", "x" * 300, "needle", "NEEDLE", ""]
HEADS = [" INFO stdout ", " ERROR stderr ", " WARNING root ", " DEBUG root "]
SMALL = LogLimits(segment_bytes=4096, quota_bytes=2**30)


@pytest.fixture(params=["inotify", "polling"])
def _notices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "polling":
        monkeypatch.setattr(Inotify, "open", staticmethod(lambda: None))


class Writers:
    """Instances that write at random, and sometimes rotate, end a raw line late, or compress."""

    def __init__(self, logs: Path, seed: int, instances: int = 3) -> None:
        self.random = random.Random(seed)
        self.files = [LogFiles.of(logs, "web", f"web-{n}") for n in range(1, instances + 1)]
        for files in self.files:
            os.makedirs(files.folder, exist_ok=True)
        self.sinks = [LineSink(files, SMALL) for files in self.files]
        for sink in self.sinks:
            sink.open()
        self.written = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            place = self.random.randrange(len(self.files))
            kind = self.random.random()
            if kind < 0.1:
                with self.files[place].out.open("ab") as raw:
                    raw.write(f"raw {self.text()}\n".encode())
            elif kind < 0.3:
                text = "\n".join(self.text() for _ in range(3))
                self.sinks[place].add_record(self.random.choice(HEADS), text)
            else:
                lines = [self.text() for _ in range(self.random.randrange(1, 4))]
                self.sinks[place].add(self.random.choice(HEADS), lines)

    def text(self) -> str:
        self.written += 1
        words = self.random.choices(WORDS, k=self.random.randrange(4))
        return " ".join([f"n{self.written}", *words])

    def compress_oldest(self) -> None:
        for files in self.files:
            segments = [path for path in files.segments() if not path.endswith(".gz")]
            if segments:
                compress(segments[0])

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()


def compress(path: str) -> None:
    Path(f"{path}.gz").write_bytes(gzip.compress(Path(path).read_bytes()))
    os.unlink(path)


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[LogPages]:
    with LogPages(tmp_path, "web") as pages:
        yield pages


def naive(writers: Writers) -> list[list[str]]:
    """Return the texts of each source, read line by line."""
    texts: list[list[str]] = []
    for files in writers.files:
        by_source: dict[bool, list[str]] = {False: [], True: []}
        for line in read_lines([files]):
            by_source[line.text.startswith("raw ")] += line.text.split("\n")
        texts += [by_source[False], by_source[True]]
    return texts


def by_chain(lines: list[PageLine]) -> list[list[str]]:
    chains = max((line.chain for line in lines), default=0) // len(SOURCES) + 1
    texts: list[list[str]] = [[] for _ in range(2 * chains)]
    for line in lines:
        texts[2 * (line.chain // len(SOURCES)) + line.chain % len(SOURCES)].append(line.text)
    return texts


def all_forward(
    pages: LogPages, chance: random.Random, only: LineFilter = EVERYTHING
) -> list[PageLine]:
    lines: list[PageLine] = []
    position = Position()
    while page := pages.forward(position, chance.randrange(1, 60), only):
        lines += page
        for line in page:
            position = position.after(line)
    return lines


def all_backward(
    pages: LogPages, chance: random.Random, only: LineFilter = EVERYTHING
) -> list[PageLine]:
    lines: list[PageLine] = []
    position = pages.end
    while page := pages.backward(position, chance.randrange(1, 60), only):
        lines = page + lines
        for line in reversed(page):
            position = position.before(line)
    return lines


@pytest.mark.parametrize("seed", SEEDS)
def test_pages_in_either_direction_are_the_lines_that_are_there(tmp_path: Path, seed: int) -> None:
    writers = Writers(tmp_path, seed)
    writers.write(400)
    writers.compress_oldest()
    with LogPages(tmp_path, "web") as pages:
        forward = all_forward(pages, writers.random)
        assert by_chain(forward) == naive(writers)
        assert all_backward(pages, writers.random) == forward
        times = [line.at for line in forward if line.chain % len(SOURCES) != SOURCES.index(OUT)]
        assert times == sorted(times)
    writers.close()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("word", ["needle", "n1.*needle", "é漢", "[ab]eta", "n.\\s", "INFO", "a$"])
def test_finding_is_a_naive_scan(tmp_path: Path, seed: int, word: str) -> None:
    writers = Writers(tmp_path, seed)
    writers.write(250)
    flags = re.IGNORECASE if writers.random.random() < 0.5 else 0
    pattern = re.compile(word, flags)
    with LogPages(tmp_path, "web") as pages:
        every = pages.forward(Position(), None)
        wanted = [line for line in every if pattern.search(line.text)]
        assert_finds(pages, pattern, wanted)
    writers.close()


def assert_finds(
    pages: LogPages, pattern: re.Pattern[str], wanted: list[PageLine], only: LineFilter = EVERYTHING
) -> None:
    """Look for a pattern to the end, back to the start, and count."""
    position = Position()
    found: list[PageLine] = []
    while (hit := pages.find(position, pattern, only=only)) is not None:
        found.append(hit.line)
        position = hit.position.after(hit.line)
    assert found == wanted
    position, found = pages.end, []
    while (hit := pages.find(position, pattern, is_backward=True, only=only)) is not None:
        found.append(hit.line)
        position = hit.position
    assert found[::-1] == wanted
    counter = pages.counter(pattern, only)
    assert counter.advance(lambda: False)
    assert counter.is_complete
    assert counter.total == len(wanted)
    for place in range(0, len(wanted), 7):
        assert counter.rank(pages.position_of(wanted[place])) == place


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_lines_around_those_of_a_filter_are_searched_and_counted(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:
        monkeypatch.setattr(log_find, "FIRST_BLOCK_BYTES", 500)
        monkeypatch.setattr(log_find, "BLOCK_BYTES", 500)
    writers = Writers(tmp_path, seed, instances=2)
    writers.write(80)
    pattern = re.compile("alpha|eta")
    filters = [
        LineFilter(pattern=re.compile("needle"), around=2),
        LineFilter(pattern=re.compile("5$"), around=3),
        LineFilter(level="ERROR", around=1),
    ]
    with LogPages(tmp_path, "web") as pages:
        every = pages.forward(Position(), None)
        for only in filters:
            shown = kept(every, only)
            assert [line for line in every if pages.is_shown(line, only)] == shown
            wanted = [line for line in shown if pattern.search(line.text)]
            assert_finds(pages, pattern, wanted, only)
    writers.close()


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_a_counter_counts_lines_that_come_to_be_shown(tmp_path: Path, seed: int) -> None:
    writers = Writers(tmp_path, seed, instances=2)
    pattern, only = re.compile("n"), LineFilter(pattern=re.compile("needle"), around=3)
    with LogPages(tmp_path, "web") as pages:
        counter = pages.counter(pattern, only)
        for _ in range(40):
            writers.write(writers.random.randrange(3))
            pages.refresh()
            if writers.random.random() < 0.3:
                counter.advance(lambda: True)
            counter.advance(lambda: False)
            shown = kept(pages.forward(Position(), None), only)
            assert counter.total == sum(pattern.search(line.text) is not None for line in shown)
    writers.close()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("around", [0, 2])
def test_a_filter_keeps_the_same_lines_in_either_direction(
    tmp_path: Path, seed: int, around: int
) -> None:
    writers = Writers(tmp_path, seed)
    writers.write(250)
    filters = [
        LineFilter(pattern=re.compile("needle"), around=around),
        LineFilter(pattern=re.compile("n.*a"), is_without=True, around=around),
        LineFilter(level="WARNING", around=around),
        LineFilter(pattern=re.compile("needle"), level="ERROR", around=around),
    ]
    with LogPages(tmp_path, "web") as pages:
        every = pages.forward(Position(), None)
        for only in filters:
            wanted = kept(every, only)
            assert all_forward(pages, writers.random, only) == wanted
            assert all_backward(pages, writers.random, only) == wanted
    writers.close()


def kept(every: list[PageLine], only: LineFilter) -> list[PageLine]:
    """Filter naively, each source by itself."""
    shown: set[tuple[int, object]] = set()
    for chain in {line.chain for line in every}:
        own = [line for line in every if line.chain == chain]
        for place, line in enumerate(own):
            if only.pattern is not None:
                is_found = only.pattern.search(line.text) is not None
                if is_found == only.is_without:
                    continue
            if only.level is not None and rank_of(line.level) < rank_of(only.level):
                continue
            near = own[max(0, place - only.around) : place + only.around + 1]
            shown |= {(chain, other.start) for other in near}
    return [line for line in every if (line.chain, line.start) in shown]


@pytest.mark.usefixtures("_notices")
@pytest.mark.parametrize("seed", SEEDS)
def test_following_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    writers = Writers(tmp_path, seed)
    writers.write(20)
    with LogPages(tmp_path, "web") as pages:
        position = pages.end
        seen = pages.forward(Position(), None)
        counted = len(seen)
        for _ in range(25):
            writers.write(writers.random.randrange(40))
            if writers.random.random() < 0.3:
                writers.compress_oldest()
            counted += pages.refresh().new_lines
            page = pages.forward(position, None)
            seen += page
            for line in page:
                position = position.after(line)
        assert by_chain(seen) == naive(writers)
        assert counted == len(seen)
        assert pages.notices == ()
    writers.close()


def test_the_position_of_a_time(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 1)
    writers.write(500)
    with LogPages(tmp_path, "web") as pages:
        every = pages.forward(Position(), None)
        logs = [line for line in every if line.stream != "stdout" or line.chain % 3 == 0]
        for line in logs[::17]:
            after = pages.forward(pages.at_time(line.at), None)
            wanted = [other for other in every if other.at >= line.at]
            assert [x for x in after if x.chain % 3 == 0] == [x for x in wanted if x.chain % 3 == 0]
        assert pages.forward(pages.at_time(0.0), None) == every
        assert pages.forward(pages.at_time(every[-1].at + 1e9), 1) == []
    writers.close()


@pytest.mark.usefixtures("_notices")
def test_a_log_that_is_removed_is_told_and_still_read(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 1, instances=1)
    writers.sinks[0].add(HEADS[0], ["before", "the end"])
    with LogPages(tmp_path, "web") as pages:
        os.unlink(writers.files[0].log_path)
        eventually(lambda: has_notices(pages))
        assert pages.notices == ("the log of web-1 was removed",)
        assert [line.text for line in pages.forward(Position(), None)] == ["before", "the end"]
        # Its writer goes on: in a flood through the window, too.
        flood = [f"more {number} {'x' * 50}" for number in range(300)]
        for text in flood:
            writers.sinks[0].add(HEADS[0], [text])
        eventually(lambda: count_after_a_look(pages) == 302)
        writers.close()
        again = LineSink(writers.files[0])
        again.open()
        again.add(HEADS[0], ["anew"])
        eventually(lambda: pages.refresh().is_changed)
        texts = [line.text for line in pages.forward(Position(), None)]
        assert texts == ["before", "the end", *flood, "anew"]
        again.close()


def count_after_a_look(pages: LogPages) -> int:
    pages.refresh()
    return len(pages.forward(Position(), None))


def has_notices(pages: LogPages) -> bool:
    pages.refresh()
    return bool(pages.notices)


def test_a_log_that_is_emptied_in_place_is_told(tmp_path: Path, pages: LogPages) -> None:
    writers = Writers(tmp_path, 1, instances=1)
    writers.sinks[0].add(HEADS[0], ["before"])
    eventually(lambda: pages.refresh().is_changed)
    os.truncate(writers.files[0].log_path, 0)
    writers.sinks[0].add(HEADS[0], ["x"])
    eventually(lambda: has_notices(pages))
    assert pages.notices == ("1 old file was removed",)
    assert [line.text for line in pages.forward(Position(), None)] == ["x"]
    writers.close()


def test_what_rotated_and_was_compressed_between_two_looks_is_read_once(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 1, instances=1)
    sink = writers.sinks[0]
    sink.add(HEADS[0], ["first"])
    with LogPages(tmp_path, "web") as pages:
        position = pages.end
        sink.add(HEADS[0], [f"line {n} {'x' * 80}" for n in range(60)])
        sink.add(HEADS[0], ["last"])
        segments = writers.files[0].segments()
        assert segments
        for path in segments:
            compress(path)
        pages.refresh()
        texts = [line.text.split(" x")[0] for line in pages.forward(position, None)]
        assert texts == [*(f"line {n}" for n in range(60)), "last"]
    writers.close()


def test_a_service_that_never_ran_gets_its_logs_later(tmp_path: Path, pages: LogPages) -> None:
    assert pages.is_empty
    assert not pages.refresh().is_changed
    assert pages.fraction(pages.end) == 1.0
    writers = Writers(tmp_path, 1, instances=2)
    writers.sinks[0].add(HEADS[0], ["hello"])
    assert eventually(lambda: pages.refresh().new_lines) == 1
    assert pages.lanes == ("web-1", "web-2")
    assert [line.text for line in pages.forward(Position(), None)] == ["hello"]
    writers.close()


def test_only_the_instances_that_are_asked_for_and_new_ones(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 1)
    with LogPages(tmp_path, "web", instances=["web-2"]) as pages:
        Writers(tmp_path, 2, instances=5).close()
        eventually(lambda: pages.refresh().is_changed)
        assert pages.lanes == ("web-2", "web-4", "web-5")
    with LogPages(tmp_path, "web", instances=["web-2"], is_growing=False) as pages:
        assert pages.lanes == ("web-2",)
    writers.close()


def test_logs_of_several_services_are_merged_by_time(tmp_path: Path) -> None:
    web = Writers(tmp_path, 1)
    jobs = [LogFiles.of(tmp_path, "job", f"job-{n}") for n in (1, 2)]
    for files in jobs:
        os.makedirs(files.folder, exist_ok=True)
    sinks = [LineSink(files, SMALL) for files in jobs]
    for sink in sinks:
        sink.open()
    also = [LaneChoice("job", ("job-1",), is_growing=False)]
    with LogPages(tmp_path, "web", instances=["web-2"], also=also) as pages:
        for number, sink in enumerate([web.sinks[1], sinks[0], web.sinks[0], web.sinks[1]]):
            sink.add(HEADS[0], [f"line {number}"])
        sinks[1].add(HEADS[0], ["of another instance"])

        def shown() -> int:
            pages.refresh()
            return len(pages.forward(pages.start, None))

        eventually(lambda: shown() == 3)
        assert pages.lanes == ("web-2", "job-1")
        lines = pages.forward(pages.start, None)
        assert [line.at for line in lines] == sorted(line.at for line in lines)
        found = sorted((pages.lane_of(line), line.text) for line in lines)
        assert found == [(0, "line 0"), (0, "line 3"), (1, "line 1")]
    for sink in sinks:
        sink.close()
    web.close()


def test_an_unfinished_line_is_shown_after_a_while(tmp_path: Path) -> None:
    now = [100.0]
    files = LogFiles.of(tmp_path, "web", "web-1")
    files.out.parent.mkdir()
    files.out.write_bytes(b"whole\nname? ")
    with LogPages(tmp_path, "web", clock=lambda: now[0]) as pages:
        assert [line.text for line in pages.forward(Position(), None)] == ["whole"]
        now[0] += 1.5
        pages.refresh()
        page = pages.forward(Position(), None)
        assert [line.text for line in page] == ["whole", "name? "]
        position = Position().after(page[-1])
        with files.out.open("ab") as raw:
            raw.write(b"\nnext\n")
        now[0] += 3
        pages.refresh()
        assert [line.text for line in pages.forward(position, None)] == ["next"]


def test_a_search_that_nobody_waits_for_stops(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 1)
    writers.write(50)
    with LogPages(tmp_path, "web") as pages:
        with pytest.raises(SearchStoppedError):
            pages.find(Position(), re.compile("absent"), should_stop=lambda: True)
        counter = pages.counter(re.compile("n"))
        counter.advance(lambda: True)
        assert not counter.is_complete
    writers.close()


def test_a_counter_goes_on_with_what_comes(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 1, instances=1)
    writers.sinks[0].add(HEADS[0], ["needle"])
    with LogPages(tmp_path, "web") as pages:
        counter = pages.counter(re.compile("needle"))
        counter.advance(lambda: False)
        assert counter.total == 1
        for total in range(2, 200):
            writers.sinks[0].add(HEADS[0], ["a needle in hay" * 5])
            pages.refresh()
            counter.advance(lambda: False)
            assert counter.total == total
    writers.close()


def test_a_very_long_line_is_kept_in_part_and_read_whole(tmp_path: Path, pages: LogPages) -> None:
    writers = Writers(tmp_path, 1, instances=1)
    text = "".join(f"{n}," for n in range(200_000)) + "needle"
    writers.sinks[0].add(HEADS[0], [text, "next"])
    eventually(lambda: pages.refresh().is_changed)
    long, after = pages.forward(Position(), None)
    assert len(long.raw) < 100_000
    assert long.size == len(text)
    assert pages.whole_text(long) == text
    assert after.text == "next"
    found = pages.find(Position(), re.compile("needle"))
    assert found is not None
    assert found.line == long
    writers.close()


def test_json_has_a_level_of_its_own(tmp_path: Path, pages: LogPages) -> None:
    writers = Writers(tmp_path, 1, instances=1)
    writers.sinks[0].add(HEADS[0], ['{"level": "error", "msg": "no"}', "plain", '{"level": 10}'])
    eventually(lambda: pages.refresh().is_changed)
    shown = pages.forward(Position(), None, LineFilter(level="ERROR"))
    assert [line.text for line in shown] == ['{"level": "error", "msg": "no"}']
    writers.close()
