"""Decides whether a history of transactions is serializable, from what they read and wrote.

After Adya ("Weak Consistency", 1999) and Elle (Kingsbury and Alvaro, VLDB 2020):
registers are lists to which each write appends a value of its own, so that
what is read tells which writes came before; sets (the results of lookups) are
told by members that come once and go once. The dependencies make a graph,
and a cycle in it is an anomaly.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# From transaction to transaction, why the one comes before the other.
Edges = dict[str, dict[str, str]]
Add = Callable[[str, str, str], None]


@dataclass
class Transaction:
    """What one transaction did, as it saw it; times are of one clock."""

    name: str
    began: float
    ended: float
    is_committed: bool = True
    # By register, the list that was read first, before own writes.
    reads: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    # By register, what was appended, in order.
    appends: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    # By set, the members that were found before own changes.
    found: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    # (set, member) pairs.
    entered: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    left: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


@dataclass(frozen=True)
class Anomaly:
    """What is wrong with a history."""

    name: str
    text: str


def anomalies(history: list[Transaction]) -> list[Anomaly]:
    """Find what keeps a history from being strictly serializable; empty if nothing does."""
    found = list(_impossible_reads(history))
    if found:
        return found
    committed = [each for each in history if each.is_committed]
    edges = _edges(committed)
    cycle = _cycle(edges)
    return [_named(cycle, edges, {each.name: each for each in committed})] if cycle else []


def _impossible_reads(history: list[Transaction]) -> Iterator[Anomaly]:
    """Find reads that no order explains."""
    writer = {
        (key, value): each
        for each in history
        for key, values in each.appends.items()
        for value in values
    }
    longest = _longest(history)
    for each in history:
        for key, values in each.reads.items():
            if values != longest[key][: len(values)]:
                yield Anomaly("lost update", f"{each.name} read {key} = {values}: no prefix")
            if unknown := [value for value in values if (key, value) not in writer]:
                yield Anomaly("read from nowhere", f"{each.name} read {unknown}, never written")
            elif values:
                yield from _unfinished(each.name, key, [writer[key, value] for value in values])
                if values[-1] != writer[key, values[-1]].appends[key][-1]:
                    yield Anomaly("intermediate read", f"{each.name} read {key} = {values}")
    for each in history:
        for key, values in each.appends.items():
            if each.is_committed and longest[key] and not set(values) <= set(longest[key]):
                yield Anomaly("lost update", f"{values} of {each.name} are missing from {key}")


def _unfinished(name: str, key: str, writers: list[Transaction]) -> Iterator[Anomaly]:
    for writer in writers:
        if not writer.is_committed:
            yield Anomaly("aborted read", f"{name} read {key} of {writer.name}, rolled back")


def _longest(history: list[Transaction]) -> dict[str, list[str]]:
    longest: dict[str, list[str]] = {}
    for each in history:
        for key in (*each.reads, *each.appends):
            values = each.reads.get(key, [])
            if key in each.appends and key in each.reads and each.is_committed:
                values = values + each.appends[key]
            if len(values) >= len(longest.get(key, [])):
                longest[key] = values
    return longest


def _edges(history: list[Transaction]) -> Edges:
    edges: Edges = {each.name: {} for each in history}

    def add(one: str, other: str, kind: str) -> None:
        if one != other:
            edges[one].setdefault(other, kind)

    _add_registers(history, add)
    _add_sets(history, add)
    _add_times(history, edges)
    return edges


def _add_registers(history: list[Transaction], put: Add) -> None:
    longest = _longest(history)
    writer = {v: t.name for t in history for values in t.appends.values() for v in values}
    for key, values in longest.items():
        order = [writer[value] for value in values]
        for before, after in itertools.pairwise(order):
            put(before, after, f"ww {key}")
        for each in history:
            if (read := each.reads.get(key)) is None:
                continue
            if read:
                put(writer[read[-1]], each.name, f"wr {key}")
            if len(read) < len(values):
                put(each.name, writer[values[len(read)]], f"rw {key}")


def _add_sets(history: list[Transaction], put: Add) -> None:
    entered = {pair: each.name for each in history for pair in each.entered}
    left = {pair: each.name for each in history for pair in each.left}
    for pair, name in left.items():
        put(entered[pair], name, f"ww {pair[0]}")
    for each in history:
        for key, members in each.found.items():
            for pair, name in entered.items():
                if pair[0] != key:
                    continue
                if pair[1] in members:
                    put(name, each.name, f"wr-set {key}")
                    if pair in left:
                        put(each.name, left[pair], f"rw-set {key}")
                elif pair not in left:
                    put(each.name, name, f"rw-set {key}")


def _add_times(history: list[Transaction], edges: Edges) -> None:
    """Say through a chain of moments that what ended comes before what began later."""
    moments = sorted(
        [(each.ended, 1, each.name) for each in history]
        + [(each.began, 0, each.name) for each in history]
    )
    last: str | None = None
    for number, (_, is_end, name) in enumerate(moments):
        if not is_end:
            if last is not None:
                edges[last][name] = "time"
            continue
        moment = f"@{number}"
        edges[moment] = {}
        edges[name][moment] = "time"
        if last is not None:
            edges[last][moment] = "time"
        last = moment


def _cycle(edges: Edges) -> list[str] | None:
    """Find a short cycle: a strongly connected component, then the way round in it."""
    for component in _components(edges):
        if len(component) > 1:
            start = min(component)
            return min(
                (_way_round(edges, node, component) for node in list(component)[:50]),
                key=len,
                default=[start],
            )
    return None


def _components(edges: Edges) -> Iterator[set[str]]:
    """Tarjan's strongly connected components, without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in edges:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    first = stack.index(node)
                    component = set(stack[first:])
                    del stack[first:]
                    on_stack -= component
                    yield component


def _way_round(edges: Edges, start: str, within: set[str]) -> list[str]:
    """Find the shortest way from a node to itself."""
    came: dict[str, str] = {}
    edge_of = [start]
    for node in edge_of:
        for other in edges[node]:
            if other == start:
                way = [node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if other in within and other not in came:
                came[other] = node
                edge_of.append(other)
    raise AssertionError("a component has a way round")


def _named(cycle: list[str], edges: Edges, by_name: dict[str, Transaction]) -> Anomaly:
    kinds = [edges[one][other] for one, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    text = " ".join(f"{name} -{kind}->" for name, kind in zip(cycle, kinds, strict=True))
    return Anomaly(_name_of(cycle, kinds, by_name), f"{text} {cycle[0]}")


def _name_of(cycle: list[str], kinds: list[str], by_name: dict[str, Transaction]) -> str:
    if any(kind == "time" for kind in kinds):
        return "stale read"
    readers = [name for name in cycle if not by_name[name].appends and not by_name[name].entered]
    if len(readers) > 1:
        return "long fork"
    if any("-set" in kind for kind in kinds):
        return "phantom"
    against = [kind for kind in kinds if kind.startswith("rw")]
    if not against:
        return "dirty write"
    keys = {kind.split()[-1] for kind in kinds}
    return "lost update" if len(keys) == 1 else "write skew"
