"""`odbctl service edit`: change a service in an editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odbctl.commands.actions.editor import edit_text
from odbctl.commands.output.results import Done, Result
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import (
    DEFAULT_SETTLE_SECONDS,
    ServiceName,
    Settle,
    Timeout,
    Wait,
)
from odbctl.commands.parsing.service_settings import setting_helps
from odbctl.commands.service.creation import Changes, Wanted, change_service, follow_changes
from odbctl.commands.session import session

if TYPE_CHECKING:
    from odbctl.engine.api.editing import EditableService, Edits
    from odbctl.engine.api.engine import Engine

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
        edit = _Edit(engine, service, settle_seconds=settle)
        text = editable_text(service, setting_helps())
        changes = edit_text(name, text, edit.apply, noun="service")
        if changes is None:
            with engine.db.view():
                document = describe_one(engine, find_service(name))
            return Done("unchanged", f"service {name}: the text was not changed", document)
        return follow_changes(engine, changes, wait=wait, timeout=timeout)


class _Edit:
    """The edit of one service; a text that was refused may have been applied in part."""

    def __init__(self, engine: Engine, service: EditableService, *, settle_seconds: float) -> None:
        self._engine = engine
        self._service = service
        self._settle_seconds = settle_seconds
        self._edits: Edits | None = None

    def apply(self, text: str) -> Changes | None:
        """Apply what a text changes; return None when it changes nothing."""
        from odbctl.engine.api.editing import read_editable, read_edits, rebased

        if self._edits is not None:  # its supervision may have been set before the rest was refused
            current = read_editable(self._engine, self._service.name)
            self._service = rebased(self._service, self._edits, current)
        edits = self._edits = read_edits(self._service, text)
        if edits.is_empty:
            return None
        wanted = Wanted(settings=edits.settings, words=edits.words, unset=edits.unset)
        return change_service(
            self._engine, self._service.name, wanted, settle_seconds=self._settle_seconds
        )
