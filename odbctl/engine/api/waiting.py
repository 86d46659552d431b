"""Use cases that wait until a service is in its wanted state.

Woken by the database's change signal, without polling. When the wait ends, the
work goes on in the background.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from odbctl.engine.api.cures import cure_of
from odbctl.engine.api.ends import describe_end
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_service
from odbctl.engine.api.outdated import PATIENCE_SECONDS, outdated_error, outdated_manager
from odbctl.engine.api.results import Change, Progress
from odbctl.engine.api.status import describe_one, service_status
from odbctl.engine.model.core import Release, Service, ServiceInstance
from odbctl.engine.model.states import InstanceState, ReleaseOutcome, RestartPolicy
from odbctl.engine.reconcile.describe import ServiceState
from odbctl.engine.reconcile.snapshot import DEFAULT_SETTLE_SECONDS
from odbctl.errors import OdbctlError, StartFailedError, TimedOutError
from odbctl.light_typing import TYPE_CHECKING
from odbctl.units import exact_duration

if TYPE_CHECKING:
    from odbctl.engine.api.documents import InstanceDocument, ServiceDocument

OnProgress = Callable[[Progress], None]
_LOOK_AGAIN_SECONDS = 1.0
_CRASHED = frozenset({InstanceState.CRASHED, InstanceState.LOST})
_UNSTOPPED = frozenset({InstanceState.BOOTING, InstanceState.INITIALIZING, InstanceState.RUNNING})
_GIVEN_UP = frozenset({ServiceState.THROTTLED, ServiceState.UNPLACEABLE, ServiceState.CRASH_LOOP})


def wait_for_service(
    engine: Engine,
    name: str,
    *,
    timeout_seconds: float | None,
    on_progress: OnProgress,
    release: int | None = None,
    crashes: int | None = None,
) -> Change:
    """Wait until as many instances are ready as are wanted, and no rollout is under way.

    An instance that is not ready within the service's start grace ends the wait with its
    probe's message. So does one that ran and crashed at once, when `crashes` is given.

    Args:
        engine: The opened home.
        name: The service.
        timeout_seconds: When to give up; None waits for ever.
        on_progress: Called whenever something has changed.
        release: The number of the release that has to become active.
        crashes: The service's count of crashes before it was started.

    Raises:
        StartFailedError: Waiting longer is of no use, or the release failed.
        TimedOutError: It was not as wanted in time; it goes on.
    """
    watch = _Watch(engine, name, on_progress, release=release, crashes=crashes)
    done = wait_until(engine, watch.look, timeout_seconds)
    if watch.error is not None:
        raise watch.error
    document = watch.document or service_status(engine, name)
    counts = f"{document['ready_count']}/{document['target_count']}"
    if not done:
        raise TimedOutError(
            f"service {name!r} is {document['state']} with {counts} ready after"
            f" {exact_duration(timeout_seconds or 0.0)}",
            hint=f"it continues in the background: odbctl why {name}",
        )
    return Change(action="running", message=counts, document=document)


def wait_until(engine: Engine, look: Callable[[], bool], timeout_seconds: float | None) -> bool:
    """Look whenever something changes, and now and then; return whether it came about in time."""
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while True:
        rest = _LOOK_AGAIN_SECONDS
        if deadline is not None:
            rest = min(rest, max(0.0, deadline - time.monotonic()))
        if engine.db.wait_for_condition(look, timeout_seconds=rest):
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False


class _Watch:
    """The observations of one service during a wait."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        on_progress: OnProgress,
        *,
        release: int | None,
        crashes: int | None,
    ) -> None:
        self.engine = engine
        self.name = name
        self.on_progress = on_progress
        self.release = release
        self.crashes = crashes
        self.began_at = time.time()
        self.document: ServiceDocument | None = None
        self.error: OdbctlError | None = None
        self._told: Progress | None = None

    def look(self) -> bool:
        """Look at the service once; return whether there is nothing more to wait for."""
        service = find_service(self.name)
        has_crashed = self.crashes is not None and service.crashes > self.crashes
        if not has_crashed and (starting := _starting(service)) is not None:
            self._tell(starting)
            self.error = self._late_start(service)
            return self.error is not None
        if self.release is None and (stopping := _stopping(service)) is not None:
            self._tell(stopping)
            self.document = None  # an earlier one is out of date
            self.error = self._ignored_stop(service)
            return self.error is not None
        document = describe_one(self.engine, service)
        self.document = document
        self._tell(_progress(service, document, self._own_release(service)))
        self.error = self._failure(service, document)
        if self.error is None and has_crashed:
            self.error = self._early_crash(service)
        if self.error is None and service.candidate is None:
            self.error = self._late_start(service)
        if self.error is None:
            self.error = self._ignored_stop(service)
        return self.error is not None or _is_settled(document)

    def _ignored_stop(self, service: Service) -> OdbctlError | None:
        """Return an error when an older manager stops nothing of a paused service."""
        if not service.is_paused or time.time() < self.began_at + PATIENCE_SECONDS:
            return None
        current = ServiceInstance.lookup_all(service=service, is_current=True)
        if not any(i.state in _UNSTOPPED and i.owner is None for i in current):
            return None
        host = outdated_manager()
        what = f"service {self.name!r} keeps running"
        return None if host is None else outdated_error(what, host)

    def _late_start(self, service: Service) -> OdbctlError | None:
        """Return an error when an instance has not become ready within the start grace."""
        if service.readiness is None or service.target_count == 0:
            return None
        grace, now = service.start_grace_seconds, time.time()
        for instance in ServiceInstance.lookup_all(service=service, is_current=True):
            if instance.owner is not None or not _is_unready(service, instance):
                continue
            if max(instance.running_at or now, self.began_at) + grace <= now:
                return self._start_error(
                    f"service {self.name!r} is not ready: {instance.name} was not ready within "
                    f"{exact_duration(grace)}: {instance.health or 'its probe has not answered'}",
                    instance.name,
                )
        return None

    def _early_crash(self, service: Service) -> OdbctlError | None:
        """Return an error when an instance crashed within the settle time of its start."""
        found = [
            i
            for i in ServiceInstance.lookup_all(service=service)
            if i.state in _CRASHED and i.owner is None
        ]
        self.crashes = service.crashes
        last = max(found, key=lambda i: i.ended_at or 0.0, default=None)
        if last is None or service.target_count == 0:
            return None
        ran = (last.ended_at or 0.0) - (last.running_at or 0.0)
        if ran > DEFAULT_SETTLE_SECONDS:
            return None
        from odbctl.engine.managers.record import describe_exit

        return self._start_error(
            f"service {self.name!r} crashed while it started: {last.name} ran for "
            f"{exact_duration(round(ran, 1))} ({describe_exit(last)})",
            last.name,
            hint=cure_of(service, last),
        )

    def _start_error(
        self, text: str, instance: str | None, *, hint: str | None = None
    ) -> StartFailedError:
        from odbctl.engine.api.logs import last_words

        return StartFailedError(
            text,
            hint=hint or f"odbctl why {self.name}",
            log_lines=last_words(self.engine, self.name, instance),
        )

    def _tell(self, progress: Progress) -> None:
        if progress != self._told:
            self._told = progress
            self.on_progress(progress)

    def _failure(self, service: Service, document: ServiceDocument) -> OdbctlError | None:
        release = self._own_release(service)
        if release is not None and release.outcome is ReleaseOutcome.FAILED:
            from odbctl.engine.api.logs import last_words

            failed = _failed_instance(release)
            stays = document["running_count"] > 0
            hint = "the previous release keeps running" if stays else f"odbctl why {self.name}"
            return StartFailedError(
                f"release {release.number} of service {self.name!r} failed: {release.reason}",
                hint=cure_of(service, _instance(failed)) or hint,
                log_lines=last_words(self.engine, self.name, failed),
            )
        if release is not None and release.outcome is ReleaseOutcome.ROLLING:
            return None
        if document["state"] in _GIVEN_UP or _only_failures(document):
            return self._start_error(
                f"service {self.name!r} is {document['state']}: {_why(document)}",
                None,
                hint=cure_of(service, _last_ended(service)),
            )
        return None

    def _own_release(self, service: Service) -> Release | None:
        if self.release is None:
            return None
        found = [r for r in Release.lookup_all(service=service) if r.number == self.release]
        return found[0] if found else None


