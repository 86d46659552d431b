"""A bare mirror in the cache: the objects of every commit that was ever added.

Refs of a repository on this host are resolved there, and the one commit is
fetched. Refs of a remote repository are resolved in the mirror, which has
them under the names they have in a clone: `main` and `origin/main` alike.
Whatever is resolved is pinned, so that it outlives a forced push. Run by the
process that adds a codebase; several may do so at once.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from odbctl.engine.codebases import fetching
from odbctl.engine.codebases.commits import RefKind, ResolvedCommit, is_full_hash
from odbctl.engine.codebases.git_folder import GitFolder
from odbctl.engine.codebases.local import unusable
from odbctl.engine.codebases.locations import is_remote, repository_key, validate_ref
from odbctl.engine.codebases.storage import Report, git_failure, locked, writing
from odbctl.errors import CodebaseError
from odbctl.paths import Home

PINS = "refs/odbctl/commits"
FACTS_FOLDER = "odbctl"


class Mirror:
    """The mirror of one repository, below a home's cache."""

    def __init__(self, home: Home, location: str) -> None:
        self.location = location
        self.key = repository_key(location)
        self.path = home.mirrors / self.key
        self._folder = home.mirrors
        self._git = GitFolder.mirror(self.path)

    def resolve(self, ref: str, *, progress: Report | None = None) -> ResolvedCommit:
        """Find the commit that a ref means now, and keep its objects.

        A whole hash that is kept already needs no git at all, and no network.

        Args:
            ref: A branch, a tag, a hash, or an expression like `HEAD~2`.
            progress: Is told, in short lines, what takes time.

        Raises:
            UsageError: It cannot be a ref.
            NotFoundError: It leads to no commit; with the names that are near.
            CodebaseError: The repository is not there, out of reach or empty.
        """
        validate_ref(ref)
        if is_full_hash(ref) and (known := self._recall(ref, ref, RefKind.COMMIT)):
            return known
        if is_remote(self.location):
            return self._resolve_remote(ref, progress)
        return self._resolve_local(ref, progress)

    def refresh(self, *, progress: Report | None = None) -> None:
        """Fetch the branches and tags of a remote repository.

        Raises:
            CodebaseError: It is out of reach.
        """
        with locked(self._folder, self.key, report=progress) as lock:
            self._create()
            self._fetch_refs("HEAD", lock, progress)

    def ref_names(self) -> tuple[str, ...]:
        """Return the names of branches and tags, without asking another host."""
        return self.source().ref_names()

    def source(self) -> GitFolder:
        """Return the folder that has the refs: the repository, or of a remote one the mirror."""
        if is_remote(self.location):
            return self._git
        return GitFolder.at_location(self.location)

    def _resolve_local(self, ref: str, report: Report | None) -> ResolvedCommit:
        source = self.source()
        commit = source.find_commit(ref)
        if commit is None:
            if not source.is_usable():
                raise unusable(self.location)
            raise source.unknown_ref(ref, location=self.location)
        kind = RefKind.COMMIT if is_full_hash(ref) else source.kind_of(ref)
        if known := self._recall(commit, ref, kind):
            return known
        with locked(self._folder, self.key, report=report) as lock:
            self._create(hash_length=len(commit))
            words = (*fetching.ONE_COMMIT, "--", self.location, f"+{commit}:{PINS}/{commit}")
            self._fetch(words, lock, report)
            return self._remember(commit, ref, kind)

    def _resolve_remote(self, ref: str, report: Report | None) -> ResolvedCommit:
        with locked(self._folder, self.key, report=report) as lock:
            self._create()
            if not (is_full_hash(ref) and self._git.find_commit(ref)):
                self._fetch_refs(ref, lock, report)
            commit = self._git.find_commit(ref)
            if commit is None and fetching.is_exact(ref):
                commit = self._fetch_exactly(ref, lock, report)
            if commit is None:
                raise self._git.unknown_ref(ref, location=self.location)
            kind = RefKind.COMMIT if is_full_hash(ref) else self._git.kind_of(ref)
            pinned = self._git.run("update-ref", f"{PINS}/{commit}", commit)
            if pinned.exit_code != 0:
                raise git_failure(pinned, self.path, f"cannot keep commit {commit[:12]}")
            return self._remember(commit, ref, kind)

    def _fetch_refs(self, ref: str, lock: int, report: Report | None) -> None:
        self._fetch(("--prune", "--", self.location, *fetching.ALL_REFS), lock, report)
        if fetching.needs_head(ref):
            target = fetching.find_head(self.path, self.location)
            if target is not None:
                self._git.run("symbolic-ref", "HEAD", f"refs/heads/{target}")
                origin = "refs/remotes/origin"
                self._git.run("symbolic-ref", f"{origin}/HEAD", f"{origin}/{target}")

    def _fetch_exactly(self, ref: str, lock: int, report: Report | None) -> str | None:
        """Fetch what no branch or tag reaches: a hash, or a name like refs/pull/1/head."""
        target = f"{PINS}/{ref}" if is_full_hash(ref) else ref
        words = ("--", self.location, f"+{ref}:{target}")
        result = fetching.fetch(self.path, self.location, words, lock=lock, report=report)
        return self._git.find_commit(ref) if result.exit_code == 0 else None

    def _fetch(self, words: Sequence[str], lock: int, report: Report | None) -> None:
        result = fetching.fetch(self.path, self.location, words, lock=lock, report=report)
        if result.exit_code != 0:
            command = f"git ls-remote {shlex.quote(self.location)}"
            hint = f"{command}    (must work without asking for a password)"
            message = f"cannot fetch from {self.location}"
            raise git_failure(result, self.path, message, hint=hint)

    def _create(self, *, hash_length: int = 40) -> None:
        with writing(self._folder):
            if not self.path.is_dir():
                fetching.create_mirror(self.path, hash_length=hash_length)
            fetching.remove_stale_locks(self.path)

    def _facts_path(self, commit: str) -> Path:
        return self.path / FACTS_FOLDER / f"{commit}.json"

    def _recall(self, commit: str, ref: str, kind: RefKind) -> ResolvedCommit | None:
        """Return what is known of a commit whose objects are here."""
        try:
            facts = json.loads(self._facts_path(commit).read_bytes())
        except (OSError, ValueError):  # no facts, or a cache that fetching will tell more of
            return None
        return ResolvedCommit(
            ref=ref,
            commit=commit,
            kind=kind,
            subject=facts["subject"],
            committed_at=facts["committed_at"],
        )

    def _remember(self, commit: str, ref: str, kind: RefKind) -> ResolvedCommit:
        words = ("log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%ct %s")
        said = self._git.run(*words, commit, "--")
        if said.exit_code != 0:
            raise CodebaseError(
                f"the mirror {self.path} is damaged: {said.reason}",
                hint="remove that folder; it is fetched again",
            )
        seconds, _, subject = said.output.decode(errors="replace").rstrip("\n").partition(" ")
        path = self._facts_path(commit)
        with writing(self.path):
            path.parent.mkdir(exist_ok=True)
            aside = path.with_suffix(".new")
            facts = {"subject": subject, "committed_at": float(seconds)}
            aside.write_text(json.dumps(facts), encoding="utf-8")
            os.replace(aside, path)
        return ResolvedCommit(
            ref=ref, commit=commit, kind=kind, subject=subject, committed_at=float(seconds)
        )
