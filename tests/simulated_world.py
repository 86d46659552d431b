"""A small model of what managers and workers do with a plan, without any process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from builders import NOW, an_instance

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.actions import (
    Action,
    BeginRun,
    Boot,
    ClearFailedStarts,
    FailRollout,
    Forget,
    Kill,
    Plan,
    Promote,
    RecordGone,
    ReportHostDown,
    ReportShortage,
    Retire,
    SetNextRun,
    SkipRun,
    Stop,
    Terminate,
)
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import (
    HostSnapshot,
    InstanceSnapshot,
    ServiceSnapshot,
    WorldSnapshot,
)

S = InstanceState
# The longest honest chain of plans without an event between them: shortage
# reported, rollout failed, leftovers stopped, slots filled, starts forgiven.
MAX_PLANS = 6
RUN_EVERY_SECONDS = 60.0
_NEXT = {S.BOOTING: S.INITIALIZING, S.INITIALIZING: S.RUNNING}


class SimulatedWorld:
    """Services and their current instances; `now` stands still until it is moved."""

    def __init__(self, services: Iterable[ServiceSnapshot], host: HostSnapshot) -> None:
        self.now = NOW
        self.host = host
        self.services = {service.id: service for service in services}
        self.instances: dict[int, InstanceSnapshot] = {}
        self._service_of: dict[int, int] = {}
        self._last_id = 1000

    # What is seen.

    def instances_of(self, service: int) -> tuple[InstanceSnapshot, ...]:
        return tuple(i for i in self.instances.values() if self._service_of[i.id] == service)

    def snapshot(self) -> WorldSnapshot:
        services = (s._replace(instances=self.instances_of(s.id)) for s in self.services.values())
        return WorldSnapshot(services=tuple(services), hosts=(self.host,), own_host=self.host.id)

    def plan(self) -> Plan:
        return plan_world(self.snapshot(), now=self.now)

    # What managers do.

    def reconcile(self) -> Plan:
        """Plan and apply until nothing is left to do; return the last, empty plan."""
        # A chain of owners and children ends one generation at a time.
        for _ in range(MAX_PLANS + len(self.instances)):
            plan = self.plan()
            assert plan == self.plan()
            if not plan.actions:
                return plan
            for action in plan.actions:
                self._apply(action)
        raise AssertionError(f"plans go on for ever: {self.plan().actions}")

    def _apply(self, action: Action) -> None:
        match action:
            case Boot():
                self._boot(action)
            case Stop(instance=number):
                self.ask_to_stop(number)
            case Terminate(instance=number):
                self._update(number, is_terminated=True)
            case Kill(instance=number):
                self.end(number)
            case Retire(instance=number):
                assert self.instances[number].is_ended
                del self.instances[number]
            case ReportHostDown():
                self.host = self.host._replace(is_recorded_up=False)
            case RecordGone():
                raise AssertionError("every process of this world lives")
            case _:
                self._apply_to_service(action)

    def _apply_to_service(
        self,
        action: Promote
        | FailRollout
        | ClearFailedStarts
        | ReportShortage
        | SetNextRun
        | BeginRun
        | SkipRun
        | Forget,
    ) -> None:
        match action:
            case Promote(service=service):
                candidate = self.services[service].candidate
                self._change(service, release=candidate, candidate=None)
                self._change(service, failed_starts=0, reset_at=self.now)
            case FailRollout(service=service, instance=number):
                assert self.instances[number].release == self.services[service].candidate
                if action.reason is None:
                    del self.instances[number]
                self._change(service, candidate=None)
            case ClearFailedStarts(service=service):
                self._change(service, failed_starts=0)
            case ReportShortage(service=service, count=count, shortage=shortage):
                self._change(service, unplaceable_count=count, shortage=shortage)
            case SetNextRun(service=service) | SkipRun(service=service):
                self._change(service, next_run_at=self.now + RUN_EVERY_SECONDS)
            case BeginRun(service=service):
                due_at = self.now + RUN_EVERY_SECONDS
                self._change(service, run_at=self.now, reset_at=self.now, next_run_at=due_at)
            case Forget(service=service):
                assert all(i.is_ended for i in self.instances_of(service))
                for instance in self.instances_of(service):
                    del self.instances[instance.id]
                del self.services[service]
            case _:
                assert_never(action)

    def _boot(self, boot: Boot) -> None:
        if boot.is_one_off:
            self._change(boot.service, has_requested_run=False)
        self._add(
            boot.service,
            an_instance(
                self._next_id(),
                boot.slot,
                S.BOOTING,
                release=boot.release,
                host=boot.host,
                failures=boot.failures,
                is_one_off=boot.is_one_off,
                created_at=self.now,
            ),
        )

    # What workers do, and what happens to them.

    def step(self, number: int) -> None:
        """Bring an instance one state nearer to running, or to its end if it was asked."""
        instance = self.instances[number]
        if instance.is_stopping:
            self.end(number)
        elif following := _NEXT.get(instance.state):
            ran = self.now if following is S.RUNNING else None
            self._update(number, state=following, running_at=ran)

    def ask_to_stop(self, number: int) -> None:
        if self.instances[number].is_wanted:
            self._update(number, state=S.STOPPING, stopping_at=self.now)

    def end(self, number: int, *, exit_code: int | None = 1) -> None:
        """End an instance as its manager would record it."""
        instance = self.instances[number]
        if instance.is_stopping:
            del self.instances[number]
            return
        ran_well = S.STOPPED if exit_code == 0 else S.CRASHED
        state = S.FAILED if instance.running_at is None else ran_well
        self._update(number, state=state, ended_at=self.now, exit_code=exit_code)
        service = self.services[self._service_of[number]]
        if state is S.FAILED and instance.owner is None and instance.release == service.release:
            self._change(service.id, failed_starts=service.failed_starts + 1)

    def spawn_child(self, owner: int) -> None:
        parent = self.instances[owner]
        child = an_instance(
            self._next_id(), parent.slot, S.BOOTING, release=parent.release, owner=owner
        )
        self._add(self._service_of[owner], child)

    # What people ask for.

    def scale(self, service: int, count: int) -> None:
        self._change(service, desired_count=count)

    def deploy(self, service: int, release: int) -> None:
        self._change(service, candidate=release)

    def reset(self, service: int) -> None:
        self._change(service, failed_starts=0, reset_at=self.now)

    def remove(self, service: int) -> None:
        self._change(service, is_removed=True)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _add(self, service: int, instance: InstanceSnapshot) -> None:
        self.instances[instance.id] = instance
        self._service_of[instance.id] = service

    def _update(self, number: int, **fields: object) -> None:
        self.instances[number] = self.instances[number]._replace(**fields)  # type: ignore[arg-type] # fields of a named tuple

    def _change(self, service: int, **fields: object) -> None:
        self.services[service] = self.services[service]._replace(**fields)  # type: ignore[arg-type] # fields of a named tuple
