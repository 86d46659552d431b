"""The command palette: screens, and what the screen in front can do. Runs in the event loop."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from odbctl.tui.views import ENTRIES

_NOT_OFFERED = frozenset({"command_palette", "command"})


class DashboardCommands(Provider):
    """Every screen by its name, and every action of the one in front."""

    async def discover(self) -> Hits:
        """Offer everything while nothing is typed."""
        for text, action, keys in self._offers():
            yield DiscoveryHit(Content(text), partial(self._run, action), text=text, help=keys)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for text, action, keys in self._offers():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, Content(text), partial(self._run, action), text=text, help=keys)

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
        for each in (*_bindings(self.focused), *_bindings(screen)):
            name = each.action.partition("(")[0]
            if name.startswith("app.go") or name.rpartition(".")[2] in _NOT_OFFERED:
                continue
            if screen.check_action(name, ()) is not True:
                continue
            yield each.description, each.action, each.key

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
