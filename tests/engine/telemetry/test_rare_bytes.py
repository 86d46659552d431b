"""A search by the rarest byte finds what `bytes.find` finds."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from odbctl.engine.telemetry.rare_bytes import TextSearch

LETTERS = st.binary(min_size=1, max_size=4).map(lambda raw: bytes(97 + byte % 3 for byte in raw))
PARTS = st.one_of(LETTERS, st.sampled_from([b"-" * 5000, b"ab" * 3000, b"c" * 9, b"\xff\0\n"]))


def places(find: Callable[[int], int], text: bytes) -> list[int]:
    found = [find(0)]
    while found[-1] >= 0:
        found.append(find(found[-1] + len(text)))
    return found


@given(parts=st.lists(PARTS, max_size=12), text=LETTERS)
def test_finds_the_same_places_as_find_of_bytes(parts: list[bytes], text: bytes) -> None:
    block = b"".join(parts)
    search = TextSearch(block, text)
    assert places(search.find, text) == places(lambda start: block.find(text, start), text)


def test_finds_a_text_behind_a_beginning_that_misled() -> None:
    block = b"-" * 10_000 + b"nnnn" * 10_000 + b"needle" + b"-" * 10
    search = TextSearch(block, b"needle")
    assert search.find(0) == 50_000
    assert search.find(50_001) == -1


def test_finds_nothing_before_the_place_to_begin_at() -> None:
    search = TextSearch(b"b" + b"-" * 5000 + b"baabaab", b"baab")
    assert [search.find(5001), search.find(5002), search.find(5005)] == [5001, 5004, -1]
