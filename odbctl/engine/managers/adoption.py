"""Adoption: watching workers that are not children of a launcher we talk to.

Their end is seen through a pidfd, without polling; how they ended is told by the
kernel where it does (see exit_status), or by a note of their own. Where the system
has no pidfds they are looked at every second.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable

from odbctl.engine.managers.exit_status import code_and_signal, wait_status
from odbctl.engine.managers.leftovers import Leftovers
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.managers.processes import open_pidfd
from odbctl.engine.worker.exit_note import take_exit_note
from odbctl.engine.worker.identity import ProcessIdentity, may_be_alive, read_boot_id

POLL_SECONDS = 1.0
# So long an exit is not reported at most, because something that the worker left lives on.
HOLD_SECONDS = 10.0


class AdoptedWorkers:
    """Living workers whose parent is not ours to ask."""

    def __init__(self, run: str | os.PathLike[str]) -> None:
        self._run = run
        self._identities: dict[int, ProcessIdentity] = {}
        self._pidfds: dict[int, int] = {}
        self._leftovers = Leftovers(run)
        # Sessions and exits that are reported when nothing of them is left, or at that time.
        self._held: list[tuple[int, WorkerExited, float]] = []

    def __contains__(self, instance: int) -> bool:
        """Tell whether the exit of an instance's worker will be reported by `collect`."""
        return instance in self._identities or any(
            exited.instance == instance for _session, exited, _until in self._held
        )

    def identity_of(self, instance: int) -> ProcessIdentity | None:
        """Return the worker of an instance that is watched."""
        return self._identities.get(instance)

    def due_seconds(self) -> float | None:
        """Return in how long `collect` has something to do that no descriptor tells of."""
        if any(session not in self._leftovers for session, _exited, _until in self._held):
            return 0.0
        left = self._leftovers.due_seconds()
        if len(self._pidfds) < len(self._identities):
            return POLL_SECONDS if left is None else min(POLL_SECONDS, left)
        return left

    def adopt(self, instance: int, identity: ProcessIdentity) -> bool:
        """Watch a worker from now on; False when it is gone already.

        Either way `collect` returns its exit, when nothing of it runs any more. Where no
        descriptor is left, it is looked at every second until one is.
        """
        if instance in self:
            return True
        if not self._watch(instance, identity):
            self._hold(instance, identity)
            return False
        self._identities[instance] = identity
        return True

    def end_leftovers(self, instance: int, identity: ProcessIdentity) -> None:
        """Have what a worker left, which has ended already, end soon."""
        self._leftovers.note(instance, identity.pid, identity.start_ticks)

    def _watch(self, instance: int, identity: ProcessIdentity) -> bool:
        if not hasattr(os, "pidfd_open"):
            return may_be_alive(identity)
        try:
            descriptor = open_pidfd(identity)
        except OSError:
            return may_be_alive(identity)
        if descriptor is not None:
            self._pidfds[instance] = descriptor
        return descriptor is not None

    def forget(self, instance: int) -> None:
        """Watch a worker no longer."""
        self._identities.pop(instance, None)
        if (descriptor := self._pidfds.pop(instance, None)) is not None:
            os.close(descriptor)

    def descriptors(self) -> Iterable[int]:
        """Return what becomes readable when one of them ends."""
        return tuple(self._pidfds.values())

    def collect(self) -> list[WorkerExited]:
        """Return those that have ended, and left nothing; end what they left behind."""
        ended = [i for i, identity in self._identities.items() if self._has_ended(i, identity)]
        for instance in ended:
            self._hold(instance, self._identities[instance])
            self.forget(instance)
        self._leftovers.end()
        return self._take_gone()

    def _hold(self, instance: int, identity: ProcessIdentity) -> None:
        """Keep the exit of a worker back until nothing of it runs any more."""
        until = time.monotonic() + HOLD_SECONDS
        self._held.append((identity.pid, self._exited(instance, identity), until))
        if identity.boot_id == read_boot_id():
            self._leftovers.note(instance, identity.pid, identity.start_ticks, is_due_now=True)

    def _take_gone(self) -> list[WorkerExited]:
        """Take the exits of workers of which nothing is left, or that cannot be ended."""
        now = time.monotonic()
        gone = [h for h in self._held if h[0] not in self._leftovers or now >= h[2]]
        self._held = [each for each in self._held if each not in gone]
        return [exited for _session, exited, _until in gone]

    def _exited(self, instance: int, identity: ProcessIdentity) -> WorkerExited:
        descriptor = self._pidfds.get(instance)
        status = None if descriptor is None else wait_status(descriptor, identity)
        code, number = code_and_signal(status)
        note = take_exit_note(self._run, instance, identity.pid)
        code = note if status is None else code
        return WorkerExited(instance, identity.pid, code, number, time.time())

    def _has_ended(self, instance: int, identity: ProcessIdentity) -> bool:
        descriptor = self._pidfds.get(instance)
        if descriptor is None:
            return not self._watch(instance, identity)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Stop watching; the workers go on, what ended ones left does not."""
        self._leftovers.kill()
        for instance in tuple(self._identities):
            self.forget(instance)
