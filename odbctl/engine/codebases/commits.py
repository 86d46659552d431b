"""What a git ref resolves to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class RefKind(StrEnum):
    """What kind of name a git ref is."""

    BRANCH = "branch"  # moves with each commit; HEAD, when a branch is checked out
    REMOTE_BRANCH = "remote-branch"  # moves with each fetch
    TAG = "tag"  # stays, unless somebody forces it
    COMMIT = "commit"  # a hash, or an expression like HEAD~2
    OTHER = "other"  # any other name below refs/


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCommit:
    """The commit that a ref meant when it was asked."""

    ref: str
    commit: str
    kind: RefKind
    subject: str
    committed_at: float


def is_full_hash(ref: str) -> bool:
    """Return whether a ref is a whole commit hash, which can never move."""
    return _FULL_HASH.fullmatch(ref) is not None


def kind_of(full_name: str) -> RefKind:
    """Return the kind of a ref by its full name.

    That name is empty for an expression, and HEAD when no branch is checked out.
    """
    kinds = {
        "": RefKind.COMMIT,
        "HEAD/": RefKind.COMMIT,
        "refs/heads/": RefKind.BRANCH,
        "refs/remotes/": RefKind.REMOTE_BRANCH,
        "refs/tags/": RefKind.TAG,
    }
    prefix = "/".join(full_name.split("/")[:2]) + "/" if full_name else ""
    return kinds.get(prefix, RefKind.OTHER)
