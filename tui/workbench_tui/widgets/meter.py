"""One measured quantity: its name, how much now, and how it was the last minutes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import set_cell_size
from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.color import Color
from textual.reactive import reactive
from textual.widget import Widget

_BARS = "▁▂▃▄▅▆▇█"
_TITLE_WIDTH = 5
_HOT = 0.9


class Meter(Widget):
    """A line: title, bars of the past, share, amount."""

    DEFAULT_CSS = """
    Meter { height: 1; width: 1fr; }
    """

    title = reactive("")
    history: reactive[Sequence[float]] = reactive(())
    """Shares from 0 to 1, the newest last; a share above 1 is drawn as 1."""
    amount = reactive("")
    """The newest value in words; what is said when nothing is measured."""

    def render(self) -> RenderResult:
        """The line."""
        colors = self.app.theme_variables
        warm = Style(color=Color.parse(colors["text-primary"]).rich_color)
        hot = Style(color=Color.parse(colors["text-error"]).rich_color)
        width = self.content_size.width
        amount = Text(f" {self.amount}", no_wrap=True)
        room = max(width - _TITLE_WIDTH - amount.cell_len, 0)
        line = Text(set_cell_size(self.title, _TITLE_WIDTH), style="bold", no_wrap=True, end="")
        newest = list(self.history)[-room:] if room else []
        line.append(" " * (room - len(newest)))
        for share in newest:
            level = min(max(share, 0.0), 1.0)
            line.append(_BARS[round(level * (len(_BARS) - 1))], hot if level >= _HOT else warm)
        line.append_text(amount)
        return line
