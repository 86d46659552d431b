"""Use cases of codebases: add, list, show, discover, remove, prune."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from odbctl.engine.api.describe import codebase_document
from odbctl.engine.api.documents import CodebaseDocument, ServiceClassDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, codebase_users, find_codebase
from odbctl.engine.api.results import Change
from odbctl.engine.api.versions import VERSION
from odbctl.engine.model.core import Codebase
from odbctl.engine.model.events import record_event
from odbctl.errors import ConflictError

Talk = Callable[[str], None]


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
    """Resolve a git ref, check its commit out, and keep it as a codebase.

    Args:
        engine: The opened home.
        ref: A branch, tag, hash, `HEAD~2`, `origin/main` …
        repo: A path or URL; by default the repository of the current folder.
        name: By default the repository's name.
        source_root: A folder of the tree that modules are imported from.
        python: An interpreter or virtual environment to run it in.
        progress: Is told each step that takes time.

    Returns:
        "created", or "unchanged" when that commit was there with the same settings.

    Raises:
        CodebaseError: The repository or its tree cannot be used.
        NotFoundError: The repository has no such ref.
    """
    from odbctl.engine.codebases import checkout, discovery, interpreter, names, repository

    location = (
        repository.find_repository(Path.cwd())
        if repo is None
        else repository.normalise_location(repo, base=Path.cwd())
    )
    ref = repository.validate_ref(ref)
    chosen = names.validate_name("codebase", name or repository.default_name(location))
    executable = interpreter.resolve_python(python)
    mirror = repository.Mirror(engine.home, location)
    commit = mirror.resolve(ref, progress=progress)
    tree = checkout.check_out(engine.home, mirror, commit.commit)
    discovery.source_roots(tree, source_root)
    note = repository.dirty_note(location, commit.commit)

    def write() -> Change:
        for known in Codebase.lookup_all(name=chosen, commit=commit.commit):
            settings = (known.location, known.source_root, known.python)
            if settings == (location, source_root, executable):
                return _known(known, ref)
        codebase = Codebase(
            name=chosen,
            location=location,
            ref=ref,
            commit=commit.commit,
            tree=str(tree),
            added_at=time.time(),
            subject=commit.subject,
            source_root=source_root,
            python=executable,
        )
        text = f"{ref} is commit {commit.commit[:12]}"
        record_event(f"codebase/{chosen}", "added", text, actor=actor())
        return Change(
            action="created",
            message=f"codebase {chosen}: {text}",
            document=codebase_document(codebase, ()),
        )

    change = engine.db.run(write)
    checkout.check_out(engine.home, mirror, commit.commit)  # if a prune came between
    if note is None:
        return change
    return Change(
        action=change.action, message=change.message, document=change.document, notes=(note,)
    )


def _known(codebase: Codebase, ref: str) -> Change:
    """Return what is there; the ref that it was last added by names it."""
    if codebase.ref != ref:
        codebase.ref = ref
    return Change(
        action="unchanged",
        message=f"codebase {codebase.name}: {ref} is commit {codebase.commit[:12]}",
        document=codebase_document(codebase, codebase_users(codebase)),
    )


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
                f"codebase {spec!r} is used by " + ", ".join(users),
                hint=f"odbctl service remove {users[0]}",
            )
        document, name = codebase_document(newest, ()), newest.name
        trees = [codebase.tree for codebase in doomed]
        for codebase in doomed:
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
    return Change(
        action="pruned",
        message=str(result),
        document={"kind": "prune", "version": VERSION, "message": str(result)},
    )
