"""Keys that a person has chosen: what is taken, what is refused, what help says."""

from __future__ import annotations

import pytest
from fakes.dashboard import FakeBackend, a_service, a_snapshot, run_app, until, until_shown
from fakes.flows import a_toolbox
from textual.binding import Binding
from textual.pilot import Pilot

from odbctl.errors import UsageError
from odbctl.tui.app import DashboardApp
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.help_text import help_lines
from odbctl.tui.keymap import action_id, check_keymap, identified, is_changing
from odbctl.tui.opening import key_groups

PATH = "/home/ann/config.toml"


def checked(**keys: str) -> dict[str, str]:
    chosen = {name.replace("_", "-"): value for name, value in keys.items()}
    return check_keymap(chosen, key_groups(), path=PATH)


def test_keys_are_taken_by_the_id_of_their_action() -> None:
    assert checked(start="s", next_row="n,down", help="h,?") == {
        "start": "s",
        "next-row": "n,down",
        "help": "h,question_mark",
    }


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"strat": "s"}, "no action 'strat'"),
        ({"start": ""}, "is not a key"),
        ({"start": "s, ,t"}, "is not a key"),
        ({"start": "f5"}, "terminal's own"),
        ({"filter": "shift+f2"}, "terminal's own"),
        ({"stop": "ctrl+b"}, "multiplexer"),
        ({"every-action": "ctrl+a"}, "multiplexer"),
        ({"start": "x"}, "both"),
        ({"start": "j"}, "both"),
        ({"start": "s", "stop": "s"}, "both"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_file(keys: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        check_keymap(keys, key_groups(), path=PATH)
    assert PATH in caught.value.message
    assert caught.value.hint


def test_an_unknown_action_is_answered_with_a_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        checked(strat="s")
    assert caught.value.hint == "start"


def test_keys_may_be_swapped() -> None:
    assert checked(start="x", stop="u") == {"start": "x", "stop": "u"}


def test_no_default_key_of_a_change_is_a_multiplexers() -> None:
    every = [each for group in key_groups().values() for each in group]
    assert any(isinstance(each, Binding) and is_changing(each) for each in every)
    for bindings in key_groups().values():
        for binding in bindings:
            assert isinstance(binding, Binding)
            assert binding.id == action_id(binding)
            if is_changing(binding):
                keys = set(binding.key.split(","))
                assert not keys & {f"ctrl+{key}" for key in "hjklab"}
                assert not any(key.startswith("f") and key[1:].isdigit() for key in keys)


def test_ids_come_from_descriptions() -> None:
    (binding,) = identified([Binding("n", "next", "Next row, please")])
    assert isinstance(binding, Binding)
    assert binding.id == "next-row-please"


def test_help_shows_the_keys_as_they_are() -> None:
    bindings = identified([Binding("u", "start", "Start"), Binding("slash", "filter", "Filter")])
    lines = help_lines([("Here", bindings)], {"start": "s,question_mark"})
    assert [line.split() for line in lines[1:]] == [["s", "?", "Start"], ["/", "Filter"]]


def test_a_chosen_key_works_and_the_old_one_does_not() -> None:
    backend = FakeBackend(a_snapshot(a_service("api"), a_service("billing")))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await until_shown(pilot, app, "s Start")
        await pilot.press("u", "j", "n", "s")
        await until(pilot, lambda: backend.flows.orders)
        assert backend.flows.orders == [Order(verb=OrderVerb.START, targets=("billing",))]
        await pilot.press("question_mark")
        await until_shown(pilot, app, "n down")

    keymap = checked(start="s", next_row="n,down")
    run_app(backend, scenario, size=(100, 40), toolbox=a_toolbox(backend.flows, keymap=keymap))
