"""What all services do, kept current by the change log: what a screen reads again and again.

Documents tell everything of an object; describing hundreds of services ten times a second
would cost a core. `LiveServices` describes only those that something was committed about,
and those whose process has ended unseen. One thread owns it; every method needs an open view.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.facts import unfulfilled
from odbctl.engine.api.live_views import (
    FailedRelease,
    LiveInstance,
    LiveService,
    has_vanished,
    live_instance,
)
from odbctl.engine.api.status import any_manager
from odbctl.engine.managers.identities import absences
from odbctl.engine.managers.observe import observe_instance, observe_service
from odbctl.engine.model.core import Release, Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, InstanceState, ReleaseOutcome
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

# A process that ends while no manager lives changes nothing in the database.
SWEEP_SECONDS = 2.0
# A home where much is amiss is looked through for a hundredth of a core.
PAUSE_PER_SWEEP = 100.0
# What a service's state is told from; counters are not.
_TELLING = frozenset(ServiceSnapshot._fields) | {"schedule", "requested_run"}
_STEADY = frozenset({ServiceState.RUNNING.value, ServiceState.STOPPED.value})
_BAD_ENDS = frozenset(ENDED_STATES - {InstanceState.STOPPED})


class LiveServices:
    """All services, described anew where something changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seq = -1
        self._sweep_due_at = 0.0
        self._is_managed = False
        self._absent: dict[int, str] = {}
        self._owners: dict[int, int] = {}
        self._dependents: set[int] = set()
        # What was read of services, and of instances, until something of it changes.
        self._observed: dict[int, ServiceSnapshot] = {}
        self._seen: dict[int, tuple[LiveInstance, InstanceSnapshot]] = {}
        # The newest release of a service where it failed, by the number of releases.
        self._failed: dict[int, tuple[int, FailedRelease | None]] = {}
        self.services: dict[int, LiveService] = {}
        # What the last `update` described anew, or found to be gone.
        self.changed: set[int] = set()
        # Count up with each change of an event, a release, a host or a codebase.
        self.events = self.releases = self.hosts = self.codebases = 0

    @property
    def is_managed(self) -> bool:
        """Whether a manager of any host lives."""
        return self._is_managed

    def update(self, seq: int) -> None:
        """Bring everything up to the commit `seq` of the view that is open."""
        began_at = time.monotonic()
        is_due = began_at >= self._sweep_due_at
        hosts_before = self.hosts
        dirty = self._changed_since(seq)
        is_asked = is_due or dirty is None or self.hosts != hosts_before
        if is_asked and self._has_managers_changed():
            dirty = None
        self._seq = seq
        if dirty is None:
            self._describe_all()
        else:
            if is_due:
                dirty |= self._unsteady()
            self.changed = dirty | self._dependents if dirty else dirty
            self._describe(self.changed)
        if is_due:
            took_seconds = time.monotonic() - began_at
            self._sweep_due_at = began_at + max(SWEEP_SECONDS, PAUSE_PER_SWEEP * took_seconds)

    def _has_managers_changed(self) -> bool:
        before = (self._is_managed, self._absent)
        self._is_managed, self._absent = any_manager(), absences()
        if before == (self._is_managed, self._absent):
            return False
        self.hosts += 1
        return True

    def _describe_all(self) -> None:
        before = set(self.services)
        for known in (
            self._owners,
            self._dependents,
            self._observed,
            self._seen,
            self._failed,
        ):
            known.clear()
        # One lookup each brings all rows into the cache.
        ServiceInstance.lookup_all(is_current=True)
        found = {service.oid for service in Service.lookup_all()}
        self.changed = before | found
        self._describe(self.changed)

    def _changed_since(self, seq: int) -> set[int] | None:
        """Return the services that something was committed about; None for all."""
        if self._seq < 0:
            self._count_all()
            return None
        if seq == self._seq:
            return set()
        groups = self._engine.db.log_since(self._seq)[1]
        if groups is None:
            self._count_all()
            return None
        dirty: set[int] = set()
        for group in groups:
            match group.class_name:
                case "core.Service":
                    dirty.update(group.oids)
                    if not group.fields or not _TELLING.isdisjoint(group.fields.split(",")):
                        self._forget(group.oids)
                case "core.ServiceInstance":
                    dirty.update(self._owners_of(group.oids))
                    for oid in group.oids:
                        self._seen.pop(oid, None)
                case other:
                    dirty.update(self._changed_beside(other, group.oids))
        return dirty

    def _changed_beside(self, class_name: str, oids: Iterable[int]) -> Iterable[int]:
        """Count a change of what is neither service nor instance; return whom it is about."""
        match class_name:
            case "core.Release":
                self.releases += 1
                owners = set(_services_of(oids))
                self._forget(owners)
                return owners
            case "core.Event":
                self.events += 1
            case "core.ServiceHost":
                self.hosts += 1
            case "core.Codebase":
                self.codebases += 1
                return self.services
            case _:
                pass
        return ()

    def _forget(self, services: Iterable[int]) -> None:
        """Read a service and its instances again when it is described next."""
        for oid in services:
            self._observed.pop(oid, None)
            if (known := self.services.get(oid)) is not None:
                for instance in known.instances:
                    self._seen.pop(instance.oid, None)

    def _count_all(self) -> None:
        self.events += 1
        self.releases += 1
        self.hosts += 1
        self.codebases += 1

    def _owners_of(self, oids: Iterable[int]) -> Iterable[int]:
        for oid in oids:
            known = self._owners.get(oid)
            if known is not None:
                yield known
                continue
            instance = ServiceInstance.from_oid(oid)
            if instance.exists():
                yield instance.service.oid

    def _unsteady(self) -> set[int]:
        """Return the services that time changes, and those of which a process is gone."""
        found: set[int] = set()
        for oid, service in self.services.items():
            gone = [each.oid for each in service.instances if has_vanished(each)]
            for instance in gone:
                self._seen.pop(instance, None)
            if gone or service.state not in _STEADY:
                found.add(oid)
        return found

    def _describe(self, oids: Iterable[int]) -> None:
        for oid in oids:
            service = Service.from_oid(oid)
            if not service.exists() or service.is_removed:
                self._forget((oid,))
                self._failed.pop(oid, None)
                self.services.pop(oid, None)
                self._dependents.discard(oid)
                continue
            described = self._described(service)
            self.services[oid] = described
            for instance in described.instances:
                self._owners[instance.oid] = oid
            if self._observed[oid].depends_on:
                self._dependents.add(oid)
            else:
                self._dependents.discard(oid)

    def _see(
        self, service: Service, instance: ServiceInstance
    ) -> tuple[LiveInstance, InstanceSnapshot]:
        seen = self._seen.get(instance.oid)
        if seen is None:
            live = live_instance(service, instance, self._absent)
            snapshot = observe_instance(instance)._replace(state=InstanceState(live.state))
            seen = self._seen[instance.oid] = (live, snapshot)
        return seen

    def _observe(self, service: Service) -> ServiceSnapshot:
        observed = self._observed.get(service.oid)
        if observed is None:
            observed = self._observed[service.oid] = observe_service(service, ())
        if observed.depends_on:
            observed = observed._replace(waits_for=tuple(unfulfilled(service)))
        return observed

    def _described(self, service: Service) -> LiveService:
        found = ServiceInstance.lookup_all(service=service, is_current=True)
        seen = [self._see(service, each) for each in found]
        instances = tuple(live for live, _ in seen)
        observed = self._observe(service)._replace(instances=tuple(each for _, each in seen))
        state, reason = describe_service(
            observed, is_managed=self._is_managed, now=time.time(), absent=self._absent
        )
        if not reason and state is not ServiceState.RUNNING:
            reason = next((i.reason for i in reversed(instances) if i.reason), "")
        release = service.release or service.candidate
        codebase = release.codebase if release else None
        releases = [each for each in (service.release, service.candidate) if each]
        return LiveService(
            oid=service.oid,
            name=service.name,
            state=state.value,
            reason=reason,
            ready_count=sum(i.is_ready for i in instances if not i.is_owned),
            desired_count=service.desired_count,
            is_paused=service.is_paused,
            is_singleton=service.singleton,
            is_scheduled=service.schedule is not None,
            codebase=codebase.name if codebase else "",
            ref=release.asked_ref if release else "",
            commit=codebase.commit if codebase else "",
            placement=service.placement,
            restarts=service.restarts,
            created_at=service.created_at,
            deployed_at=release.created_at if release else None,
            codebases=frozenset(
                [each.codebase.oid for each in releases]
                + [i.codebase for i in instances if i.ended_at is None]
            ),
            instances=instances,
            failed_release=self._failed_release(service),
            failed_run=self._failed_run(observed, state, instances),
        )

    def _failed_run(
        self, service: ServiceSnapshot, state: ServiceState, instances: Iterable[LiveInstance]
    ) -> LiveInstance | None:
        """Return the last run of a job or schedule that is at rest, if that run ended badly.

        While a service is stopped, that is the last run that a person asked for.
        """
        own = [instance for instance in instances if not instance.is_owned]
        last = max(own, key=lambda instance: instance.oid, default=None)
        if last is None or last.state not in _BAD_ENDS:
            return None
        is_one_off = any(i.id == last.oid and i.is_one_off for i in service.instances)
        is_finished = state is ServiceState.STOPPED and (service.target_count > 0 or is_one_off)
        is_between = state is ServiceState.WAITING and service.is_scheduled and self._is_managed
        return last if is_finished or (is_between and not service.waits_for) else None

    def _failed_release(self, service: Service) -> FailedRelease | None:
        """Return the newest release if it failed; read once per number of releases."""
        active = service.release
        if service.candidate is not None or active is None:
            return None
        if active.number >= service.release_count:
            return None
        known = self._failed.get(service.oid)
        if known is None or known[0] != service.release_count:
            known = (service.release_count, newest_failed_release(service))
            self._failed[service.oid] = known
        return known[1]


def newest_failed_release(service: Service) -> FailedRelease | None:
    """Return the newest release of a service if it failed. Needs an open view."""
    newest = max(Release.lookup_all(service=service), key=lambda r: r.number, default=None)
    if newest is None or newest.outcome is not ReleaseOutcome.FAILED:
        return None
    return FailedRelease(newest.number, newest.reason or "it did not start")


def _services_of(releases: Iterable[int]) -> Iterable[int]:
    for oid in releases:
        release = Release.from_oid(oid)
        if release.exists():
            yield release.service.oid
