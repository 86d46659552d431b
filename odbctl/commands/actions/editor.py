"""Let a person change a text in an editor, and correct it when it is refused."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import dropwhile
from pathlib import Path
from typing import TypeVar

from odbctl.commands.output.text import visible_lines
from odbctl.errors import (
    ConflictError,
    NotFoundError,
    OdbctlError,
    ServiceClassError,
    UsageError,
    shown,
)

Outcome = TypeVar("Outcome")

# The text is at fault, and can be corrected.
_REFUSALS = (UsageError, ConflictError, NotFoundError, ServiceClassError)
_ERROR_MARK = "#! "


def edit_text(name: str, text: str, apply: Callable[[str], Outcome], *, noun: str) -> Outcome:
    """Open a text in an editor until it is accepted; return what `apply` returns.

    Args:
        name: The object that is edited.
        text: The text to begin with.
        apply: Carries out what the text changes.
        noun: The kind of the object, whose `set` is the way without an editor.

    Raises:
        OdbctlError: The editor failed, or the text was refused and is not corrected.
    """
    draft = Draft(find_editor(name, noun=noun), name, text)
    refusal: OdbctlError | None = None
    while True:
        before = draft.text
        draft.edit()
        if refusal is not None and draft.text == before:
            raise draft.kept(refusal)
        try:
            outcome = apply(draft.text)
        except _REFUSALS as error:
            if not _has_terminal():
                raise draft.kept(error) from error
            refusal = error
            draft.explain(error)
            continue
        draft.remove()
        return outcome


def find_editor(name: str, *, noun: str) -> list[str]:
    """Return the command line of the editor to use.

    Raises:
        UsageError: There is none, or nobody to use it.
    """
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        try:
            words = shlex.split(chosen)
        except ValueError as error:
            raise UsageError(f"the editor {shown(chosen)} is not a command: {error}") from error
        if words:
            return words
    if not _has_terminal():
        raise UsageError(
            "there is no terminal, and neither VISUAL nor EDITOR is set",
            hint=f"odbctl {noun} set {name} --help",
        )
    found = shutil.which("vi") or shutil.which("nano")
    if found is None:
        raise UsageError("no editor was found: neither vi nor nano", hint="export EDITOR=COMMAND")
    return [found]


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


class Draft:
    """A text in a private temporary folder, and the editor that changes it."""

    def __init__(self, editor: list[str], name: str, text: str) -> None:
        self.editor = editor
        self.text = text
        # A folder of its own: what editors write beside the file is private, too.
        self.path = Path(tempfile.mkdtemp(prefix="odbctl-edit-")) / f"{name}.toml"
        self._write()

    def _write(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(self.path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(self.text)

    def edit(self) -> None:
        """Run the editor on the text, and read it again.

        Raises:
            OdbctlError: The editor cannot be run or failed; the text is gone.
        """
        try:
            code = _run_editor([*self.editor, str(self.path)])
            if code != 0:
                how = f"exit code {code}" if code > 0 else f"signal {-code}"
                raise OdbctlError(
                    f"the editor {self.editor[0]} ended with {how}; nothing was changed"
                )
            self.text = self.path.read_bytes().decode("utf-8")
        except OSError as error:
            self.remove()
            raise UsageError(
                f"cannot edit with {shown(self.editor[0])}: {error.strerror}",
                hint="set EDITOR to a command that takes the name of a file",
            ) from error
        except UnicodeDecodeError as error:
            raise self.kept(UsageError("the text is not UTF-8")) from error
        except OdbctlError:
            self.remove()
            raise

    def explain(self, error: OdbctlError) -> None:
        """Write an error to the top of the text, in place of the one before."""
        told = f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else "")
        lines = [f"{_ERROR_MARK}{line}" for line in visible_lines(told).splitlines()]
        old = self.text.splitlines(keepends=True)
        rest = dropwhile(lambda line: line.startswith(_ERROR_MARK), old)
        self.text = "\n".join(lines) + "\n" + "".join(rest)
        self._write()

    def kept(self, error: OdbctlError) -> UsageError:
        """Return the error of a text that was refused and that stays on disk."""
        return UsageError(f"{error.message}; the text is kept in {self.path}", hint=error.hint)

    def remove(self) -> None:
        """Remove the text, and what the editor wrote beside it."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def _run_editor(words: list[str]) -> int:
    """Run an editor in this terminal; Ctrl-C is for it alone."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, _pass)
    try:
        # Standard output may be a file that is to get the result only.
        return subprocess.call(words, stdout=None if sys.stdout.isatty() else sys.stderr)
    finally:
        signal.signal(signal.SIGINT, before)


def _pass(_number: int, _frame: object) -> None:
    """Do nothing; unlike an ignored signal, a handler is not inherited by the editor."""
