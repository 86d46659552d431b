"""The use case of completing a git ref: read in the process that a shell starts on TAB."""

from __future__ import annotations

import os
import time

from odbctl.errors import UsageError

TIMEOUT_SECONDS = 2.0


def list_ref_names(folder: str) -> list[tuple[str, str]]:
    """Return the refs of the repository that a folder is in, each with its subject.

    Nothing that the repository names is run. Refs that odbctl would not take
    are left out, for example a branch that looks like an option.

    Raises:
        CodebaseError: Git is not installed, or takes longer than two seconds.
    """
    from odbctl.engine.codebases.git_command import stoppable
    from odbctl.engine.codebases.git_folder import GitFolder

    if not os.path.isdir(folder):
        return []
    deadline = time.monotonic() + TIMEOUT_SECONDS
    words = ("for-each-ref", "--format=%(refname:short)%09%(subject)")
    with stoppable(lambda: time.monotonic() > deadline):
        repository = GitFolder.around(os.path.abspath(folder))
        listed = repository.run(*words, "refs/heads", "refs/tags", "refs/remotes")
    if listed.exit_code != 0:
        return []
    lines = (line.partition("\t") for line in listed.output.decode(errors="replace").splitlines())
    return [("HEAD", ""), *((name, text) for name, _, text in lines if _is_ref(name))]


def _is_ref(name: str) -> bool:
    from odbctl.engine.codebases.locations import validate_ref

    try:
        validate_ref(name)
    except UsageError:
        return False
    return True
