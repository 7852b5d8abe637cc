"""Small screens over others: a question, and something to copy."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import ClassVar, Self

from textual import events, on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Button, Input, Static

from workbench_tui.resource import Action, Item, Resource, Scope, Values, named_at_most
from workbench_tui.screens.frame import in_users_language
from workbench_tui.texts import say


class Dialogue(ModalScreen[ScreenResultType]):
    """A box over the screen; Esc closes it and answers with nothing."""

    CSS_PATH = ["dialogue.tcss"]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        return in_users_language(super().active_bindings)

    async def on_key(self, event: events.Key) -> None:
        """Lose nothing that a fast user types before the first field has the focus."""
        fields = self.query(Input)
        if self.focused is not None or not fields:
            return
        if event.character and event.is_printable:
            event.stop()
            fields.first().insert_text_at_cursor(event.character)
        elif event.key == "enter":
            event.stop()
            await fields.first().action_submit()

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class Confirm(Dialogue[bool]):
    """Asks before something is lost.

    Args:
        title: What would be done.
        loss: What is lost by it, by name.
        command: The command that would do the same.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "Yes"),
        Binding("n", "close", "No"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, loss: str, command: str = "") -> None:
        super().__init__(classes="-danger")
        self._title, self._loss, self._command = title, loss, command

    @classmethod
    def before(
        cls,
        resource: Resource,
        action: Action,
        scope: Scope,
        items: Sequence[Item],
        given: Values = MappingProxyType({}),
    ) -> Self:
        """The question before an action by which these lose something."""
        assert action.loses
        losses = named_at_most([action.loses(item) for item in items])
        command = action.command(scope, items[0], given) if len(items) == 1 else ""
        return cls(resource.heading(action, items), losses, command)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._title
            box.border_subtitle = self._command
            yield Static(self._loss, classes="question", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(say("No") + " (n)", id="no", compact=True)
                yield Button(say("Yes") + " (y)", id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        """A hasty Enter does no harm."""
        self.query_one("#no").focus()

    def action_confirm(self) -> None:
        """Go on."""
        self.dismiss(True)

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class Handout(Dialogue[None]):
    """Shows something to take along: a link, a key. It is copied too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "copy", "Copy")]  # Enter may be the form's, twice

    def __init__(self, title: str, text: str, note: str = "") -> None:
        super().__init__()
        self._title, self._text, self._note = title, text, note

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._title
            box.border_subtitle = f"c {say('Copy')} · Esc {say('Close')}"
            yield Static(self._text, classes="question", markup=False)
            yield Static(self._note, markup=False)

    def action_copy(self) -> None:
        """Copy it through the terminal, which works over SSH too."""
        self.app.copy_to_clipboard(self._text)
        self.notify(say("Copied."))
