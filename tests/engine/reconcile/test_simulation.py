"""Whatever happens: what is promised holds in between, and calm brings what is wanted."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from builders import OLD, a_host, a_service
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from simulated_world import SimulatedWorld

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.occupancy import is_finished, live_ones
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

Choice = TypeVar("Choice")
S = InstanceState
CORES = 4.0
LASTING = 3  # the service that is never removed
PICK = st.integers(0, 999)
# A rollout and its leftovers need some rounds; a minute of back-off needs none.
CALM_ROUNDS = 40


class Supervision(RuleBasedStateMachine):
    """Three kinds of services on one host, and all that may befall them."""

    @initialize(policy=st.sampled_from(RestartPolicy), other=st.sampled_from(RestartPolicy))
    def set_up(self, policy: RestartPolicy, other: RestartPolicy) -> None:
        """Begin with all that is wanted running."""
        self.last_release = OLD
        self.world = SimulatedWorld(
            (
                a_service(2, id=1, name="plain", cores=1.0, restart=policy),
                a_service(1, id=2, name="single", singleton=True, restart=other),
                a_service(3, id=LASTING, name="free", stop_grace_seconds=0.0),
            ),
            a_host(cores=CORES),
        )
        self.settle(3)

    # What managers do.

    @rule()
    def reconcile(self) -> None:
        self.world.reconcile()

    @rule(rounds=st.integers(1, 3))
    def settle(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.reconcile()
            self.step_all()

    # What people do.

    @rule(pick=PICK, count=st.integers(0, 6))
    def scale(self, pick: int, count: int) -> None:
        self.world.scale(self.a_service(pick), count)

    @rule(pick=PICK)
    def deploy(self, pick: int) -> None:
        self.last_release += 1
        self.world.deploy(self.a_service(pick), self.last_release)

    @rule(pick=PICK)
    def reset(self, pick: int) -> None:
        self.world.reset(self.a_service(pick))

    @rule(pick=PICK)
    def remove(self, pick: int) -> None:
        for service in self.one_of([s for s in self.services() if s.id != LASTING], pick):
            self.world.remove(service.id)

    @rule(is_draining=st.booleans(), is_up=st.booleans())
    def disturb_host(self, is_draining: bool, is_up: bool) -> None:
        self.world.host = self.world.host._replace(is_draining=is_draining, is_up=is_up)

    # What befalls instances.

    @rule(pick=PICK)
    def step(self, pick: int) -> None:
        for instance in self.one_of(self.live(), pick):
            self.world.step(instance.id)

    @rule()
    def step_all(self) -> None:
        for instance in self.live():
            self.world.step(instance.id)

    @rule(pick=PICK, exit_code=st.sampled_from([0, 1, None]))
    def end(self, pick: int, exit_code: int | None) -> None:
        for instance in self.one_of(self.live(), pick):
            self.world.end(instance.id, exit_code=exit_code)

    @rule(pick=PICK)
    def ask_one_to_stop(self, pick: int) -> None:
        for instance in self.one_of(self.live(), pick):
            self.world.ask_to_stop(instance.id)

    @rule(pick=PICK)
    def spawn_child(self, pick: int) -> None:
        running = [i for i in self.live() if i.state is S.RUNNING]
        for instance in self.one_of(running, pick):
            self.world.spawn_child(instance.id)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 40.0, 3600.0, -3600.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.now += seconds

    # What always holds.

    @invariant()
    def a_singleton_is_never_two(self) -> None:
        for service in self.services():
            assert not service.singleton or len(live_ones(service)) <= 1

    @invariant()
    def a_slot_holds_one_wanted_instance_of_a_release(self) -> None:
        for service in self.services():
            wanted = Counter((i.slot, i.release) for i in live_ones(service) if i.is_wanted)
            assert not wanted or max(wanted.values()) == 1

    @invariant()
    def no_core_is_given_twice(self) -> None:
        slots = [live for s in self.services() if s.cores for live in live_ones(s)]
        assert len(slots) <= CORES

    @invariant()
    def running_means_that_as_many_as_wanted_run(self) -> None:
        for service in self.services():
            state, _ = describe_service(service, is_managed=True, now=self.world.now)
            running = {i.slot for i in live_ones(service) if i.state is S.RUNNING}
            wanted = service.target_count
            is_all = wanted > 0 and len(running & set(range(wanted))) == wanted
            assert (state is ServiceState.RUNNING) == is_all

    # What holds in the end.

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.calm_down()
            for service in self.services():
                self.expect_what_is_wanted(service)

    def calm_down(self) -> None:
        """Let nothing more happen but what plans bring about."""
        self.world.host = a_host()
        for service in list(self.world.services):
            self.world.reset(service)
        for _ in range(CALM_ROUNDS):
            plan = self.world.reconcile()
            moving = [i for i in self.live() if i.state is not S.RUNNING]
            for instance in moving:
                self.world.step(instance.id)
            if not moving and plan.wake_at is None:
                return
            self.world.now = max(self.world.now, plan.wake_at or self.world.now)
        raise AssertionError(f"no calm: {self.world.plan()} {self.world.snapshot()}")

    def expect_what_is_wanted(self, service: ServiceSnapshot) -> None:
        assert not service.is_removed
        assert service.candidate is None
        assert service.shortage is None
        running = {i.slot for i in live_ones(service)}
        finished = {i.slot for i in service.instances if i.is_ended and is_finished(service, i)}
        assert len(running) == len(live_ones(service))
        assert running | finished == set(range(service.target_count))
        assert not running & finished
        owners = {i.id for i in service.instances if i.state is S.RUNNING}
        assert all(i.owner in owners for i in service.instances if i.owner is not None)

    # Choosing.

    def services(self) -> tuple[ServiceSnapshot, ...]:
        return self.world.snapshot().services

    def live(self) -> list[InstanceSnapshot]:
        return [i for i in self.world.instances.values() if not i.is_ended]

    def a_service(self, pick: int) -> int:
        return list(self.world.services)[pick % len(self.world.services)]

    @staticmethod
    def one_of(choices: list[Choice], pick: int) -> list[Choice]:
        """Return one of them, or none where there is none."""
        return [choices[pick % len(choices)]] if choices else []


TestSupervision = Supervision.TestCase
TestSupervision.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
