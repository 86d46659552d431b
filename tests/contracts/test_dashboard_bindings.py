"""Every key of the dashboard does what the help says: pressed, and its effect seen.

For each binding there is a `Press` here, or the name of a test that presses it.
A binding without either fails, and so does an entry without a binding.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from fakes.dashboard import FakeBackend, run_app, screen_text, until
from fakes.flows import FakeFlows
from fakes.full_home import full_backend, full_toolbox
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.pilot import Pilot

from odbctl.tui.app import DashboardApp
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.detail_tabs import SummaryPane
from odbctl.tui.dialogs import (
    ConfirmDialog,
    CountDialog,
    DeafDialog,
    TypedDialog,
)
from odbctl.tui.flows.lists import ListDialog
from odbctl.tui.flows.menu_dialog import ActionsDialog
from odbctl.tui.flows.orders import OrderVerb
from odbctl.tui.flows.plan_dialog import PlanDialog
from odbctl.tui.flows.ref_dialog import RefDialog
from odbctl.tui.flows.release_dialog import ReleaseDialog
from odbctl.tui.flows.watch_screen import WatchScreen
from odbctl.tui.frame_paint import NEXT
from odbctl.tui.frame_screen import EVERYWHERE
from odbctl.tui.help_dialog import HelpDialog
from odbctl.tui.logs.record import RecordDialog
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.opening import key_groups
from odbctl.tui.prompt import Prompt
from odbctl.tui.release_screen import ReleaseInfo
from odbctl.tui.screens.make import screen_class
from odbctl.tui.screens.text_screen import TextScreen, TextView
from odbctl.tui.table import RowTable
from odbctl.tui.views import ENTRIES, View

TESTS = Path(__file__).parent.parent / "tui"
SIZE = (110, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running dashboard over the fake."""

    app: DashboardApp
    pilot: Pilot[None]
    backend: FakeBackend

    @property
    def screen(self) -> Any:
        return self.app.screen

    @property
    def table(self) -> Any:
        """The table that has the cursor, None where there is none."""
        return next(iter(cast("Any", self.app.screen).query(RowTable)), None)

    @property
    def place(self) -> int:
        return -1 if self.table is None else self.table.cursor_index

    @property
    def last(self) -> int:
        return -1 if self.table is None else len(self.table.rows) - 1

    @property
    def chosen(self) -> Any:
        return self.table.arrangement

    def shows(self, text: str) -> bool:
        return text in screen_text(self.app)

    def is_at(self, view: View) -> bool:
        return getattr(self.screen, "view", None) is view

    @property
    def flows(self) -> FakeFlows:
        return cast("FakeFlows", self.app.toolbox.make_flows())

    def was_done(self, verb: OrderVerb) -> bool:
        return any(order.verb is verb for order in self.flows.orders)

    def asked_for_previous(self) -> bool:
        return self.screen._request.is_previous if self.is_log else False

    @property
    def is_log(self) -> bool:
        return isinstance(self.screen, LogScreen)


