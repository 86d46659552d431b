"""What is asked before an order: the question, the button, and what has to be typed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from odbctl.tui.flows.orders import Order, OrderVerb, is_about_instances, names_text
from odbctl.tui.text import counted, visible

KILL_WORD = "kill"
_MEANINGS = {
    OrderVerb.STOP: "It does not run until it is started again.",
    OrderVerb.RESTART: "New instances start; the old ones stop when the new ones are ready.",
    OrderVerb.REMOVE: "It is stopped and removed. Its logs and events stay.",
    OrderVerb.STOP_INSTANCE: "Its service starts a replacement while one is needed.",
    OrderVerb.KILL_INSTANCE: "SIGKILL to its whole process group: nothing is saved or cleaned up.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A question about an order; `typed` is a word that has to be typed, empty when none."""

    question: str
    button: str
    typed: str = ""


def confirmation(order: Order, instance_counts: Mapping[str, int]) -> Confirmation | None:
    """Return what to ask before an order; None when it harms nothing.

    Args:
        order: What is to be done.
        instance_counts: How many instances live, by service, as the person saw it.
    """
    if order.verb not in _MEANINGS:
        return None
    word = order.verb.value.partition(" ")[0].capitalize()
    noun = "instance" if is_about_instances(order.verb) else "service"
    names = tuple(visible(target) for target in order.targets)
    meaning = _MEANINGS[order.verb]
    if len(names) == 1:
        question, button = f"{word} {noun} {names[0]}?", f"{word} {names[0]}"
    else:
        what = counted(len(names), noun)
        question, button = f"{word} {what}?\n{names_text(names)}", f"{word} {what}"
        meaning = meaning.replace("It does not run until it is", "They do not run until they are")
    if noun == "service":
        living = sum(instance_counts.get(target, 0) for target in order.targets)
        button += f": {counted(living, 'instance')}" if living else ""
    return Confirmation(question=f"{question}\n{meaning}", button=button, typed=_typed(order))


def _typed(order: Order) -> str:
    if order.verb is OrderVerb.REMOVE:
        return order.targets[0] if len(order.targets) == 1 else "remove"
    return KILL_WORD if order.verb is OrderVerb.KILL_INSTANCE and len(order.targets) > 1 else ""
