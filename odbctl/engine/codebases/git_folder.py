"""A folder that git reads, and the questions that are asked of its refs.

Either a repository of this host, in which refs are resolved where they mean
what they mean to the person who works there, or one of our own mirrors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from odbctl.engine.codebases.commits import RefKind, kind_of
from odbctl.engine.codebases.git_command import (
    GitResult,
    isolated_environment,
    reading_environment,
    run_git,
)
from odbctl.errors import CodebaseError, NotFoundError, OdbctlError

_SHORT_HASH = re.compile(r"[0-9a-fA-F]{4,64}")
_NAMES = ("--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags")


class GitFolder:
    """A git folder, read through the git command."""

    def __init__(self, where: Sequence[str], env: dict[str, str]) -> None:
        self._where = tuple(where)
        self._env = env

    @classmethod
    def at_location(cls, location: str) -> GitFolder:
        """Return the repository at exactly this path, bare or not."""
        # Without the ceiling, git would take a repository further up for this one.
        env = reading_environment() | {"GIT_CEILING_DIRECTORIES": os.path.dirname(location)}
        return cls(("-c", "safe.bareRepository=all", "-C", location), env)

    @classmethod
    def around(cls, folder: str | os.PathLike[str]) -> GitFolder:
        """Return the repository that an absolute folder is in, as git itself finds it."""
        return cls(("-C", os.fspath(folder)), reading_environment())

    @classmethod
    def mirror(cls, path: str | os.PathLike[str]) -> GitFolder:
        """Return one of our own bare mirrors, which no user's settings change."""
        return cls((f"--git-dir={os.fspath(path)}",), isolated_environment())

    def run(
        self,
        *words: str,
        settings: Iterable[str] = (),
        on_output: Callable[[bytes], None] | None = None,
    ) -> GitResult:
        """Run a git command in the folder.

        Args:
            *words: The sub-command and its arguments, after options of git itself.
            settings: Settings as `name=value`, which override those of the repository.
            on_output: Called with each piece of standard output, which is not kept.
        """
        options = (word for setting in settings for word in ("-c", setting))
        return run_git(*self._where, *options, *words, env=self._env, on_output=on_output)

    def is_usable(self) -> bool:
        """Return whether git finds a repository there and is willing to read it."""
        return self.run("rev-parse", "--git-dir").exit_code == 0

    def is_empty(self) -> bool:
        """Return whether nothing has ever been committed."""
        if self.run("rev-parse", "--quiet", "--verify", "HEAD").exit_code == 0:
            return False
        return not self.run("for-each-ref", "--count=1", *_NAMES[1:]).output

    def find_commit(self, ref: str) -> str | None:
        """Return the full hash of the commit that a validated ref leads to."""
        found = self.run("rev-parse", "--quiet", "--verify", ref + "^{commit}")
        return found.text if found.exit_code == 0 else None

    def kind_of(self, ref: str) -> RefKind:
        """Return what kind of name a ref is that leads to a commit."""
        return kind_of(self.run("rev-parse", "--symbolic-full-name", ref).text)

    def ref_names(self) -> tuple[str, ...]:
        """Return the names of branches, remote branches and tags."""
        return tuple(self.run("for-each-ref", *_NAMES).text.split())

    def unknown_ref(self, ref: str, *, location: str) -> OdbctlError:
        """Return the error for a ref that leads to no single commit here."""
        if self.is_empty():
            return CodebaseError(
                f"the repository {location} is empty", hint="commit something to it first"
            )
        if _SHORT_HASH.fullmatch(ref):
            meant = self.run("rev-parse", f"--disambiguate={ref}").text.split()
            commits = [name for name in meant if self.find_commit(name)]
            if len(commits) > 1:
                return CodebaseError(
                    f"the short hash {ref!r} is ambiguous: {', '.join(commits)}",
                    hint="use a longer hash",
                )
        import difflib

        near = difflib.get_close_matches(ref, self.ref_names(), n=3)
        return NotFoundError("git ref", ref, near=near)
