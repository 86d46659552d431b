"""Use cases of codebases: add, list, show, discover, remove, prune."""

from __future__ import annotations

import itertools
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from odbctl.engine.api.describe import codebase_document
from odbctl.engine.api.documents import CodebaseDocument, ServiceClassDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, codebase_users, find_codebase
from odbctl.engine.api.results import Change
from odbctl.engine.api.versions import VERSION
from odbctl.engine.model.core import Codebase, Release
from odbctl.engine.model.events import record_event
from odbctl.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from odbctl.engine.codebases.repository import ResolvedCommit

Talk = Callable[[str], None]
USERS_SHOWN = 5


class StoredCodebase(NamedTuple):
    """The codebase that a git ref was stored as: its object id, and what to report."""

    oid: int
    change: Change


def add_codebase(
    engine: Engine,
    ref: str,
    *,
    repo: str | None = None,
    name: str | None = None,
    source_root: str | None = None,
    python: str | None = None,
    progress: Talk | None = None,
) -> Change:
    """Resolve a git ref, check its commit out, and store it as a codebase.

    Args:
        engine: The opened home.
        ref: A branch, tag, hash, `HEAD~2`, `origin/main` …
        repo: A path or URL; by default the repository of the current folder.
        name: By default the repository's name.
        source_root: A folder of the tree that modules are imported from.
        python: An interpreter or virtual environment to run it in.
        progress: Called with each step that takes time.

    Returns:
        "created", or "unchanged" when the commit was already stored with these settings.

    Raises:
        CodebaseError: The repository or its tree cannot be used.
        ConflictError: Another repository has codebases of this name.
        NotFoundError: The repository has no such ref.
    """
    return store_codebase(
        engine,
        ref,
        repo=repo,
        name=name,
        source_root=source_root,
        python=python,
        progress=progress,
    ).change


