"""Typed keys, delivered one at a time. Runs in the dashboard's event loop.

Textual forwards a key to whatever has the focus when the key is read, while the effect of
the key before it (another focus, a dialog, a new screen) may still lie in message queues.
The rest of a word typed quickly after `/` would then act on the table. So every key of the
dashboard passes through this queue: a key is delivered only after the one before it has
taken effect and the screen in front is ready for input.

Keys of a kind that the focused widget handles in order, and that never move the focus,
follow each other without a wait: characters of an input, and movements of a cursor. So a
burst of them is drawn in a few frames, not key by key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, ClassVar, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from textual import events
from textual.actions import parse
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from odbctl.tui.dialogs import DeafDialog

Typed = events.Key | events.Paste

# The dashboard's message queues are never busy for longer than this at a time; if they are,
# keys are delivered anyway once the screen in front is ready.
BUSY_SECONDS = 1.0
# The longest wait for a screen that is being prepared in a thread, or that does not mount.
HOLD_SECONDS = 5.0
_TURNS_WITHOUT_PAUSE = 50
_PAUSE_SECONDS = 0.002
# Never held: quitting works whatever the dashboard waits for.
_URGENT_KEYS = frozenset({"ctrl+c"})


class ScreenAwaited(Message):
    """The last key opens a screen as soon as a thread has read its content.

    Keys are held until then; `is_over` means that no screen will come.
    """

    def __init__(self, *, is_over: bool = False) -> None:
        super().__init__()
        self.is_over = is_over


class _Effect(Enum):
    """What the last key may still do."""

    NONE = "none"  # it has taken effect
    TEXT = "text"  # it is a character on its way into the focused input
    MOVE = "move"  # it is on its way to the focused widget, and moves the cursor there
    ANY = "any"  # it may move the focus, or open a screen


@runtime_checkable
class HasMovements(Protocol):
    """A widget some actions of which move its cursor and do nothing else."""

    MOVEMENTS: ClassVar[frozenset[str]]


class KeyQueue:
    """Keys in the order they were typed."""

    def __init__(self, app: App[Any], deliver: Callable[[Typed], Awaitable[None]]) -> None:
        """Store where keys go.

        Args:
            app: The dashboard.
            deliver: Delivers one key as Textual does; called in the app's own task.
        """
        self._app = app
        self._deliver = deliver
        self._waiting: deque[Typed] = deque()
        self._delivery: asyncio.Task[None] | None = None
        self._effect = _Effect.NONE
        self._awaited_from: Screen[Any] | None = None
        self._target: Widget | None = None  # the widget that had the focus for the last key
        self._movements: WeakKeyDictionary[Widget, frozenset[str]] = WeakKeyDictionary()

    async def put(self, event: Typed) -> None:
        """Deliver a key at once if the last one has taken effect; otherwise queue it."""
        if isinstance(event, events.Key) and event.key in _URGENT_KEYS:
            await self._deliver(event)
        elif self._delivery is not None or not self._is_next(event):
            self._waiting.append(event)
        else:
            await self._deliver_now(event)
        if self._delivery is None and (self._waiting or self._effect is _Effect.ANY):
            self._delivery = asyncio.create_task(self._deliver_waiting(), name="key-queue")

    def hold(self) -> None:
        """Hold keys until another screen is in front, `release` is called or time is up."""
        self._awaited_from = self._app.screen

    def release(self) -> None:
        """Hold keys no longer for a screen that was awaited."""
        self._awaited_from = None

    def _is_next(self, event: Typed) -> bool:
        """Return whether a key may be delivered although the last one may be on its way."""
        if self._effect in (_Effect.NONE, _Effect.ANY):
            return self._effect is _Effect.NONE
        return self._target is self._app.focused and self._effect_of(event) is self._effect

    def _effect_of(self, event: Typed) -> _Effect:
        """Return what a key may do if it is delivered now."""
        focused = self._app.focused
        if not isinstance(event, events.Key) or focused is None:
            return _Effect.ANY
        if isinstance(focused, Input):
            return _Effect.TEXT if event.is_printable else _Effect.ANY
        return _Effect.MOVE if event.key in self._movements_of(focused) else _Effect.ANY

    def _movements_of(self, focused: Widget) -> frozenset[str]:
        """Return the keys that move the cursor of the focused widget."""
        if (keys := self._movements.get(focused)) is None:
            actions = focused.MOVEMENTS if isinstance(focused, HasMovements) else frozenset[str]()
            keys = frozenset(
                key
                for key, active in self._app.screen.active_bindings.items()
                if active.node is focused and parse(active.binding.action)[1] in actions
            )
            self._movements[focused] = keys
        return keys

    async def _deliver_now(self, event: Typed) -> None:
        """Deliver a key, unless the dialog in front does not hear it yet.

        A dialog that asks for confirmation ignores keys typed before the person could have
        read it; when a key was typed counts, not when it is delivered.
        """
        front = self._app.screen
        if isinstance(front, DeafDialog) and not front.hears(typed_at=event.time):
            return
        self._effect, self._target = self._effect_of(event), self._app.focused
        await self._deliver(event)

    async def _deliver_waiting(self) -> None:
        """Deliver waiting keys one by one; runs in a task of its own."""
        try:
            while self._app.is_running and (self._waiting or self._effect is _Effect.ANY):
                if not (self._waiting and self._is_next(self._waiting[0])):
                    await self._until_settled()
                    self._effect = _Effect.NONE
                else:
                    await self._deliver_in_app()
        finally:
            self._delivery = None

    async def _deliver_in_app(self) -> None:
        """Deliver the keys that need no wait, in the app's own task, as Textual does."""
        delivered = asyncio.Event()

        async def deliver() -> None:
            try:
                while self._waiting and self._is_next(self._waiting[0]):
                    await self._deliver_now(self._waiting.popleft())
            finally:
                delivered.set()

        self._app.call_later(deliver)
        await _heard(delivered, self._app)

    async def _until_settled(self) -> None:
        """Wait until the last key has taken effect and the screen in front takes keys."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        while self._app.is_running and not await self._is_settled():
            seconds = loop.time() - began_at
            if seconds > HOLD_SECONDS or (seconds > BUSY_SECONDS and self._is_ready()):
                break
            await asyncio.sleep(0)
        self._awaited_from = None

    async def _is_settled(self) -> bool:
        """Let every queue that a key passes run empty once; return whether nothing new came.

        A key goes from the focused widget up to the app, and so do the messages that its
        handlers post. Each queue is asked in turn to answer behind what it holds.
        """
        screen, focused = self._app.screen, self._app.focused
        pumps = (focused or screen).ancestors_with_self
        for pump in pumps:
            await _echo(pump)
        return (
            self._is_ready()
            and (screen, focused) == (self._app.screen, self._app.focused)
            and not any(pump.message_queue_size for pump in pumps)
        )

    def _is_ready(self) -> bool:
        """Return whether the screen in front is mounted, and is not to be replaced at once."""
        screen = self._app.screen
        if screen is self._awaited_from:
            return False
        return screen.is_mounted and screen.is_running


async def _echo(pump: MessagePump) -> None:
    """Wait until a queue has worked off the messages it holds, or is closed."""
    answered = asyncio.Event()
    if pump.is_running and pump.call_later(answered.set):
        await _heard(answered, pump)
    else:
        await asyncio.sleep(_PAUSE_SECONDS)  # it is just coming up or going away


async def _heard(answered: asyncio.Event, pump: MessagePump) -> None:
    """Wait for an answer, as long as there is somebody to give it."""
    turns = 0
    while not answered.is_set() and pump.is_running:
        await asyncio.sleep(0 if turns < _TURNS_WITHOUT_PAUSE else _PAUSE_SECONDS)
        turns += 1
