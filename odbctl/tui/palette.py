"""The command palette: screens, what the screen in front can do, services and instances.

Runs in the event loop. Services and instances are offered once something is typed:
"restart api", "logs api-3".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.keymap import effective_keys, key_names
from odbctl.tui.messages import StatusChanged
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.state import DashboardState, failed
from odbctl.tui.text import visible
from odbctl.tui.views import ENTRIES

if TYPE_CHECKING:
    from odbctl.tui.app import DashboardApp

_NOT_OFFERED = frozenset({"command_palette", "command"})
# Nobody reads more; a home of 500 services has thousands of offers.
MOST_OBJECTS = 40
_WHOLE_MATCH = 2.0
_PART_MATCH = 0.5


class Offer(NamedTuple):
    """Something that can be done to a service or an instance, in the words one types for it."""

    text: str
    note: str
    do: Callable[[], object]


class DashboardCommands(Provider):
    """Every screen, every action of the one in front, every service and instance by name."""

    async def discover(self) -> Hits:
        """Offer screens and actions while nothing is typed."""
        for text, action, keys in self._offers():
            yield DiscoveryHit(Content(text), partial(self._run, action), text=text, help=keys)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for text, action, keys in self._offers():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, Content(text), partial(self._run, action), text=text, help=keys)
        for offer in found_among(object_offers(self._dashboard), query):
            score = matcher.match(offer.text) or _PART_MATCH
            is_whole = offer.text.lower() == " ".join(query.lower().split())
            yield Hit(
                _WHOLE_MATCH if is_whole else score,
                Content(visible(offer.text)),
                offer.do,
                text=visible(offer.text),
                help=offer.note,
            )

    @property
    def _dashboard(self) -> DashboardApp:
        return cast("DashboardApp", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _offers(self) -> Iterable[tuple[str, str, str]]:
        """Yield what an offer says, its action and its keys."""
        for entry in ENTRIES:
            word = f":{entry.aliases[0] if entry.aliases else entry.view.value}"
            yield (
                f"Go to {entry.view.value}",
                f"app.go('{entry.view.value}')",
                f"{entry.key} {word}",
            )
        screen = self.screen
        keymap = self._dashboard.toolbox.keymap
        for each in (*_bindings(self.focused), *_bindings(screen)):
            name = each.action.partition("(")[0]
            if name.startswith("app.go") or name.rpartition(".")[2] in _NOT_OFFERED:
                continue
            if screen.check_action(name, ()) is not True:
                continue
            yield each.description, each.action, key_names(effective_keys(each, keymap))

    async def _run(self, action: str) -> None:
        focused = self.focused
        name = action.partition("(")[0]
        owner = focused if focused is not None and hasattr(focused, f"action_{name}") else None
        await self.app.run_action(action, owner or self.screen)


def _bindings(owner: object) -> Iterable[Binding]:
    """Yield the bindings of a widget or screen that have something to say."""
    for kind in type(owner).__mro__:
        for binding in kind.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.description and owner is not None:
                yield binding
        if not getattr(kind, "_inherit_bindings", True):
            return


def found_among(offers: Iterable[Offer], query: str) -> Iterator[Offer]:
    """Yield the first offers that have every word of a query, those of a whole name first."""
    words = query.lower().split()
    if not words:
        return
    found = [offer for offer in offers if all(word in offer.text.lower() for word in words)]
    found.sort(key=lambda offer: not set(words) <= set(offer.text.lower().split()))
    yield from found[:MOST_OBJECTS]


def object_offers(app: DashboardApp) -> Iterator[Offer]:
    """Yield what can be done to each service and instance that is known."""
    snapshot = app.state.snapshot
    for row in snapshot.services if snapshot is not None else ():
        yield from _service_offers(app, row)
        for instance in row.instances:
            yield from _instance_offers(app, row.key, instance)


def _service_offers(app: DashboardApp, row: ServiceRow) -> Iterator[Offer]:
    name, note = row.key, f"service, {row.shown_state}"
    yield Offer(f"open {name}", note, lambda: app.open_detail(name))
    yield Offer(f"logs {name}", note, lambda: app.open_logs(name))
    if app.state.is_readonly:
        return
    counts = {name: row.instance_count}
    restart = (OrderVerb.RESTART,) if row.is_wanted else ()
    for verb in (OrderVerb.START, OrderVerb.STOP, *restart):
        order = Order(verb=verb, targets=(name,))
        change = _guarded(app, verb, partial(_order, app, order, counts))
        yield Offer(f"{verb.value} {name}", note, change)
    scale = _guarded(app, OrderVerb.SCALE, lambda: app.flows.scale((name,), row.desired_count))
    yield Offer(f"scale {name}", note, scale)
    deploy = _guarded(app, None, lambda: app.flows.deploy(name))
    yield Offer(f"deploy {name}", note, deploy)
    roll_back = _guarded(app, None, lambda: app.flows.roll_back(name))
    yield Offer(f"roll back {name}", note, roll_back)
    yield Offer(f"actions {name}", note, lambda: _service_actions(app, name))


def _instance_offers(app: DashboardApp, service: str, name: str) -> Iterator[Offer]:
    note = f"instance of {visible(service)}"
    yield Offer(f"open {name}", note, lambda: app.open_detail(service, instance=name))
    yield Offer(f"logs {name}", note, lambda: app.open_logs(service, instance=name))
    if app.state.is_readonly:
        return
    order = Order(verb=OrderVerb.STOP_INSTANCE, targets=(name,))
    yield Offer(f"stop {name}", note, _guarded(app, None, partial(_order, app, order, {})))
    yield Offer(f"actions {name}", note, lambda: _instance_actions(app, name))


def _order(app: DashboardApp, order: Order, counts: dict[str, int]) -> None:
    app.flows.order(order, counts)


def _service_actions(app: DashboardApp, name: str) -> None:
    app.flows.service_actions(name, blocked=app.state.refusal)


def _instance_actions(app: DashboardApp, name: str) -> None:
    app.flows.instance_actions(name, blocked=app.state.refusal)


def _guarded(
    app: DashboardApp, verb: OrderVerb | None, do: Callable[[], None]
) -> Callable[[], None]:
    """Return a call that does it, or says in the status line why nothing can be changed now."""

    def call() -> None:
        if refusal := _refusal(app.state, verb):
            app.post_message(StatusChanged(failed(refusal)))
        else:
            do()

    return call


def _refusal(state: DashboardState, verb: OrderVerb | None) -> str:
    return state.start_refusal if verb is OrderVerb.START else state.refusal
