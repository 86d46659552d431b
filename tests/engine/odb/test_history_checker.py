"""The checker of histories finds each anomaly, and nothing in good histories."""

from __future__ import annotations

from typing import Any

from history_checker import Transaction, anomalies


def names(*history: Transaction) -> list[str]:
    return [each.name for each in anomalies(list(history))]


def at_once(name: str, **rest: Any) -> Transaction:
    """A transaction that overlaps all others."""
    return Transaction(name, 0.0, 9.0, **rest)


def test_serial_history_is_good() -> None:
    assert not names(
        Transaction("a", 0, 1, reads={"x": []}, appends={"x": ["1"]}),
        Transaction("b", 2, 3, reads={"x": ["1"]}, appends={"x": ["2"], "y": ["3"]}),
        Transaction("c", 4, 5, reads={"x": ["1", "2"]}),
    )


def test_lost_update_is_found() -> None:
    one = at_once("a", reads={"x": []}, appends={"x": ["1"]})
    other = at_once("b", reads={"x": []}, appends={"x": ["2"]})
    assert names(one, other)[0] == "lost update"


def test_write_skew_is_found() -> None:
    one = at_once("a", reads={"x": [], "y": []}, appends={"x": ["1"]})
    other = at_once("b", reads={"x": [], "y": []}, appends={"y": ["2"]})
    assert names(one, other) == ["write skew"]


def test_aborted_read_is_found() -> None:
    one = at_once("a", is_committed=False, reads={"x": []}, appends={"x": ["1"]})
    assert "aborted read" in names(one, at_once("b", reads={"x": ["1"]}))


def test_read_of_what_nobody_wrote_is_found() -> None:
    assert names(at_once("a", reads={"x": ["1"]})) == ["read from nowhere"]


def test_intermediate_read_is_found() -> None:
    one = at_once("a", reads={"x": []}, appends={"x": ["1", "2"]})
    assert names(one, at_once("b", reads={"x": ["1"]})) == ["intermediate read"]


def test_long_fork_is_found() -> None:
    assert names(
        at_once("a", reads={"x": []}, appends={"x": ["1"]}),
        at_once("b", reads={"y": []}, appends={"y": ["2"]}),
        at_once("c", reads={"x": ["1"], "y": []}),
        at_once("d", reads={"x": [], "y": ["2"]}),
    ) == ["long fork"]


def test_phantom_is_found() -> None:
    assert names(
        at_once("a", found={"s": set()}, entered={("s", "1")}),
        at_once("b", found={"s": set()}, entered={("s", "2")}),
    ) == ["phantom"]


def test_member_that_left_too_late_is_found() -> None:
    assert names(
        Transaction("a", 0, 1, entered={("s", "1")}),
        at_once("b", found={"s": {"1"}}, reads={"x": ["9"]}),
        at_once("c", left={("s", "1")}, reads={"x": []}, appends={"x": ["9"]}),
    ) == ["phantom"]


def test_stale_read_is_found() -> None:
    assert names(
        Transaction("a", 0, 1, reads={"x": []}, appends={"x": ["1"]}),
        Transaction("b", 2, 3, reads={"x": []}),
    ) == ["stale read"]


def test_concurrent_reader_may_see_either() -> None:
    writer = Transaction("a", 0, 5, reads={"x": []}, appends={"x": ["1"]})
    assert not names(writer, Transaction("b", 1, 2, reads={"x": []}))
    assert not names(writer, Transaction("b", 1, 2, reads={"x": ["1"]}))