def _starting(service: Service) -> Progress | None:
    """Return the progress of a service of which all instances are starting; else None.

    Cheap, because it is called after every commit while a hundred instances start.
    """
    wanted = service.target_count
    current = ServiceInstance.lookup_all(service=service, is_current=True)
    own = [i for i in current if i.owner is None]
    states = Counter(_step(service, i) for i in own)
    running = states[InstanceState.RUNNING]
    begun = states[InstanceState.BOOTING] + states[InstanceState.INITIALIZING]
    if service.candidate is not None or not begun or running + begun != states.total():
        return None
    if running >= wanted:
        return None
    note = next((i.health for i in own if i.health and _is_unready(service, i)), "")
    return Progress(running, wanted, ServiceState.STARTING, note)


def _stopping(service: Service) -> Progress | None:
    """Return the progress of a service of which none is wanted and some live; else None.

    As cheap as `_starting`: the manager and a hundred workers that end need the processor.
    """
    if service.target_count:
        return None
    current = ServiceInstance.lookup_all(service=service, is_current=True)
    live = sum(i.ended_at is None for i in current)
    return Progress(0, live, ServiceState.STOPPING) if live else None


def _is_unready(service: Service, instance: ServiceInstance) -> bool:
    """Tell whether an instance runs, and its readiness probe does not pass."""
    if instance.state is not InstanceState.RUNNING:
        return False
    return service.readiness is not None and instance.is_ready is not True


