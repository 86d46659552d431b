"""Typed configuration: values fit the annotations of `Config`, or it is said which does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

import pytest

from odbctl.engine.worker.configuration import (
    build_config,
    check_value,
    parse_assignments,
    parse_value,
)
from odbctl.engine.worker.launch import ConfigValue


@dataclass
class Config:
    port: int
    name: str = "main"
    ratio: float = 0.5
    is_loud: bool = False
    limit: int | None = None
    extra: list[str] = field(default_factory=list[str])


class TestBuild:
    def test_makes_the_class_with_its_defaults(self) -> None:
        assert build_config(Config, {"port": 80}) == Config(port=80)

    def test_takes_every_value(self) -> None:
        values: dict[str, ConfigValue] = {"port": 80, "name": "x", "is_loud": True, "limit": None}
        assert build_config(Config, values) == Config(port=80, name="x", is_loud=True)

    def test_without_a_class_hands_the_values_out(self) -> None:
        values: dict[str, ConfigValue] = {"anything": 1}
        built = build_config(None, values)
        assert built == values
        assert built is not values

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({}, "port"),
            ({"port": 80, "prot": 1}, "unknown configuration value 'prot' .*name, port"),
            ({"port": "many"}, "port: 'many' is not int"),
            ({"port": 1.5}, "port: 1.5 is not int"),
            ({"port": True}, "port: True is not int"),
            ({"port": None}, "port: None is not int"),
            ({"port": 80, "is_loud": 1}, "is_loud: 1 is not bool"),
            ({"port": 80, "extra": "a,b"}, "extra: 'a,b' is not list"),
        ],
    )
    def test_says_which_value_is_wrong(self, values: dict[str, ConfigValue], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            build_config(Config, values)

    def test_hears_what_the_class_itself_refuses(self) -> None:
        @dataclass
        class Picky:
            port: int

            def __post_init__(self) -> None:
                if self.port < 1024:
                    raise ValueError("port: below 1024")

        with pytest.raises(ValueError, match="below 1024"):
            build_config(Picky, {"port": 80})


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (int, 3, 3),
        (int, "3", 3),
        (float, 3, 3.0),
        (float, "3", 3.0),
        (str, "3", "3"),
        (bool, "yes", True),
        (int | None, None, None),
        (int | None, "none", None),
    ],
)
def test_stored_values_take_the_annotated_type(
    hint: object, value: ConfigValue, expected: ConfigValue
) -> None:
    checked = check_value("it", hint, value)
    assert checked == expected
    assert type(checked) is type(expected)


@pytest.mark.parametrize(
    ("hint", "text", "expected"),
    [
        (str, "", ""),
        (str, "1", "1"),
        (int, "-7", -7),
        (float, "1e3", 1000.0),
        (float, "2", 2.0),
        (bool, "TRUE", True),
        (bool, "no", False),
        (int | str, "7", 7),
        (int | str, "seven", "seven"),
        (int | float, "7", 7),
        (int | float, "7.5", 7.5),
        (Optional[int], "null", None),  # noqa: UP045 - the old spelling is the rule
        (str | None, "none", None),
        (str | None, "nothing", "nothing"),
    ],
)
def test_text_is_parsed_by_its_annotation(hint: object, text: str, expected: ConfigValue) -> None:
    parsed = parse_value("it", hint, text)
    assert parsed == expected
    assert type(parsed) is type(expected)


@pytest.mark.parametrize(
    ("hint", "text", "message"),
    [
        (int, "1.5", "it: '1.5' is not int"),
        (int, "", "it: '' is not int"),
        (bool, "maybe", "it: 'maybe' is not bool"),
        (int | float, "x", r"it: 'x' is not int \| float"),
    ],
)
def test_text_that_does_not_fit_is_refused(hint: object, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_value("it", hint, text)


class TestAssignments:
    def test_are_parsed_by_the_class(self) -> None:
        words = ["port=80", "name=a=b", "is_loud=yes", "limit=none"]
        expected = {"port": 80, "name": "a=b", "is_loud": True, "limit": None}
        assert parse_assignments(Config, words) == expected

    def test_are_text_without_a_class(self) -> None:
        assert parse_assignments(None, ["port=80", "empty="]) == {"port": "80", "empty": ""}

    @pytest.mark.parametrize(
        ("word", "message"),
        [
            ("port", "'port' is not key=value"),
            ("=80", "'=80' is not key=value"),
            ("prot=80", "unknown configuration value 'prot'"),
            ("port=x", "port: 'x' is not int"),
        ],
    )
    def test_that_are_wrong_are_refused(self, word: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            parse_assignments(Config, [word])
