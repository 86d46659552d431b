"""Every action of an object, and why those that cannot be done now cannot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from odbctl.engine.api.documents import InstanceDocument, ServiceDocument
from odbctl.tui.flows.orders import OrderVerb
from odbctl.tui.snapshot import ENDED_INSTANCE_STATES
from odbctl.tui.text import counted

DEPLOY = "deploy"
ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One action; `hotkey` is what chooses it in the menu. It can be done without a `refusal`."""

    key: str
    hotkey: str
    label: str
    note: str
    refusal: str = ""


def service_menu(service: ServiceDocument, *, blocked: str = "") -> tuple[MenuItem, ...]:
    """Return the actions of a service.

    Args:
        service: As it is now.
        blocked: Why nothing can be changed but what brings a manager; empty when it can.
    """
    return (
        *_running_items(service, blocked),
        *_code_items(service, blocked),
        *_ending_items(service),
    )


def _running_items(service: ServiceDocument, blocked: str) -> tuple[MenuItem, ...]:
    wanted, alive = service["target_count"], len(living_ids(service))
    trouble = bool(service["failed_starts"]) or _has_ended(service)
    is_quiet = not (trouble or service["crashes"])
    not_wanted = "" if wanted else "it is stopped"
    is_up = "it is already started" if wanted and not trouble else ""
    return (
        _item(OrderVerb.START, "start its instances", is_up),
        _item(OrderVerb.STOP, f"stop {counted(alive, 'instance')}", blocked or not_wanted),
        _item(OrderVerb.RESTART, "replace each instance", blocked or not_wanted),
        _item(
            OrderVerb.SCALE,
            f"desired count {service['desired_count']}",
            blocked or _scale_refusal(service),
        ),
        _item(OrderVerb.RUN, "run the job once", _run_refusal(service, alive)),
        _item(
            OrderVerb.RESET,
            "end back-off and throttling",
            blocked or ("nothing has failed" if is_quiet else ""),
        ),
    )


def _code_items(service: ServiceDocument, blocked: str) -> tuple[MenuItem, ...]:
    lock = service["lock"]
    hotkey = _HOTKEYS[OrderVerb.PREPARE]
    locked = f"its codebase is locked; {hotkey} allows one change" * (lock == "locked")
    code = {"refusal": blocked or locked}
    return (
        MenuItem(key=DEPLOY, hotkey="D", label=DEPLOY, note="run another commit", **code),
        MenuItem(key=ROLL_BACK, hotkey="B", label=ROLL_BACK, note="run an earlier release", **code),
        _item(OrderVerb.LOCK, "refuse code changes", "it is locked" * (lock == "locked")),
        _item(OrderVerb.PREPARE, "allow one code change", "it is not locked" * (not locked)),
        _item(OrderVerb.UNLOCK, "allow code changes", "it is not locked" * (lock == "unlocked")),
    )


def _ending_items(service: ServiceDocument) -> tuple[MenuItem, ...]:
    alive = len(living_ids(service))
    no_life = "" if alive else "it has no running instance"
    return (
        _item(OrderVerb.KILL_INSTANCE, f"SIGKILL to {counted(alive, 'instance')}", no_life),
        _item(OrderVerb.REMOVE, "stop and remove it; logs stay", ""),
    )


def services_menu(
    services: Sequence[ServiceDocument], *, blocked: str = ""
) -> tuple[MenuItem, ...]:
    """Return the actions of services; an action that one of them can take is offered."""
    items = _merged([service_menu(service, blocked=blocked) for service in services])
    if len(services) == 1:
        return items
    alive = counted(sum(len(living_ids(service)) for service in services), "instance")
    notes = {
        OrderVerb.STOP: f"stop {alive}",
        OrderVerb.SCALE: "the same count for each",
        OrderVerb.KILL_INSTANCE: f"SIGKILL to {alive}",
        DEPLOY: "run another commit; a plan for each",
        ROLL_BACK: "run an earlier release; a plan for each",
    }
    return tuple(replace(item, note=notes.get(item.key, item.note)) for item in items)


def instances_menu(
    instances: Sequence[InstanceDocument], *, blocked: str = ""
) -> tuple[MenuItem, ...]:
    """Return the actions of instances; an action that one of them can take is offered."""
    return _merged([instance_menu(instance, blocked=blocked) for instance in instances])


def _merged(menus: Sequence[tuple[MenuItem, ...]]) -> tuple[MenuItem, ...]:
    """Merge the same items of several objects; what none can take is refused as the first says."""
    return tuple(
        next((item for item in items if not item.refusal), items[0])
        for items in zip(*menus, strict=True)
    )


def instance_menu(instance: InstanceDocument, *, blocked: str = "") -> tuple[MenuItem, ...]:
    """Return the actions of an instance."""
    ended = "it has ended" if instance["state"] in ENDED_INSTANCE_STATES else ""
    no_process = "" if instance["pid"] is not None else "it has no process"
    return (
        _item(
            OrderVerb.STOP_INSTANCE,
            "its service starts a replacement",
            ended or blocked,
            hotkey="x",
        ),
        _item(OrderVerb.KILL_INSTANCE, "SIGKILL to its process group", ended or no_process),
    )


def living_ids(service: ServiceDocument) -> tuple[str, ...]:
    """Return the ids of the instances that have a process."""
    return tuple(i["id"] for i in service["instances"] if i["pid"] is not None)


def read_only(items: tuple[MenuItem, ...]) -> tuple[MenuItem, ...]:
    """Return the same items, all refused."""
    return tuple(replace(i, refusal="the dashboard was opened with --readonly") for i in items)


_HOTKEYS = {
    OrderVerb.START: "u",
    OrderVerb.STOP: "x",
    OrderVerb.RESTART: "r",
    OrderVerb.SCALE: "=",
    OrderVerb.RUN: "n",
    OrderVerb.RESET: "z",
    OrderVerb.LOCK: "L",
    OrderVerb.PREPARE: "P",
    OrderVerb.UNLOCK: "U",
    OrderVerb.KILL_INSTANCE: "K",
    OrderVerb.REMOVE: "R",
}


def _item(verb: OrderVerb, note: str, refusal: str, *, hotkey: str = "") -> MenuItem:
    return MenuItem(
        key=verb,
        hotkey=hotkey or _HOTKEYS[verb],
        label=verb.value.removesuffix(" instance"),
        note=note,
        refusal=refusal,
    )


def _has_ended(service: ServiceDocument) -> bool:
    return any(i["state"] in ENDED_INSTANCE_STATES for i in service["instances"])


def _scale_refusal(service: ServiceDocument) -> str:
    if service["schedule"] is not None:
        return "it is scheduled: one instance per run"
    return "it is a singleton" if service["singleton"] else ""


def _run_refusal(service: ServiceDocument, alive: int) -> str:
    if service["restart"] == "always":
        return "it is not a job: its restart policy is always"
    return "it is running" if alive else ""
