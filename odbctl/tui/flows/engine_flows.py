"""The flows' backend that is a real home. Each call opens it anew, in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable

from odbctl.engine.api import instances, releases, services
from odbctl.engine.api.deploy_plan import list_service_refs, plan_deploy, plan_rollback
from odbctl.engine.api.documents import InstanceDocument, ReleaseDocument, ServiceDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import list_instances, show_instance
from odbctl.engine.api.logs import read_logs, select_logs
from odbctl.engine.api.managers import ensure_manager
from odbctl.engine.api.results import Change
from odbctl.engine.api.status import list_releases, service_status
from odbctl.errors import NotFoundError, OdbctlError
from odbctl.paths import Home
from odbctl.tui.flows.backend import RolloutSource, ShouldStop, Tell
from odbctl.tui.flows.orders import Order, OrderVerb, outcome_text
from odbctl.tui.flows.rows import (
    LogRow,
    PlanView,
    RefRow,
    RolloutView,
    plan_view,
    ref_rows,
    rollout_rows,
)
from odbctl.tui.home_source import HomeSource
from odbctl.tui.resource_rows import ReleaseRow, newest_first, release_rows

TAIL_COUNT = 30


class EngineFlows:
    """The backend that is a real home; each call opens it anew."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def refs(
        self, service: str, *, is_fresh: bool, tell: Tell, should_stop: ShouldStop
    ) -> tuple[RefRow, ...]:
        """Read the refs of the codebase's repository."""
        with self._engine() as engine:
            found = list_service_refs(
                engine, service, is_fresh=is_fresh, progress=tell, should_stop=should_stop
            )
        return ref_rows(found)

    def releases(self, service: str) -> tuple[ReleaseRow, ...]:
        """Read the releases."""
        with self._engine() as engine:
            return newest_first(release_rows(list_releases(engine, service)))

    def facts(self, service: str) -> ServiceDocument:
        """Read the service."""
        with self._engine() as engine:
            return service_status(engine, service)

    def instance_facts(self, instance: str) -> InstanceDocument:
        """Read the instance."""
        with self._engine() as engine:
            return show_instance(engine, instance)

    def plan_deploy(
        self, service: str, ref: str, *, tell: Tell, should_stop: ShouldStop
    ) -> PlanView:
        """Plan with git and the database."""
        with self._engine() as engine:
            return plan_view(
                plan_deploy(engine, service, ref, progress=tell, should_stop=should_stop)
            )

    def plan_rollback(self, service: str, number: int, *, should_stop: ShouldStop) -> PlanView:
        """Plan with git and the database."""
        with self._engine() as engine:
            found = plan_rollback(engine, service, number=number, should_stop=should_stop)
            return plan_view(found)

    def carry_out(self, plan: PlanView, *, tell: Tell) -> int:
        """Make the release; a manager rolls it out, and is started where none runs."""
        with self._engine() as engine:
            if plan.to_release is not None:
                change = releases.rollback_service(engine, plan.service, number=plan.to_release)
            else:
                change = releases.deploy_service(
                    engine,
                    plan.service,
                    plan.target,
                    expected_commit=plan.new_commit,
                    progress=tell,
                )
            if change.document["target_count"]:
                ensure_manager(engine, on_start=tell)
            return int(change.document["candidate"] or change.document["release"])

    def watch(self, service: str, release: int) -> RolloutSource:
        """Look at the instances of a service and the outcome of a release."""
        return EngineRollout(self._home, service, release)

    def perform(self, order: Order, *, tell: Tell) -> str:
        """Do it to one target after the other; what one refuses keeps no other from it."""
        lines: list[str] = []
        errors: list[OdbctlError] = []
        with self._engine() as engine:
            if order.verb in _NEEDS_MANAGER:
                ensure_manager(engine, on_start=tell)
            for target in order.targets:
                try:
                    lines.append(_DEEDS[order.verb](engine, order, target).message)
                except OdbctlError as error:
                    errors.append(error)
        return outcome_text(lines, errors)

    def _engine(self) -> Engine:
        return Engine.open(self._home)


def _set_lock(engine: Engine, order: Order, target: str) -> Change:
    return services.set_lock(engine, target, _LOCKS[order.verb])


_LOCKS = {
    OrderVerb.LOCK: "locked",
    OrderVerb.PREPARE: "prepared",
    OrderVerb.UNLOCK: "unlocked",
}
# Nothing comes of these without a manager.
_NEEDS_MANAGER = frozenset({OrderVerb.START, OrderVerb.RUN})
_DEEDS: dict[OrderVerb, Callable[[Engine, Order, str], Change]] = {
    OrderVerb.START: lambda engine, _order, name: services.start_service(engine, name),
    OrderVerb.STOP: lambda engine, _order, name: services.stop_service(engine, name),
    OrderVerb.RESTART: lambda engine, _order, name: releases.restart_service(engine, name),
    OrderVerb.SCALE: lambda engine, order, name: services.scale_service(engine, name, order.count),
    OrderVerb.RUN: lambda engine, _order, name: services.run_service(engine, name),
    OrderVerb.RESET: lambda engine, _order, name: services.reset_service(engine, name),
    OrderVerb.LOCK: _set_lock,
    OrderVerb.PREPARE: _set_lock,
    OrderVerb.UNLOCK: _set_lock,
    OrderVerb.REMOVE: lambda engine, _order, name: services.remove_service(engine, name),
    OrderVerb.STOP_INSTANCE: lambda engine, _order, name: instances.stop_instance(engine, name),
    OrderVerb.KILL_INSTANCE: lambda engine, _order, name: instances.kill_instance(engine, name),
}


class EngineRollout(HomeSource):
    """A rollout in a real home, which the change signal wakes."""

    def __init__(self, home: Home, service: str, release: int) -> None:
        super().__init__(home)
        self._service = service
        self._release = release

    def read(self) -> RolloutView:
        """Read release, instances and the end of their logs."""
        with self._engine.db.view():
            release = self._find_release()
            wanted = service_status(self._engine, self._service)["target_count"]
            found = list_instances(self._engine, service=self._service, everything=True)
        rows = rollout_rows((d for d in found if _matters(d, release)), self._release)
        return RolloutView(
            service=self._service,
            release=self._release,
            outcome=release["outcome"],
            reason=release["reason"] or "",
            wanted=wanted,
            instances=rows,
            logs=self._logs([row.key for row in rows if row.is_new]),
            settle_seconds=release["settle_seconds"],
        )

    def _find_release(self) -> ReleaseDocument:
        for release in list_releases(self._engine, self._service):
            if release["number"] == self._release:
                return release
        raise NotFoundError(f"release of service {self._service}", str(self._release))

    def _logs(self, names: list[str]) -> tuple[LogRow, ...]:
        found: list[LogRow] = []
        for name in names:
            try:
                selection = select_logs(self._engine, self._service, instance=name)
            except NotFoundError:
                continue
            found += (
                LogRow(at=d["at"], instance=d["instance"], level=d["level"], text=d["text"])
                for d in read_logs(self._engine, selection, count=TAIL_COUNT)
            )
        return tuple(sorted(found, key=lambda row: row.at)[-TAIL_COUNT:])


def _matters(instance: InstanceDocument, release: ReleaseDocument) -> bool:
    """Tell whether an instance is of a release, lives, or ended since it was made."""
    ended_at = instance["ended_at"]
    is_new = instance["release"] == release["number"]
    return is_new or ended_at is None or ended_at >= release["created_at"]
