"""Hooks: a command is run, or a page called, when something has happened.

Run by the leading manager in threads of its own: one follows the events of the database,
and each hook that has calls waiting has one that makes them, in order, so that a slow hook
holds up no other. Nothing here can hold up the manager's loop: the waiting calls of a hook
are bounded, a call that takes too long is ended, and a failure is an event itself, which
calls no hook. How far events were handled is kept in the database, so each is handled at
least once.
"""

from __future__ import annotations

import fnmatch
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odbctl.engine.managers.hook_calls import HookCall, HookCommands, carry_out, event_fields
from odbctl.engine.model.core import Event, Hook, ServiceHost
from odbctl.engine.model.events import record_event
from odbctl.engine.model.states import EventLevel
from odbctl.engine.odb import Database
from odbctl.engine.worker.mark import hook_mark
from odbctl.errors import OdbctlError, StoreError

ACTOR = "hooks"
# Waiting calls of one hook.
MAX_WAITING = 1000
TRIES = 2
RETRY_SECONDS = 1.0
# How often it is written how far events were handled.
CURSOR_SECONDS = 2.0
_RANKS = {EventLevel.INFO: 0, EventLevel.WARNING: 1, EventLevel.ERROR: 2}

logger = logging.getLogger("odbctl.manager")


class HookRunner:
    """Follows events and calls hooks, while it is started."""

    def __init__(self, db: Database, run: Path) -> None:
        self._db = db
        self._run = run
        self._host_id = 0
        self._stop = threading.Event()
        self._follower: threading.Thread | None = None
        self._lock = threading.Lock()
        # The waiting calls of each hook that has a thread now.
        self._waiting: dict[str, deque[HookCall]] = {}
        self._commands = HookCommands()
        self._dropped: Counter[str] = Counter()
        # By hook and subject: until when it is quiet, and what came meanwhile.
        self._quiet: dict[tuple[str, str], tuple[float, dict[str, object] | None]] = {}

    @property
    def is_running(self) -> bool:
        """Whether events are followed."""
        return self._follower is not None

    def start(self, host_id: int) -> None:
        """Start the threads."""
        self._host_id = host_id
        self._stop.clear()
        self._commands = HookCommands(hook_mark(self._run))
        self._follower = threading.Thread(target=self._follow, name="hooks", daemon=True)
        self._follower.start()

    def stop(self) -> None:
        """End the threads and the commands that run; a page that is called is left. Idempotent."""
        if self._follower is None:
            return
        self._stop.set()
        self._commands.end()
        with self._lock:
            self._waiting = {}
        self._follower.join(timeout=2.0)
        self._follower = None

    # Following.

    def _follow(self) -> None:
        self._commands.end_earlier()  # those of a manager that was killed; ours come after
        while not self._stop.is_set():
            try:
                self._follow_once()
            except StoreError as error:
                logger.warning("hooks: %s", error)  # begins anew behind what is gone
                self._write_cursor(self._db.last_commit())
            except OdbctlError as error:
                logger.warning("hooks: %s", error)
                self._stop.wait(RETRY_SECONDS)
            except Exception:  # a thread's boundary
                logger.exception("hooks: cannot read events")
                self._stop.wait(RETRY_SECONDS)

    def _follow_once(self) -> None:
        with self._db.view():
            seen = ServiceHost.from_oid(self._host_id).hooks_seen or 0
            since = max(seen, min((h.added_after for h in Hook.lookup_all()), default=0))
        written, write_at = since, 0.0
        with self._db.changes(since=since, types=["core.Event"]) as changes:
            while not self._stop.is_set():
                change = changes.next(timeout_seconds=self._next_seconds())
                if change is not None and change.kind == "insert":
                    self._take_safely(change.oid, change.commit)
                self._release_quiet()
                is_idle = change is None and not self._waiting
                if changes.since != written and (is_idle or time.monotonic() >= write_at):
                    written = changes.since
                    write_at = time.monotonic() + CURSOR_SECONDS
                    self._write_cursor(written)

    def _next_seconds(self) -> float:
        now = time.monotonic()
        return max(0.0, min([until - now for until, _ in self._quiet.values()], default=1.0))

    def _write_cursor(self, seen: int) -> None:
        dropped, self._dropped = self._dropped, Counter()

        def write() -> None:
            host = ServiceHost.from_oid(self._host_id)
            if host.exists():
                host.hooks_seen = seen
            for hook, count in dropped.items():
                text = f"{count} calls of hook {hook} were dropped: too many were waiting"
                record_event("hooks", "dropped", text, actor=ACTOR, level=EventLevel.WARNING)

        self._db.run(write)

    def _take_safely(self, oid: int, commit: int) -> None:
        """Take an event; one that cannot be handled is skipped, or it would come for ever."""
        try:
            self._take(oid, commit)
        except OdbctlError:
            raise
        except Exception:  # one event's boundary
            logger.exception("hooks: skipped event %s", oid)

    def _take(self, oid: int, commit: int) -> None:
        with self._db.view():
            event = Event.from_oid(oid)
            if not event.exists() or event.actor == ACTOR:
                return
            document = event_fields(event)
            found = (hook for hook in Hook.lookup_all() if hook.added_after < commit)
            called = [hook for hook in found if _matches(hook, event)]
            calls = [(_call(hook, document), hook.debounce_seconds) for hook in called]
        for call, debounce_seconds in calls:
            self._offer(call, debounce_seconds)

    def _offer(self, call: HookCall, debounce_seconds: float) -> None:
        """Call at once, or later for all that comes within the time of quiet."""
        key = (call.hook, str(call.document["object"]))
        if key in self._quiet:
            until, held = self._quiet[key]
            count = int(str(held["count"])) + 1 if held is not None else 1
            self._quiet[key] = (until, {**call.document, "count": count, "call": call})
            return
        if debounce_seconds > 0:
            self._quiet[key] = (time.monotonic() + debounce_seconds, None)
        self._enqueue(call)

    def _release_quiet(self) -> None:
        now = time.monotonic()
        for key, (until, held) in tuple(self._quiet.items()):
            if until > now:
                continue
            del self._quiet[key]
            if held is not None:
                call: Any = held.pop("call")
                self._enqueue(call._replace(document=held))

    def _enqueue(self, call: HookCall) -> None:
        """Put a call behind the other calls of its hook; its thread starts with the first."""
        with self._lock:
            waiting = self._waiting.get(call.hook)
            if waiting is None:
                waiting = self._waiting[call.hook] = deque()
                name = f"hook-{call.hook}"
                threading.Thread(
                    target=self._work, args=(call.hook, waiting), name=name, daemon=True
                ).start()
            if len(waiting) >= MAX_WAITING:
                self._dropped[call.hook] += 1
                return
            waiting.append(call)

    # Carrying out, one thread per hook.

    def _work(self, hook: str, waiting: deque[HookCall]) -> None:
        """Make the waiting calls of a hook; the thread ends when none is left."""
        while True:
            with self._lock:
                if self._stop.is_set() or self._waiting.get(hook) is not waiting:
                    return  # stopped, and perhaps started again
                if not waiting:
                    del self._waiting[hook]
                    return
                call = waiting.popleft()
            try:
                self._carry_out(call)
            except Exception:  # a thread's boundary
                logger.exception("hook %s", call.hook)

    def _carry_out(self, call: HookCall) -> None:
        problem = ""
        for attempt in range(TRIES):
            problem = carry_out(call, self._commands)
            if not problem or attempt + 1 == TRIES or self._stop.wait(RETRY_SECONDS):
                break
        if problem:
            subject = f"hook/{call.hook}"

            def write() -> None:
                level = EventLevel.WARNING
                record_event(subject, "hook-failed", problem, actor=ACTOR, level=level)

            self._db.run(write)


def _matches(hook: Hook, event: Event) -> bool:
    if not hook.is_enabled or _RANKS[event.level] < _RANKS[hook.level]:
        return False
    if hook.service and not fnmatch.fnmatchcase(event.service or "", hook.service):
        return False
    return not hook.reasons or any(fnmatch.fnmatchcase(event.reason, r) for r in hook.reasons)


def _call(hook: Hook, document: Mapping[str, object]) -> HookCall:
    return HookCall(
        hook=hook.name,
        command=tuple(hook.command),
        url=hook.url,
        headers=dict(hook.headers),
        timeout_seconds=hook.timeout_seconds,
        document={**document, "count": 1},
    )