def store_codebase(
    engine: Engine,
    ref: str,
    *,
    repo: str | None = None,
    name: str | None = None,
    source_root: str | None = None,
    python: str | None = None,
    progress: Talk | None = None,
) -> StoredCodebase:
    """Do what `add_codebase` does, and say which object the codebase is.

    A name and a ref do not identify a codebase: the same commit may be stored with
    several interpreters, and a branch moves. Callers that go on to use the codebase
    need its object id.
    """
    tree = _check_out(
        engine,
        ref,
        repo=repo,
        name=name,
        source_root=source_root,
        python=python,
        progress=progress,
    )
    oid, change = engine.db.run(lambda: _write_codebase(tree, ref))
    tree.check_out_again()
    notes = (tree.note,) if tree.note else ()
    return StoredCodebase(oid, change._replace(notes=notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """A commit that is checked out, and what its codebase will be."""

    name: str
    location: str
    commit: ResolvedCommit
    path: Path
    source_root: str | None
    python: str | None
    note: str | None
    # Makes the tree anew if a prune removed it before the codebase was written.
    check_out_again: Callable[[], Path]


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the current folder has been removed", hint="change to an existing folder"
        ) from error


def _check_out(
    engine: Engine,
    ref: str,
    *,
    repo: str | None,
    name: str | None,
    source_root: str | None,
    python: str | None,
    progress: Talk | None,
) -> _Tree:
    """Resolve and check out what is to be added; nothing is written to the database."""
    from odbctl.engine.codebases import checkout, discovery, interpreter, names, repository

    folder = _current_folder()
    location = (
        repository.find_repository(folder)
        if repo is None
        else repository.normalise_location(repo, base=folder)
    )
    ref = repository.validate_ref(ref)
    chosen = names.validate_name(
        "codebase", repository.default_name(location) if name is None else name
    )
    executable = interpreter.resolve_python(python)
    mirror = repository.Mirror(engine.home, location)
    commit = mirror.resolve(ref, progress=progress)

    def check_out() -> Path:
        return checkout.check_out(engine.home, mirror, commit.commit)

    path = check_out()
    discovery.source_roots(path, source_root)  # refuses a folder that is not there
    return _Tree(
        name=chosen,
        location=location,
        commit=commit,
        path=path,
        source_root=source_root,
        python=executable,
        note=repository.dirty_note(location, commit.commit),
        check_out_again=check_out,
    )


def _write_codebase(tree: _Tree, ref: str) -> StoredCodebase:
    """Store a codebase, unless it is stored with the same settings. Needs a transaction."""
    commit, now = tree.commit.commit, time.time()
    _refuse_other_repository(tree)
    for known in Codebase.lookup_all(name=tree.name, commit=commit):
        settings = (known.location, known.source_root, known.python)
        if settings == (tree.location, tree.source_root, tree.python):
            known.add_ref(ref, at=now)
            return _known(known, ref)
    codebase = Codebase(
        name=tree.name,
        location=tree.location,
        ref=ref,
        ref_added_at={ref: now},
        commit=commit,
        tree=str(tree.path),
        added_at=now,
        subject=tree.commit.subject,
        source_root=tree.source_root,
        python=tree.python,
    )
    text = f"{ref} is commit {commit[:12]}"
    record_event(f"codebase/{tree.name}", "added", text, actor=actor())
    change = Change(
        action="created",
        message=f"codebase {tree.name}: {text}",
        document=codebase_document(codebase, ()),
    )
    return StoredCodebase(codebase.oid, change)


def _refuse_other_repository(tree: _Tree) -> None:
    """Keep the versions of one name to one repository.

    A home of an earlier release may have a name with several repositories; each of
    them goes on to get new versions.

    Raises:
        ConflictError: Only other repositories have codebases of this name.
    """
    locations = {known.location for known in Codebase.lookup_all(name=tree.name)}
    if not locations or tree.location in locations:
        return
    free = next(
        name
        for number in itertools.count(2)
        if not Codebase.lookup_all(name=(name := _numbered(tree.name, number)))
    )
    words = ["odbctl", "codebase", "add", tree.commit.ref, "--repo", tree.location]
    raise ConflictError(
        f"codebase {tree.name!r} belongs to another repository: {', '.join(sorted(locations))}",
        hint=shlex.join([*words, "--name", free]),
    )


def _numbered(name: str, number: int) -> str:
    from odbctl.engine.codebases.names import LONGEST_NAME

    suffix = f"-{number}"
    return name[: LONGEST_NAME - len(suffix)] + suffix


def _known(codebase: Codebase, ref: str) -> StoredCodebase:
    """Report a codebase that was stored before."""
    change = Change(
        action="unchanged",
        message=f"codebase {codebase.name}: {ref} is commit {codebase.commit[:12]}",
        document=codebase_document(codebase, codebase_users(codebase)),
    )
    return StoredCodebase(codebase.oid, change)


def list_codebases(engine: Engine) -> list[CodebaseDocument]:
    """Return all codebases by name, each name's versions in the order they were added."""
    with engine.db.view():
        found = sorted(Codebase.lookup_all(), key=lambda c: (c.name, c.added_at))
        return [codebase_document(c, codebase_users(c)) for c in found]


def show_codebase(engine: Engine, spec: str) -> CodebaseDocument:
    """Return the codebase NAME or NAME@REF.

    Raises:
        NotFoundError: There is none.
    """
    with engine.db.view():
        codebase = find_codebase(spec)
        return codebase_document(codebase, codebase_users(codebase))


def codebase_services(engine: Engine, spec: str) -> list[ServiceClassDocument]:
    """Return every ServiceBase subclass of a codebase, found by parsing."""
    from odbctl.engine.codebases.discovery import find_services

    with engine.db.view():
        codebase = find_codebase(spec)
        tree, source_root = Path(codebase.tree), codebase.source_root
    return [
        {
            "kind": "service_class",
            "version": VERSION,
            "class": f"{found.module}:{found.class_name}",
            "path": os.path.relpath(os.path.join(tree, found.path), tree),
            "line": found.line,
            "doc": found.doc,
        }
        for found in find_services(tree, source_root=source_root)
    ]


def _some_of(names: Sequence[str]) -> str:
    """Name the first few, and say how many more there are."""
    more = [f"{len(names) - USERS_SHOWN} more"] if len(names) > USERS_SHOWN else []
    return ", ".join([*names[:USERS_SHOWN], *more])


def remove_codebase(engine: Engine, spec: str) -> Change:
    """Remove a codebase that no service runs, and its tree when no other needs it.

    NAME removes all versions of that name, NAME@REF that one.

    Raises:
        ConflictError: A service uses it.
        NotFoundError: There is none.
    """
    from odbctl.engine.codebases.checkout import remove_checkout

    def write() -> tuple[CodebaseDocument, list[str], int]:
        newest = find_codebase(spec)
        doomed = [newest] if "@" in spec else list(Codebase.lookup_all(name=newest.name))
        users = sorted({user for codebase in doomed for user in codebase_users(codebase)})
        if users:
            raise ConflictError(
                f"codebase {spec!r} is used by {_some_of(users)}",
                hint=f"odbctl service remove {users[0]}",
            )
        document, name = codebase_document(newest, ()), newest.name
        trees = [codebase.tree for codebase in doomed]
        for codebase in doomed:
            for release in Release.lookup_all(codebase=codebase):
                release.keep_codebase()
            codebase.delete()
        kept = {codebase.tree for codebase in Codebase.lookup_all()}
        record_event(f"codebase/{name}", "removed", spec, actor=actor())
        return document, [tree for tree in trees if tree not in kept], len(doomed)

    document, trees, count = engine.db.run(write)
    for tree in trees:
        remove_checkout(engine.home, Path(tree))
    versions = "version" if count == 1 else "versions"
    return Change(
        action="removed", message=f"codebase {spec}: {count} {versions}", document=document
    )


def prune_codebases(engine: Engine) -> Change:
    """Remove checkouts and mirrors that no codebase needs."""
    from odbctl.engine.codebases import checkout

    with engine.db.view():
        trees = [Path(codebase.tree) for codebase in Codebase.lookup_all()]
    result = checkout.prune(engine.home, trees)
    removed = bool(result.checkouts or result.mirrors or result.leftovers)
    return Change(
        action="pruned" if removed else "unchanged",
        message=str(result),
        document={"kind": "prune", "version": VERSION, "message": str(result)},
    )
