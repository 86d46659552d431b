"""Chains of reactor runs, in which each run's commit triggered the next.

A chain without an end is a mistake of its author, and is reported. Only the reactors of one
`Database` are seen. Called by the threads of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.tracker import Tracker

    # Commits that made a reactor due, and the reads of its run before that they touched.
    Causes = list[tuple[Tracker, list[Group]]]

# Chains of so many runs are reported.
LONGEST_CHAIN: Final = 1_000
# Commits of reactors that are remembered; beyond that all are forgotten.
MOST_COMMITS: Final = 10_000


class Chain(NamedTuple):
    """How many runs there were, of which reactors."""

    length: int
    names: frozenset[str]


NO_CHAIN: Final = Chain(0, frozenset())


class Run:
    """A run of a reactor that has committed."""

    __slots__ = ("_causes", "_chain", "_name")

    def __init__(self, name: str, causes: Causes) -> None:
        self._name = name
        self._causes = causes
        self._chain: Chain | None = None

    def chain(self, runs: dict[int, Run]) -> Chain:
        """Return the chain that it ends: the shortest, if several made it due.

        Args:
            runs: Those that have committed, by commit. Who asks too early may miss one: a commit
                is seen by others a moment before its own thread has noted it here.
        """
        if self._chain is None:
            before = min(self._chains(runs), default=NO_CHAIN, key=_length)
            self._chain = Chain(1 + before.length, before.names | {self._name})
            self._causes = []
        return self._chain

    def _chains(self, runs: dict[int, Run]) -> list[Chain]:
        found: list[Chain] = []
        for tracker, rows in self._causes:
            if tracker.is_touched_by([row for row in rows if row.seq not in runs]):
                return []  # somebody else made it due
            for seq in {row.seq for row in rows}:
                run = runs.get(seq)
                if run and tracker.is_touched_by([row for row in rows if row.seq == seq]):
                    found.append(run.chain(runs))
        return found


class ChainWatch:
    """Notes the runs of one reactor, and reports a chain that may never end."""

    def __init__(self, name: str, runs: dict[int, Run]) -> None:
        """Store what it works with.

        Args:
            name: Of the reactor.
            runs: Of all reactors of the database, by commit.
        """
        self._name = name
        self._runs = runs
        self._last: Run | None = None

    def note(self, commits: set[int], causes: Causes) -> None:
        """Note a run that has committed, and look at the one before, whose causes are known now."""
        run = Run(self._name, causes)
        if len(self._runs) > MOST_COMMITS:
            self._runs.clear()
        self._runs.update(dict.fromkeys(commits, run))
        last, self._last = self._last, run
        if last is not None and (chain := last.chain(self._runs)).length == LONGEST_CHAIN:
            _report(chain)


def _length(chain: Chain) -> int:
    return chain.length


def _report(chain: Chain) -> None:
    import logging

    logger = logging.getLogger("odbctl.reactor")
    names = ", ".join(sorted(chain.names))
    if len(chain.names) == 1:
        logger.warning(
            "reactor %s has run %d times in a row, each time because of its own commit:"
            " it changes what it reads, and may never come to rest",
            names,
            chain.length,
        )
    else:
        logger.warning(
            "reactors %s have run %d times in a row, each time because of a commit of one of"
            " them: they change what they read, and may never come to rest",
            names,
            chain.length,
        )
