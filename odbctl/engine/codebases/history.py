"""What a repository says of its refs and commits, for choosing and for comparing.

Of a repository on this host nothing is fetched, kept or checked out; one that is
elsewhere is read in its mirror, which is made current where that is asked for.
Texts of authors come as they are; whoever shows them makes them harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from odbctl.engine.codebases.commits import RefKind, ResolvedCommit, kind_of
from odbctl.engine.codebases.git_folder import GitFolder
from odbctl.engine.codebases.local import unusable
from odbctl.engine.codebases.locations import is_remote, validate_ref
from odbctl.engine.codebases.mirror import Mirror
from odbctl.engine.codebases.storage import Report

_PLACES = ("refs/heads", "refs/remotes", "refs/tags")
# What no text of a commit can hold, so that fields are told apart whatever they say.
_END = "%00"
_REF_FORMAT = _END.join(
    (
        "%(refname)",
        "%(objectname)",
        "%(*objectname)",
        "%(creatordate:unix)",
        "%(contents:subject)",
        "%(symref)",
    )
)
_COMMIT_FORMAT = "%x00".join(("%H", "%ct", "%an", "%s"))
_LOG = ("--no-show-signature", "--encoding=UTF-8", f"--format={_COMMIT_FORMAT}")


class Relation(StrEnum):
    """How a commit stands to another one."""

    SAME = "same"  # it is that commit
    AHEAD = "ahead"  # it comes after it
    BEHIND = "behind"  # it comes before it
    DIVERGED = "diverged"  # both have commits that the other has not
    UNKNOWN = "unknown"  # the repository no longer has one of them


@dataclass(frozen=True, slots=True, kw_only=True)
class RefInfo:
    """A branch or tag and the commit that it leads to; `changed_at` is None if not known."""

    name: str
    kind: RefKind
    commit: str
    subject: str
    changed_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """A commit as a list shows it."""

    commit: str
    subject: str
    author: str
    committed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What lies between two commits: those that come and those that go, the newest first."""

    relation: Relation
    coming: tuple[CommitInfo, ...] = ()
    going: tuple[CommitInfo, ...] = ()
    coming_count: int = 0
    going_count: int = 0


def list_refs(
    mirror: Mirror, *, is_fresh: bool = False, progress: Report | None = None
) -> tuple[RefInfo, ...]:
    """Return branches, remote branches and tags, the newest first.

    Args:
        mirror: Of which repository.
        is_fresh: Ask the other host; without it, what was fetched last is told.
        progress: Is told, in short lines, what takes time.

    Raises:
        CodebaseError: The repository is not there or out of reach.
    """
    has_doubles = is_remote(mirror.location)
    if has_doubles and (is_fresh or not mirror.path.is_dir()):
        mirror.refresh(progress=progress)
    folder = _usable_source(mirror)
    said = folder.run("for-each-ref", "--sort=-creatordate", f"--format={_REF_FORMAT}", *_PLACES)
    found = (_ref(line) for line in said.output.decode(errors="replace").split("\n"))
    refs = tuple(ref for ref in found if ref is not None)
    # A mirror has each branch by both names that a clone knows it by.
    return tuple(r for r in refs if not (has_doubles and r.kind is RefKind.REMOTE_BRANCH))


def find_commit(mirror: Mirror, ref: str, *, progress: Report | None = None) -> ResolvedCommit:
    """Find the commit that a ref means now, without keeping it where that can be helped.

    Raises:
        UsageError: It cannot be a ref.
        NotFoundError: It leads to no commit; with the names that are near.
        CodebaseError: The repository is not there, out of reach or empty.
    """
    validate_ref(ref)
    if is_remote(mirror.location):
        return mirror.resolve(ref, progress=progress)
    source = _usable_source(mirror)
    commit = source.find_commit(ref)
    if commit is None:
        raise source.unknown_ref(ref, location=mirror.location)
    found = _commit(source.run("log", "-1", *_LOG, commit, "--").output.decode(errors="replace"))
    return ResolvedCommit(
        ref=ref,
        commit=commit,
        kind=source.kind_of(ref),
        subject=found.subject,
        committed_at=found.committed_at,
    )


def _usable_source(mirror: Mirror) -> GitFolder:
    source = mirror.source()
    if not source.is_usable():
        raise unusable(mirror.location)
    return source


def _ref(line: str) -> RefInfo | None:
    fields = line.split("\0")
    if len(fields) != 6 or fields[5]:  # origin/HEAD is but another name of a branch
        return None
    name, commit, peeled, seconds, subject, _ = fields
    return RefInfo(
        name="/".join(name.split("/")[2:]),
        kind=kind_of(name),
        commit=peeled or commit,
        subject=subject,
        changed_at=float(seconds) if seconds.isdigit() else None,
    )


def compare(mirror: Mirror, old: str, new: str, *, limit: int) -> Comparison:
    """Say what lies between two commits, given by their full hashes.

    Args:
        mirror: Of the repository that may have both.
        old: The commit that is.
        new: The commit that is to be.
        limit: So many commits are listed at most in each direction; all are counted.
    """
    if old == new:
        return Comparison(relation=Relation.SAME)
    folder = mirror.source()
    counted = folder.run("rev-list", "--left-right", "--count", f"{old}...{new}", "--")
    if counted.exit_code != 0:
        return Comparison(relation=Relation.UNKNOWN)
    going, coming = (int(word) for word in counted.text.split())
    return Comparison(
        relation=_relation(going, coming),
        coming=_commits(folder, old, new, limit) if coming else (),
        going=_commits(folder, new, old, limit) if going else (),
        coming_count=coming,
        going_count=going,
    )


def _relation(going: int, coming: int) -> Relation:
    if going and coming:
        return Relation.DIVERGED
    return Relation.AHEAD if coming else Relation.BEHIND


def _commits(folder: GitFolder, without: str, up_to: str, limit: int) -> tuple[CommitInfo, ...]:
    said = folder.run("log", f"--max-count={limit}", *_LOG, up_to, f"^{without}", "--")
    return tuple(_commit(line) for line in said.output.decode(errors="replace").split("\n") if line)


def _commit(line: str) -> CommitInfo:
    commit, seconds, author, subject = line.rstrip("\n").split("\0", 3)
    return CommitInfo(commit=commit, subject=subject, author=author, committed_at=float(seconds))
