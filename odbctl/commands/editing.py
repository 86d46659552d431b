"""`odbctl service edit`: change a service in an editor."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING

from odbctl.commands._app import command, new_app
from odbctl.commands._options import DEFAULT_SETTLE_SECONDS, ServiceName, Settle, Timeout, Wait
from odbctl.commands._results import Done, Result
from odbctl.commands._session import session
from odbctl.commands._settings import setting_helps
from odbctl.commands._text import visible_lines
from odbctl.commands.creation import Changes, Wanted, change_service, follow_changes
from odbctl.errors import (
    ConflictError,
    NotFoundError,
    OdbctlError,
    ServiceClassError,
    UsageError,
    shown,
)

if TYPE_CHECKING:
    from odbctl.engine.api.editing import EditableService
    from odbctl.engine.api.engine import Engine

# The text is at fault, and can be corrected.
_REFUSALS = (UsageError, ConflictError, NotFoundError, ServiceClassError)
_ERROR_MARK = "#! "

app = new_app("service")


@command(
    app,
    "edit",
    example=("odbctl service edit hello", "EDITOR='code --wait' odbctl edit hello"),
)
def edit(
    name: ServiceName,
    settle: Settle = DEFAULT_SETTLE_SECONDS,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Change a service in an editor: $VISUAL, $EDITOR, vi or nano.

    It opens a TOML text with the settings of `service set` and the configuration. What
    differs after saving is applied as `service set` does. When a value is refused, the editor
    opens again with the error on top. Secret values and the environment are not shown.
    """
    from odbctl.engine.api.editing import editable_text, read_editable
    from odbctl.engine.api.lookups import find_service
    from odbctl.engine.api.status import describe_one

    with session().open_engine() as engine:
        service = read_editable(engine, name)
        draft = Draft(find_editor(name), name, editable_text(service, setting_helps()))
        changes = _edited(engine, service, draft, settle_seconds=settle)
        if changes is None:
            with engine.db.view():
                document = describe_one(engine, find_service(name))
            return Done("unchanged", f"service {name}: the text was not changed", document)
        return follow_changes(engine, changes, wait=wait, timeout=timeout)


def _edited(
    engine: Engine, service: EditableService, draft: Draft, *, settle_seconds: float
) -> Changes | None:
    """Let a person edit until the text is taken; return None when it changes nothing.

    Raises:
        OdbctlError: The editor failed, or the text was refused and nobody corrects it.
    """
    from odbctl.engine.api.editing import read_editable, read_edits, rebased

    refusal: OdbctlError | None = None
    edits = None
    while True:
        before = draft.text
        draft.edit()
        if refusal is not None and draft.text == before:
            raise draft.kept(refusal)
        try:
            if edits is not None:  # its supervision may have been set before the rest was refused
                service = rebased(service, edits, read_editable(engine, service.name))
            edits = read_edits(service, draft.text)
            changes = None
            if not edits.is_empty:
                wanted = Wanted(settings=edits.settings, words=edits.words, unset=edits.unset)
                changes = change_service(
                    engine, service.name, wanted, settle_seconds=settle_seconds
                )
        except _REFUSALS as error:
            if not _has_terminal():
                raise draft.kept(error) from error
            refusal = error
            draft.explain(error)
            continue
        draft.remove()
        return changes


def find_editor(name: str) -> list[str]:
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
            hint=f"odbctl service set {name} --help",
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
