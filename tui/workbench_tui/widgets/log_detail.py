"""One line of a log, whole."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench_tui.texts import say
from workbench_tui.widgets import log_text
from workbench_tui.widgets.log_lines import Line


class LogDetail(ModalScreen[None]):
    """Shows a line with its time and stream; JSON in it is laid out."""

    DEFAULT_CSS = """
    LogDetail { align: center middle; }
    LogDetail > VerticalScroll {
        width: 90%;
        height: auto;
        max-height: 80%;
        padding: 0 1;
        border: round $primary;
        background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Back"),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            origin = f"{self.line.source} {self.line.stream}".strip()
            box.border_title = f"{self.line.time.astimezone():%Y-%m-%d %H:%M:%S.%f} {origin}"
            box.border_subtitle = say("c copies, Esc goes back")
            yield Static(Text(log_text.pretty(self.line.text)))

    def action_copy(self) -> None:
        """Copy the line as it is laid out."""
        self.app.copy_to_clipboard(log_text.pretty(self.line.text))
        self.notify(say("Copied"))
