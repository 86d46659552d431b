"""A model of the object database: plain dicts, every state that was ever committed.

A transaction may see the state of its beginning, or, as long as nothing that
it has read differs there, a later one. So the model keeps what was observed,
and asks which states explain all of it.
"""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Values = dict[str, Any]
# Objects by number; one state is one commit.
State = dict[int, Values]
GONE = "gone"


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass
class RangeLookup:
    """A lookup by range, in an order, of one page."""

    equal: Values
    order: str
    bounds: Values
    is_descending: bool
    limit: int | None

    def arguments(self, after: object) -> Values:
        """Return what the lookup is called with."""
        sign = "-" if self.is_descending else ""
        bounds = {f"{self.order}__{comparison}": value for comparison, value in self.bounds.items()}
        order = {"order_by": sign + self.order}
        return {**self.equal, **bounds, **order, "limit": self.limit, "after": after}

    def find(self, state: State, after: int | None) -> list[int]:
        """Return the objects that it finds."""
        oids = sorted(
            (oid for oid, values in state.items() if self.has(values)),
            key=lambda oid: self._key(oid, state),
            reverse=self.is_descending,
        )
        if after is not None:
            if self.order != "oid" and after not in state:
                return []
            place = self._key(after, state)
            oids = [
                oid
                for oid in oids
                if (self._key(oid, state) < place if self.is_descending else
                    self._key(oid, state) > place)
            ]  # fmt: skip
        return oids[: self.limit]

    def has(self, values: Values) -> bool:
        """Tell whether an object is in the range."""
        if any(values[name] != value for name, value in self.equal.items()):
            return False
        value = values.get(self.order)
        return all(
            value is not None and COMPARISONS[comparison](value, bound)
            for comparison, bound in self.bounds.items()
        )

    def _key(self, oid: int, state: State) -> tuple[Any, ...]:
        value = None if self.order == "oid" else state[oid][self.order]
        return (0, 0, oid) if value is None else (1, value, oid)


@dataclass
class Observation:
    """Something that was read, and what came of it."""

    look: Callable[[State], object]
    result: object


@dataclass
class ModelTransaction:
    """An open transaction or view."""

    began: int
    is_view: bool
    # How many fields had been written before.
    rewrites: int = 0
    observations: list[Observation] = field(default_factory=list[Observation])
    # What was written: None where deleted. `created` are whole, others have the set fields only.
    written: dict[int, Values | None] = field(default_factory=dict[int, Values | None])
    created: set[int] = field(default_factory=set[int])
    # What was read: (oid, field or None for existence), and lookups.
    items: set[tuple[int, str | None]] = field(default_factory=set[tuple[int, str | None]])
    lookups: list[Values | RangeLookup] = field(default_factory=list[Values | RangeLookup])
    # What written values refer to, and the last state when they were written.
    references: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    is_dead: bool = False
    # Whether its commit is among the states.
    is_recorded: bool = False
    # Functions to be called after the commit, and those that were.
    callbacks: int = 0
    called: int = 0
    has_failed_callback: bool = False

    def frozen(self) -> ModelTransaction:
        """Return what was written until now."""
        written = copy.deepcopy(self.written)
        return ModelTransaction(self.began, self.is_view, written=written, created={*self.created})

    def seen(self, state: State) -> State:
        """Lay what was written over a state."""
        laid = dict(state)
        for oid, values in self.written.items():
            if values is None:
                laid.pop(oid, None)
            elif oid in self.created:
                laid[oid] = values
            elif oid in laid:
                laid[oid] = {**laid[oid], **values}
        return laid


