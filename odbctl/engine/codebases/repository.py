"""Where a codebase comes from: what the layers above ask about repositories.

One place to import from; the work is done by the modules named here.
"""

from __future__ import annotations

from odbctl.engine.codebases.commits import RefKind, ResolvedCommit
from odbctl.engine.codebases.local import dirty_note, find_repository
from odbctl.engine.codebases.locations import default_name, normalise_location, validate_ref
from odbctl.engine.codebases.mirror import Mirror

__all__ = [
    "Mirror",
    "RefKind",
    "ResolvedCommit",
    "default_name",
    "dirty_note",
    "find_repository",
    "normalise_location",
    "validate_ref",
]
