"""What the screens are given: the last snapshot and what happened to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from odbctl.tui.paint import Cell, Tone
from odbctl.tui.snapshot import DashboardSnapshot, ManagerState

NO_STATUS = Cell("")
NO_MANAGER = "No manager is running"
READ_ONLY = "This dashboard is read-only"
# So long an outcome stays in the status line.
STATUS_SECONDS = 20.0
NOTICES_KEPT = 5
NO_SERVICES = (
    "No services yet. Type in a shell:",
    "",
    "  odbctl codebase add main --repo PATH --name NAME",
    "  odbctl service create api --class module:Class --codebase NAME",
    "  odbctl service start api",
    "",
    "or see a demonstration first:  odbctl demo",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardState:
    """Everything that a screen draws. `failure` says why `snapshot` is not fresh."""

    now: float
    snapshot: DashboardSnapshot | None = None
    failure: str = ""
    status: Cell = NO_STATUS
    # Since when the status line says what it says.
    status_at: float = 0.0
    # What failed and was not dismissed yet, the newest last.
    notices: tuple[str, ...] = ()
    is_readonly: bool = False
    # When the home was last read, whether or not anything was new.
    read_at: float | None = None

    @property
    def age_seconds(self) -> float:
        """How old what is shown is."""
        return 0.0 if self.read_at is None else max(self.now - self.read_at, 0.0)

    @property
    def notice(self) -> str:
        """The newest notice with the key that dismisses it; empty when there is none."""
        if not self.notices:
            return ""
        more = len(self.notices) - 1
        rest = f"esc dismisses it, {more} more" if more else "esc dismisses it"
        return f"✖ {self.notices[-1]}  ({rest})"

    @property
    def has_manager(self) -> bool:
        """Whether somebody acts on what is wanted."""
        return self.snapshot is not None and self.snapshot.manager is ManagerState.RUNNING

    @property
    def banner(self) -> str:
        """What is wrong with all that is shown; empty when nothing is."""
        if self.failure:
            return f"Cannot read the home, retrying: {self.failure}"
        if self.snapshot is None or self.has_manager:
            return ""
        if not self.snapshot.services and self.snapshot.manager is ManagerState.ABSENT:
            return ""
        return f"{NO_MANAGER}.  Press u, or type: odbctl manager start"

    @property
    def refusal(self) -> str:
        """Why nothing can be changed now; empty when it can. Starting brings a manager."""
        if self.is_readonly:
            return READ_ONLY
        if self.failure or self.snapshot is None:
            return "The home cannot be read"
        return "" if self.has_manager else f"{NO_MANAGER}: odbctl manager start"

    @property
    def start_refusal(self) -> str:
        """Why nothing can be started now; empty when it can."""
        if self.is_readonly:
            return READ_ONLY
        return "The home cannot be read" if self.failure or self.snapshot is None else ""

    @property
    def is_status_over(self) -> bool:
        """Whether the status line has said what it says for long enough."""
        is_busy = self.status.tone is Tone.BUSY
        return bool(self.status.text) and not is_busy and self.now - self.status_at > STATUS_SECONDS

    @property
    def empty_text(self) -> str:
        """What to say in place of the tables; empty when there are services."""
        if self.snapshot is None:
            return "" if self.failure else "Reading ..."
        return "" if self.snapshot.services else "\n".join(NO_SERVICES)


def failed(text: str) -> Cell:
    """Return a status line that says what did not work."""
    return Cell(f"✖ {text}", Tone.BAD)


def with_notice(notices: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Add a notice; one that says the same is not shown twice, and few are kept."""
    return (*(notice for notice in notices if notice != text), text)[-NOTICES_KEPT:]


def told(text: str) -> Cell:
    """Return a status line for something that goes on."""
    return Cell(f"◐ {text}", Tone.BUSY)


def done(text: str) -> Cell:
    """Return a status line for something that was done."""
    return Cell(f"● {text}", Tone.GOOD)
