"""Named tuples of quick commands: the same as those of `typing`, made more cheaply."""

from __future__ import annotations

import pickle
import sys
import types
import typing
from typing import Any

import pytest

from odbctl.light_typing import MANY_TUPLES, NamedTuple


class Light(NamedTuple):
    name: str
    amount: int = 1
    note: str = ""

    @property
    def is_many(self) -> bool:
        return self.amount > 1


class Heavy(typing.NamedTuple):
    name: str
    amount: int = 1
    note: str = ""


class Branch(Light):
    """A class below one: no fields of its own."""


# The same classes, for calls that type checkers would refuse.
LIGHT: Any = Light
HEAVY: Any = Heavy


def test_the_class_is_made_here() -> None:
    assert issubclass(Light, tuple)
    assert type(LIGHT) is not type(HEAVY)
    assert not hasattr(Light("a"), "__dict__")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("a",), {}),
        (("a", 2, "b"), {}),
        (("a",), {"note": "b"}),
        ((), {"note": "b", "name": "a"}),
    ],
)
def test_values_are_those_of_typing(values: tuple[object, ...], named: dict[str, object]) -> None:
    light, heavy = LIGHT(*values, **named), HEAVY(*values, **named)
    assert light == heavy == Light._make(heavy)
    assert hash(light) == hash(heavy)
    assert repr(light) == repr(heavy).replace("Heavy", "Light")
    assert light._replace(amount=3) == heavy._replace(amount=3)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        ((), {"amount": 2}),
        (("a", 2, "b", 4), {}),
        (("a",), {"name": "b"}),
        (("a",), {"other": 1}),
    ],
)
def test_wrong_fields_are_refused(values: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        HEAVY(*values, **named)
    with pytest.raises(TypeError):
        LIGHT(*values, **named)


def test_an_unknown_field_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="Light has only name, amount, note"):
        LIGHT("a")._replace(other=1)


def test_fields_are_read_by_name_by_pattern_and_as_a_mapping() -> None:
    light = Light("a", 2)
    assert (light.name, light.amount, light.is_many) == ("a", 2, True)
    assert light._asdict() == {"name": "a", "amount": 2, "note": ""}
    assert (Light._fields, Light._field_defaults) == (Heavy._fields, Heavy._field_defaults)
    match light:
        case Light(name, 2):
            assert name == "a"
        case _:
            pytest.fail("the pattern does not match")
    with pytest.raises(AttributeError):
        LIGHT("a").name = "b"


def test_it_is_pickled_as_what_it_is() -> None:
    copy = pickle.loads(pickle.dumps(Light("a", 2)))
    assert type(copy) is Light
    assert copy == Light("a", 2)


def test_a_derived_class_keeps_the_fields() -> None:
    assert type(Branch("a", 2)) is Branch
    assert Branch("a", 2)._replace(amount=3) == ("a", 3, "")
    assert Branch._fields == Light._fields


def test_defaults_come_last() -> None:
    body = {"__annotations__": {"a": "int", "b": "int"}, "a": 1}
    with pytest.raises(TypeError, match="without a default"):
        types.new_class("Wrong", (NamedTuple,), exec_body=lambda namespace: namespace.update(body))


def test_class_that_is_made_often_makes_tuples_in_one_call_each() -> None:
    class Entry(NamedTuple):
        name: str
        number: int = 7

    def calls_of_one() -> int:
        count = 0

        def note(_frame: object, event: str, _argument: object) -> None:
            nonlocal count
            count += event == "call"

        outer = sys.getprofile()
        sys.setprofile(note)
        try:
            Entry("a")
        finally:
            sys.setprofile(outer)
        return count

    assert calls_of_one() > 1
    made = [Entry(str(number), number) for number in range(2 * MANY_TUPLES)]
    assert made[-1] == (str(2 * MANY_TUPLES - 1), 2 * MANY_TUPLES - 1)
    assert calls_of_one() == 1
    assert Entry("b") == Entry(name="b") == ("b", 7)
    assert Entry("b")._replace(number=1) == Entry._make(["b", 1])
    assert type(Entry("b")) is Entry
    with pytest.raises(TypeError):
        Entry()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - on purpose
    with pytest.raises(TypeError):
        Entry("a", nothing=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - on purpose