Seen = Callable[[World], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a key is seen to do; before and after, the keys that make ready and undo it."""

    seen: Seen
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    # Whether the key must be pressed last of all, for it ends the screen's run.
    is_last: bool = False
    # Whether there is nothing to be seen: the key does nothing here.
    is_idle: bool = False


Entry = Press | str
Table = dict[str, Entry]


def front(kind: type[Any]) -> Seen:
    return lambda world: isinstance(world.screen, kind)


def at(view: View) -> Seen:
    return lambda world: world.is_at(view)


BACK = ("escape",)
ROWS: Table = {
    "move(1)": Press(before=["g"], seen=lambda w: w.place == 1),
    "move(-1)": Press(before=["G"], seen=lambda w: w.place == w.last - 1),
    "page(1)": Press(before=["g"], seen=lambda w: w.place == w.last),
    "page(-1)": Press(before=["G"], seen=lambda w: w.place == 0),
    "edge(-1)": Press(before=["G"], seen=lambda w: w.place == 0),
    "edge(1)": Press(before=["g"], seen=lambda w: w.place == w.last, after=["g"]),
}
ARRANGED: Table = {
    "sort": Press(seen=lambda w: w.table.is_choosing, after=BACK),
    "freeze": Press(seen=lambda w: w.chosen.is_frozen, after=["Z"]),
    "faults": Press(seen=lambda w: w.chosen.has_faults_only, after=["exclamation_mark"]),
    "wide": Press(seen=lambda w: w.chosen.is_wide, after=["w"]),
    "columns(1)": "test_arrows_scroll_the_columns_of_a_wide_table",
    "columns(-1)": "test_arrows_scroll_the_columns_of_a_wide_table",
    "mark": Press(before=["g"], seen=lambda w: w.table.marked, after=[*BACK, "g"]),
    "copy": Press(before=["g"], seen=lambda w: w.app.clipboard == w.table.cursor_key),
}
FRAME: Table = {
    "help": Press(seen=front(HelpDialog), after=BACK),
    "app.quit": Press(seen=lambda w: w.app.return_code == 0, is_last=True),
}
COMMON: Table = {
    **ROWS,
    **ARRANGED,
    **FRAME,
    "filter": Press(seen=lambda w: w.screen.prompt.is_open, after=BACK),
    "up": Press(before=["exclamation_mark"], seen=lambda w: not w.chosen.has_faults_only),
    "describe": Press(seen=front(TextScreen), after=BACK),
}
NAVIGATION: Table = {
    **{
        f"app.go('{entry.view}')": Press(
            before=["3" if entry.view is View.SERVICES else "2"],
            seen=at(entry.view),
            after=["2"],
        )
        for entry in ENTRIES
    },
    "app.history(-1)": Press(before=["2", "3"], seen=at(View.SERVICES)),
    "app.history(1)": Press(
        before=["2", "3", "left_square_bracket"], seen=at(View.INSTANCES), after=["2"]
    ),
    "command": Press(seen=lambda w: w.screen.prompt.is_open, after=BACK),
    "app.command_palette": Press(seen=front(CommandPalette), after=BACK),
}
LOGS: Table = {
    "logs": Press(seen=lambda w: w.is_log and not w.asked_for_previous(), after=BACK),
}
LOGS_BEFORE: Table = {
    "logs_before": Press(seen=lambda w: w.asked_for_previous(), after=BACK),
}
ASKING: Table = {
    "stop": Press(seen=lambda w: w.shows("Stop api"), after=BACK),
    "actions": Press(seen=front(ActionsDialog), after=BACK),
}
CHANGES: Table = {
    **ASKING,
    "start": Press(seen=lambda w: w.was_done(OrderVerb.START)),
    "restart": Press(seen=lambda w: w.shows("Restart api: 3 instances"), after=BACK),
    "scale": Press(seen=front(CountDialog), after=BACK),
    "deploy": Press(seen=front(RefDialog), after=BACK),
    "roll_back": Press(seen=front(ReleaseDialog), after=BACK),
}


def tab(name: str) -> Seen:
    return lambda world: getattr(world.screen, "crumbs", ("",))[-1] == name


GROUPS: dict[str, Table] = {
    "overview": {
        **COMMON,
        **LOGS,
        "logs": Press(before=["g", "j"], seen=lambda w: w.is_log, after=BACK),
        "open": Press(before=["g"], seen=at(View.HOSTS), after=["1"]),
        # What needs attention is no object: the help does not offer it here.
        "describe": Press(seen=at(View.OVERVIEW), is_idle=True),
    },
    "services": {
        **COMMON,
        **NAVIGATION,
        **LOGS,
        **LOGS_BEFORE,
        **CHANGES,
        "open": Press(seen=front(DetailScreen), after=BACK),
    },
    "instances": {
        **COMMON,
        **LOGS,
        **LOGS_BEFORE,
        **ASKING,
        "open": Press(seen=lambda w: w.shows(f"services {NEXT} api-1"), after=BACK),
    },
    "hosts": {
        **COMMON,
        "open": Press(
            seen=lambda w: w.is_at(View.INSTANCES) and "host=" in w.chosen.filter_text,
            after=["4"],
        ),
    },
    "codebases": {
        **COMMON,
        "open": Press(
            seen=lambda w: w.is_at(View.SERVICES) and "codebase=" in w.chosen.filter_text,
            after=["5"],
        ),
    },
    "events": {**COMMON, "open": Press(seen=front(TextScreen), after=BACK)},
    "aws": {**COMMON, "open": Press(seen=front(TextScreen), after=BACK)},
    "deploys": {
        **COMMON,
        "open": Press(seen=lambda w: w.shows(f"services {NEXT} api"), after=BACK),
    },
    "detail": {
        **ROWS,
        **FRAME,
        **CHANGES,
        **LOGS,
        "logs": Press(seen=lambda w: w.is_log, after=BACK),
        "logs(True)": Press(seen=lambda w: w.asked_for_previous(), after=BACK),
        "up": Press(seen=at(View.SERVICES), after=["enter"]),
        "tab(1)": Press(before=["1"], seen=tab("logs"), after=["1"]),
        "tab(-1)": Press(before=["1"], seen=tab("releases"), after=["1"]),
        "show('summary')": Press(before=["3"], seen=tab("summary")),
        **{
            f"show('{name}')": Press(before=["1"], seen=tab(name), after=["1"])
            for name in ("logs", "events", "metrics", "config", "releases")
        },
        "open": Press(before=["g"], seen=lambda w: w.shows(f"services {NEXT} api-1"), after=BACK),
        "range(1)": Press(before=["4"], seen=lambda w: w.shows("last 1 day"), after=["t", "t"]),
        "series(1)": "test_metrics_go_through_ranges_and_instances",
        "series(-1)": "test_metrics_go_through_ranges_and_instances",
        "command": Press(before=["1"], seen=lambda w: w.screen.prompt.is_open, after=BACK),
        "app.command_palette": Press(seen=front(CommandPalette), after=BACK),
    },
    "logs": {
        "app.command_palette": "test_the_palette_opens_on_a_log_and_takes_what_was_typed_ahead",
        "help": "test_help_lists_the_keys_and_esc_goes_back",
        "app.pop_screen": "test_the_log_has_a_screen_of_its_own_and_the_pane_rests",
        "previous": "test_the_run_before_and_all_runs",
        "everything": "test_the_run_before_and_all_runs",
        "ask('SEARCH')": "test_search_goes_from_match_to_match_and_counts",
        "ask('FILTER')": "test_a_filter_shows_some_lines_with_those_around",
        "ask('TIME')": "test_going_to_a_time",
        "ask('SAVE')": "test_saving_asks_for_a_name_and_before_it_overwrites",
        "level": "test_the_level_key_raises_the_threshold",
        "around(1)": "test_a_filter_shows_some_lines_with_those_around",
        "around(-1)": "test_a_filter_shows_some_lines_with_those_around",
        "record": "test_a_record_is_shown_whole_and_json_pretty",
        "copy": "test_copying_takes_the_lines_on_the_screen_whole",
        "copy_line": "test_copying_takes_the_lines_on_the_screen_whole",
        "pager": "test_a_pager_gets_the_text_and_its_failure_is_told",
        "leave": "test_a_search_without_an_end_is_stopped_by_esc",
        "move(1)": "test_every_key_that_moves",
        "move(-1)": "test_every_key_that_moves",
        "page(1)": "test_every_key_that_moves",
        "page(-1)": "test_every_key_that_moves",
        "start": "test_every_key_that_moves",
        "end": "test_every_key_that_moves",
        "shift(-1)": "test_long_lines_are_wrapped_or_cut_and_moved_sideways",
        "shift(1)": "test_long_lines_are_wrapped_or_cut_and_moved_sideways",
        "find(1)": "test_search_goes_from_match_to_match_and_counts",
        "find(-1)": "test_search_goes_from_match_to_match_and_counts",
        "times": "test_times_are_shown_in_four_ways",
        "wrap": "test_long_lines_are_wrapped_or_cut_and_moved_sideways",
    },
}


def scrolled(kind: str) -> Callable[[World], float]:
    return lambda world: world.screen.query_one(kind).scroll_y


def focused(selector: str) -> Seen:
    return lambda w: w.app.focused is not None and w.app.focused is w.screen.query_one(selector)


class Dialog:
    """Dialogs and what else hears keys: how one comes there from the services, and its keys."""

    def __init__(self, bindings: Iterable[BindingType], keys: Sequence[str], table: Table) -> None:
        self.bindings = list(bindings)
        self.keys = keys
        self.table = table


GONE = at(View.SERVICES)
BUTTONS: Table = {
    "step(1)": Press(seen=focused("#confirm"), after=["left"]),
    "step(-1)": Press(before=["right"], seen=focused("#cancel")),
}
DIALOGS: dict[str, Dialog] = {
    "confirm": Dialog(
        [*DeafDialog.BINDINGS, *ConfirmDialog.BINDINGS],
        ["x"],
        {
            **BUTTONS,
            "answer(False)": Press(seen=GONE, after=["x"]),
        },
    ),
    "typed": Dialog(
        TypedDialog.BINDINGS,
        [],
        {"cancel": "test_what_is_typed_ahead_does_not_reach_a_typed_dialog"},
    ),
    "count": Dialog(
        CountDialog.BINDINGS, ["equals_sign"], {"cancel": Press(seen=GONE, after=["equals_sign"])}
    ),
    "help": Dialog(
        HelpDialog.BINDINGS,
        ["question_mark"],
        {
            "scroll(1)": "test_a_long_help_is_scrolled",
            "scroll(-1)": "test_a_long_help_is_scrolled",
            "page(1)": "test_a_long_help_is_scrolled",
            "page(-1)": "test_a_long_help_is_scrolled",
            "leave": Press(seen=GONE, after=["question_mark"]),
            "close": Press(seen=GONE, after=["question_mark"]),
        },
    ),
    "menu": Dialog(
        ListDialog.BINDINGS,
        ["a"],
        {
            "cancel": Press(seen=GONE, after=["a"]),
            "choose": "test_enter_takes_the_action_under_the_cursor",
        },
    ),
    "refs": Dialog(
        RefDialog.BINDINGS,
        ["D"],
        {
            "move(1)": Press(before=["pageup"], seen=lambda w: w.place == 1),
            "move(-1)": Press(before=["pagedown"], seen=lambda w: w.place == w.last - 1),
            "page(1)": Press(before=["pageup"], seen=lambda w: w.place == w.last),
            "page(-1)": Press(before=["pagedown"], seen=lambda w: w.place == 0),
            "ask_again": "test_refs_are_asked_for_again",
            "choose": Press(seen=front(PlanDialog), after=[*BACK, "D"]),
            "cancel": Press(seen=GONE, after=["D"]),
        },
    ),
    "plan": Dialog(
        PlanDialog.BINDINGS,
        ["D", "enter"],
        {
            **BUTTONS,
            "scroll(1)": "test_a_long_plan_is_scrolled",
            "scroll(-1)": "test_a_long_plan_is_scrolled",
            "scroll(10)": "test_a_long_plan_is_scrolled",
            "scroll(-10)": "test_a_long_plan_is_scrolled",
            "cancel": Press(seen=GONE, after=["D", "enter"]),
        },
    ),
    "watch": Dialog(
        WatchScreen.BINDINGS,
        [],
        {
            "leave": "test_esc_sends_a_rollout_to_the_background_which_tells_its_end",
            "close": "test_a_deploy_from_ref_to_end",
        },
    ),
    "release": Dialog(
        ReleaseInfo.BINDINGS, [], {"close": "test_enter_opens_an_instance_and_a_release"}
    ),
    "record": Dialog(
        RecordDialog.BINDINGS,
        [],
        {
            "close": "test_a_record_is_shown_whole_and_json_pretty",
            "copy": "test_a_record_is_shown_whole_and_json_pretty",
            "scroll(1)": "test_a_long_record_is_scrolled",
            "scroll(-1)": "test_a_long_record_is_scrolled",
            "scroll(10)": "test_a_long_record_is_scrolled",
            "scroll(-10)": "test_a_long_record_is_scrolled",
        },
    ),
    "yaml": Dialog(
        [*TextScreen.BINDINGS[:2], *TextView.BINDINGS],
        ["y"],
        {
            "scroll_down": Press(before=["g"], seen=lambda w: scrolled("TextView")(w) == 1),
            "scroll_up": Press(before=["g", "j"], seen=lambda w: scrolled("TextView")(w) == 0),
            "page_down": Press(before=["g"], seen=lambda w: scrolled("TextView")(w) > 20),
            "page_up": Press(before=["g", "ctrl+f"], seen=lambda w: scrolled("TextView")(w) == 0),
            "scroll_home": Press(before=["G"], seen=lambda w: scrolled("TextView")(w) == 0),
            "scroll_end": Press(
                before=["g"], seen=lambda w: w.shows("- line 99") and scrolled("TextView")(w) > 0
            ),
            "copy": Press(seen=lambda w: "- line 50" in w.app.clipboard),
            "up": Press(seen=GONE, after=["y"]),
        },
    ),
    "prompt": Dialog(
        Prompt.BINDINGS,
        [],
        {
            "leave": "test_a_filter_narrows_while_typing_and_esc_clears_it",
            "complete": "test_a_command_leads_to_a_screen_with_a_filter",
        },
    ),
    "summary": Dialog(
        SummaryPane.BINDINGS,
        [],
        {
            "scroll_facts(1)": "test_long_settings_are_scrolled",
            "scroll_facts(-1)": "test_long_settings_are_scrolled",
        },
    ),
}
KEYS_TO = {
    **{entry.view.value: [entry.key] for entry in ENTRIES},
    "detail": ["2", "enter"],
}


def bindings_of(group: str) -> list[Binding]:
    """Return the bindings of a group; what leads everywhere is pressed in one of them."""
    bindings = [b for b in key_groups()[group] if isinstance(b, Binding)]
    if group in (View.SERVICES, "detail", "logs"):
        return bindings
    return [b for b in bindings if b not in EVERYWHERE]


def own(bindings: Iterable[BindingType]) -> list[Binding]:
    return [b for b in bindings if isinstance(b, Binding)]


@pytest.mark.parametrize("group", [*key_groups(), *DIALOGS])
def test_every_binding_has_an_entry_and_every_entry_a_binding(group: str) -> None:
    is_dialog = group in DIALOGS
    bindings = own(DIALOGS[group].bindings) if is_dialog else bindings_of(group)
    table = DIALOGS[group].table if is_dialog else GROUPS[group]
    assert {binding.action for binding in bindings} == set(table)


def test_what_leads_everywhere_does_so_from_every_view() -> None:
    for screen in map(screen_class, View):
        assert set(EVERYWHERE) <= set(screen.BINDINGS)


def test_every_test_that_is_named_exists() -> None:
    tables = [*GROUPS.values(), *(dialog.table for dialog in DIALOGS.values())]
    named = {entry for table in tables for entry in table.values() if isinstance(entry, str)}
    found = {
        node.name
        for path in TESTS.glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert named <= found


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "logs"])
def test_keys_of_a_screen(group: str) -> None:
    # Keys beside the first are the same everywhere: enough to press them on two screens.
    is_first_only = group not in (View.SERVICES, "detail")
    walk(bindings_of(group), GROUPS[group], KEYS_TO[group], is_first_only=is_first_only)


@pytest.mark.parametrize("name", [name for name, dialog in DIALOGS.items() if dialog.keys])
def test_keys_of_a_dialog(name: str) -> None:
    dialog = DIALOGS[name]
    walk(own(dialog.bindings), dialog.table, dialog.keys)


def walk(
    bindings: Sequence[Binding], table: Table, keys: Sequence[str], *, is_first_only: bool = False
) -> None:
    """Come to a screen and press each key of each binding there, in one run of the app."""
    backend = full_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        app.animation_level = "none"
        world = World(app=app, pilot=pilot, backend=backend)
        await until(pilot, lambda: app.state.snapshot is not None and world.shows("api"))
        for key in keys:
            await press(world, key)
        found = [(b, entry) for b in bindings if isinstance(entry := table[b.action], Press)]
        for binding, entry in sorted(found, key=lambda pair: pair[1].is_last):
            for key in binding.key.split(",")[: 1 if is_first_only else None]:
                await check(world, binding, entry, key)
                if entry.is_last:
                    return

    run_app(backend, scenario, size=SIZE, toolbox=full_toolbox())


async def check(world: World, binding: Binding, entry: Press, key: str) -> None:
    """Press a key where its effect is not yet seen, and see it."""
    for before in entry.before:
        await press(world, before)
    world.flows.orders.clear()
    where = f"{key} ({binding.description}) on {world.screen}"
    try:
        if not entry.is_idle:
            await until(world.pilot, lambda: not entry.seen(world), timeout_seconds=3)
        await press(world, key)
        await until(world.pilot, lambda: entry.seen(world), timeout_seconds=5)
    except AssertionError as error:
        raise AssertionError(f"{where}\n{screen_text(world.app)}") from error
    for after in entry.after:
        await press(world, after)


async def press(world: World, key: str) -> None:
    """Press a key, once whoever has it to hear hears."""
    front_screen = world.screen
    if isinstance(front_screen, DeafDialog):
        front_screen.listen()
    if isinstance(front_screen, ListDialog):
        await until(world.pilot, lambda: cast("Any", front_screen).table.rows)
    if isinstance(front_screen, PlanDialog):
        await until(world.pilot, lambda: not front_screen.query_one("#confirm").disabled)
    world.app.simulate_key(key)
    await world.pilot.pause()