def _step(service: Service, instance: ServiceInstance) -> InstanceState:
    """Return an instance's state; one that is not ready yet counts as initializing."""
    return InstanceState.INITIALIZING if _is_unready(service, instance) else instance.state


def _progress(service: Service, document: ServiceDocument, awaited: Release | None) -> Progress:
    """Return how far a service has come; `awaited` is the release that has to become active."""
    if service.candidate is not None and document["target_count"]:
        return _rollout_progress(service.candidate, document)
    wanted = document["target_count"]
    live = sum(i["ended_at"] is None for i in document["instances"])
    # After a rollout the old instances are ready, too, until they have stopped.
    done, total = (min(document["ready_count"], wanted), wanted) if wanted else (0, live)
    text = document["state"]
    if awaited is not None and awaited.outcome is ReleaseOutcome.FAILED:
        stays = f"release {document['release']} {text}" if document["release"] else text
        text = f"release {awaited.number} failed; {stays}"
    return Progress(done, total, text, _note(document["instances"]))


def _rollout_progress(candidate: Release, document: ServiceDocument) -> Progress:
    """Count the ready instances of the release that is rolled out."""
    wanted = document["target_count"]
    new = [
        i for i in document["instances"] if i["release"] == candidate.number and i["owner"] is None
    ]
    ready = sum(i["ready"] for i in new)
    if ready >= wanted and candidate.settle_seconds:
        return Progress(ready, wanted, f"settling for {exact_duration(candidate.settle_seconds)}")
    return Progress(ready, wanted, candidate.outcome, _note(new))


def _note(instances: Iterable[InstanceDocument]) -> str:
    """Return what the probe of an instance says that runs and is not ready."""
    unready = (i for i in instances if i["state"] == InstanceState.RUNNING and not i["ready"])
    return next((i["health"] for i in unready if i["health"]), "")


def _failed_instance(release: Release) -> str | None:
    """Return the id of the instance that a release failed by; its reason starts with it."""
    return (release.reason or "").partition(":")[0] or None


def _instance(name: str | None) -> ServiceInstance | None:
    return None if name is None else ServiceInstance.lookup_unique(name=name)


def _last_ended(service: Service) -> ServiceInstance | None:
    """Return the current instance of a service that ended last."""
    current = ServiceInstance.lookup_all(service=service, is_current=True)
    ended = (i for i in current if i.ended_at is not None)
    return max(ended, key=lambda i: i.ended_at or 0.0, default=None)


def _why(document: ServiceDocument) -> str:
    """Say why a service does not run, and how its last instance ended."""
    ends = [text for i in document["instances"] if (text := i["reason"] or describe_end(i))]
    texts = dict.fromkeys([document["reason"], *ends[-1:]])
    return "; ".join(text for text in texts if text) or "its instances ended"


def is_done(document: ServiceDocument) -> bool:
    """Tell whether a service is a job that has ended well, in each of its slots."""
    own = [i for i in document["instances"] if i["owner"] is None and not i["one_off"]]
    ended = [i for i in own if i["state"] == InstanceState.STOPPED and i["stopping_at"] is None]
    is_well = all(i["exit"] is not None and i["exit"]["code"] == 0 for i in ended)
    is_job = document["restart"] != RestartPolicy.ALWAYS and document["state"] == "stopped"
    return is_job and is_well and len(ended) == len(own) > 0


def _only_failures(document: ServiceDocument) -> bool:
    """Tell whether a slot has failed more than once and none of it runs."""
    if is_done(document) or document["schedule"]:
        return False
    if document["state"] not in (ServiceState.BACKOFF, ServiceState.STOPPED):
        return False
    return document["target_count"] > 0


def _is_settled(document: ServiceDocument) -> bool:
    living = [i for i in document["instances"] if i["ended_at"] is None]
    if document["target_count"] == 0:
        return not living
    live = [i for i in living if i["owner"] is None and not i["one_off"]]
    wanted = document["target_count"]
    is_rolling = document["candidate"] is not None
    if is_rolling:
        return False
    if document["schedule"]:
        return document["next_run_at"] is not None
    return document["ready_count"] == wanted == len(live) or is_done(document)


def wait_for_removal(
    engine: Engine, name: str, *, timeout_seconds: float | None, on_progress: OnProgress
) -> None:
    """Wait until a removed service is gone with all that lived of it.

    Raises:
        TimedOutError: It was not gone in time; it goes on.
    """

    def look() -> bool:
        service = Service.lookup_unique(name=name)
        if service is None or not service.is_removed:
            return True
        live = sum(i["ended_at"] is None for i in describe_one(engine, service)["instances"])
        on_progress(Progress(0, live, "removing"))
        return False

    if not wait_until(engine, look, timeout_seconds):
        raise TimedOutError(
            f"service {name!r} was not removed within {exact_duration(timeout_seconds or 0.0)}",
            hint="it continues in the background: odbctl ps",
        )
