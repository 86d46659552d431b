"""What a deploy or a roll back would change, and the button that begins it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from odbctl.tui.dialogs import DEAF_SECONDS, DIALOG_CSS, DeafDialog, room
from odbctl.tui.drawing import content_lines
from odbctl.tui.flows.paint import plan_lines
from odbctl.tui.flows.rows import PlanView
from odbctl.tui.flows.work import Work, WorkDone, WorkTold
from odbctl.tui.text import counted, visible

MakePlan = Callable[[Work], PlanView]


class PlanDialog(DeafDialog[PlanView | None]):
    """Answers the plan that was agreed to, None when none was.

    Deaf again when the plan has come: nobody agrees to what was not shown yet.
    """

    DEFAULT_CSS = (
        DIALOG_CSS.format(name="PlanDialog")
        + """
    PlanDialog > Vertical { width: 90%; max-width: 100; }
    PlanDialog VerticalScroll { height: auto; }
    PlanDialog #title { text-style: bold; margin-bottom: 1; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left", "step(-1)", "Previous button", show=False),
        Binding("right", "step(1)", "Next button", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(
        self, title: str, verb: str, make_plan: MakePlan, *, deaf_seconds: float = DEAF_SECONDS
    ) -> None:
        """Store the title, the word on the button, and what makes the plan in a thread."""
        super().__init__(deaf_seconds=deaf_seconds)
        self._title_text = title
        self._verb = verb
        self._make_plan = make_plan
        self._plan: PlanView | None = None
        self._work: Work | None = None
        self._text = Static(id="plan", markup=False)
        self._confirm = Button(
            Content(verb), id="confirm", variant="error", compact=True, disabled=True
        )

    def compose(self) -> ComposeResult:
        """Show the title, the plan and two buttons."""
        with Vertical():
            yield Static(Content(self._title_text), id="title", markup=False)
            with VerticalScroll(can_focus=False):
                yield self._text
            with Horizontal():
                yield Button("Cancel", id="cancel", compact=True)
                yield self._confirm

    def on_mount(self) -> None:
        """Begin to plan."""
        super().on_mount()
        self._text.update(Content("planning ..."))
        self._work = Work(self, self._make_plan).start()

    def on_resize(self) -> None:
        """Keep the buttons in sight: a long plan scrolls above them."""
        lines = room(self.size.height, beside=4)
        self.query_one(VerticalScroll).styles.max_height = lines

    def on_unmount(self) -> None:
        """Want nothing more of a plan that is being made."""
        if self._work is not None:
            self._work.abandon()

    def on_work_told(self, message: WorkTold) -> None:
        """Say what takes time."""
        self._text.update(Content(visible(message.text)))

    def on_work_done(self, message: WorkDone) -> None:
        """Show the plan, or why there is none."""
        if message.failure:
            self._text.update(Content(f"✖ {visible(message.failure)}"))
            return
        self._plan = plan = cast("PlanView", message.result)
        self._text.update(content_lines(plan_lines(plan)))
        count = counted(len(plan.instances), "instance")
        self._confirm.label = Content(f"{self._verb} {visible(plan.service)}: {count}")
        self._confirm.refresh(layout=True)  # it is wider now
        self.set_timer(self._deaf_seconds, self.allow)

    def allow(self) -> None:
        """Let the plan be agreed to, unless it would be refused."""
        if self._plan is not None and not self._plan.refusal:
            self._confirm.disabled = False

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(self._plan if event.button.id == "confirm" else None)

    def action_cancel(self) -> None:
        """Answer no."""
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """Scroll the plan."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)