class Model:
    """All states, and the open transactions."""

    def __init__(self, unique: tuple[str, ...]) -> None:
        self.states: list[State] = [{}]
        # Fields that were written, in order: to others they have changed, even if they came back
        # to what they were before the commit.
        self.rewrites: list[tuple[int, str]] = []
        self.unique = unique

    def begin(self, *, is_view: bool) -> ModelTransaction:
        """Open a transaction or view."""
        return ModelTransaction(len(self.states) - 1, is_view, rewrites=len(self.rewrites))

    def explaining(self, tx: ModelTransaction) -> list[int]:
        """Return the states that explain all that was observed."""
        last = tx.began if tx.is_view else len(self.states) - 1
        return [
            number
            for number in range(tx.began, last + 1)
            if all(each.look(self.states[number]) == each.result for each in tx.observations)
        ]

    def observe(
        self,
        tx: ModelTransaction,
        look: Callable[[State], object],
        result: object,
        then: ModelTransaction | None = None,
    ) -> None:
        """Note what was read, which some state must explain.

        Args:
            tx: What has read it.
            look: Reads the same in a state.
            result: What was read.
            then: `tx` as it was when it was read; as it is now by default.
        """
        then = then or tx.frozen()
        tx.observations.append(Observation(lambda state: look(then.seen(state)), result))
        assert self.explaining(tx), f"no state from {tx.began} on explains {result!r}"

    def after(self, tx: ModelTransaction) -> State:
        """Return what the last state becomes with what was written."""
        return copy.deepcopy(tx.seen(self.states[-1]))

    def has_duplicates(self, state: State) -> bool:
        """Tell whether two objects have the same unique values."""
        if not self.unique:
            return False
        keys = [tuple(_hashable(values[name]) for name in self.unique) for values in state.values()]
        known = [key for key in keys if None not in key]
        return len(set(known)) < len(known)

    def commit(self, tx: ModelTransaction, newest: State) -> None:
        """Note a commit that succeeded and what it left: what it saw must hold now."""
        explaining = self.explaining(tx)
        if newest == self.states[-1]:
            # Fine, even if what was read has changed, if it wrote nothing but what was there.
            seen = [self.states[number] for number in explaining]
            assert any(tx.seen(state) == state for state in seen), "what was written is lost"
            self._note_rewrites(tx)
            return
        assert len(self.states) - 1 in explaining, "what was read has changed"
        assert newest == self.after(tx), "something else was written"
        for target, since in tx.references:
            assert not self._was_deleted(target, since), "what it refers to was deleted beside it"
        assert not self.has_duplicates(newest), "unique values are no longer unique"
        self.states.append(newest)
        self._note_rewrites(tx)

    def _note_rewrites(self, tx: ModelTransaction) -> None:
        """Note what may have been written to come back to what it was."""
        self.rewrites += [
            (oid, name) for oid, values in tx.written.items() for name in values or ()
        ]

    def holds(self, tx: ModelTransaction) -> bool:
        """Tell whether all that was observed is still so."""
        return all(each.look(self.states[-1]) == each.result for each in tx.observations)

    def refer(self, tx: ModelTransaction, oid: int | None, name: str, target: int) -> None:
        """Note a written reference: its target must not be deleted beside it.

        Args:
            tx: What writes it.
            oid: The object that refers; None if it is new.
            name: The field.
            target: What it refers to.
        """
        tx.items.add((target, None))
        seen = [tx.seen(self.states[number]) for number in self.explaining(tx)]
        # A value that is there already is read, not written.
        if oid is None or all(state[oid][name] != target for state in seen if oid in state):
            tx.references.append((target, len(self.states) - 1))

    def _was_deleted(self, oid: int, since: int) -> bool:
        return any(
            oid in before and oid not in after
            for before, after in itertools.pairwise(self.states[since:])
        )

    def may_conflict(self, tx: ModelTransaction) -> bool:
        """Tell whether a commit since its beginning touched what was read or written."""
        return self._may_have_come_back(tx) or any(
            _touches(before, after, tx)
            for before, after in zip(
                self.states[tx.began :], self.states[tx.began + 1 :], strict=False
            )
        )

    def _may_have_come_back(self, tx: ModelTransaction) -> bool:
        fields = tx.items | {
            (oid, name) for oid, values in tx.written.items() for name in values or ()
        }
        deleted = {oid for oid, values in tx.written.items() if values is None}
        looked_up = {name for lookup in tx.lookups for name in _names_of(lookup)}
        return any(
            (oid, name) in fields or oid in deleted or name in looked_up
            for oid, name in self.rewrites[tx.rewrites :]
        )


def _names_of(lookup: Values | RangeLookup) -> set[str]:
    return {*lookup.equal, lookup.order} if isinstance(lookup, RangeLookup) else set(lookup)


def _touches(before: State, after: State, tx: ModelTransaction) -> bool:
    for oid in before.keys() | after.keys():
        old, new = before.get(oid), after.get(oid)
        if old == new:
            continue
        if any(_matches(lookup, old, new) for lookup in tx.lookups):
            return True
        if oid in tx.written or any(item[0] == oid for item in tx.items):
            if old is None or new is None:
                return True
            read = {name for other, name in tx.items if other == oid}
            read |= set(tx.written.get(oid) or {})
            deletes = oid in tx.written and tx.written[oid] is None
            if deletes or any(old[name] != new[name] for name in read if name):
                return True
    return False


def _matches(
    lookup: Mapping[str, Any] | RangeLookup, old: Values | None, new: Values | None
) -> bool:
    """Tell whether a change may concern a lookup; a little more than what it must."""
    if isinstance(lookup, RangeLookup):
        return _matches_range(lookup, old, new)
    if old is None or new is None:
        there = old or new or {}
        return all(there[name] == value for name, value in lookup.items())
    return any(
        old[name] != new[name] and value in (old[name], new[name]) for name, value in lookup.items()
    )


def _matches_range(lookup: RangeLookup, old: Values | None, new: Values | None) -> bool:
    """Tell the same of a range; what an update left as it was is not in the log."""
    asked = [*lookup.equal, lookup.order]
    if old is None or new is None:
        return lookup.has(old or new or {})
    changed = {name for name in asked if old.get(name) != new.get(name)}
    known = replace(
        lookup,
        equal={name: value for name, value in lookup.equal.items() if name in changed},
        bounds=lookup.bounds if lookup.order in changed else {},
    )
    return bool(changed) and (known.has(old) or known.has(new))


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType] - of any
