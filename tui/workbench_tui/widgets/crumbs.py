"""The line at the top: where one is, whose machine it is, and whether what one sees is true."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widget import Widget

from workbench_tui import values
from workbench_tui.texts import say


class Crumbs(Widget):
    """Breadcrumbs at the left; workspace, user and connection at the right."""

    DEFAULT_CSS = """
    Crumbs { dock: top; height: 1; padding: 0 1; background: $panel; color: $foreground; }
    Crumbs.-away { background: $error-muted; color: $text-error; }
    """

    path: reactive[tuple[str, ...]] = reactive(())
    """Titles of the screens, the outermost first."""
    workspace = reactive("")
    user = reactive("")
    away_s: reactive[float | None] = reactive(None)
    """How old the data is while the daemon does not answer; None while it does."""
    problem = reactive("")
    """Why it does not."""
    refused = reactive(False)
    """Whether it does answer, but refuses to tell of changes."""

    def watch_away_s(self, away_s: float | None) -> None:
        """Alarm by more than a colour: the words change too."""
        self.set_class(away_s is not None, "-away")

    def render(self) -> RenderResult:
        """The line."""
        outer, here = self.path[:-1], self.path[-1:]
        left = Text(" › ").join([*map(Text, outer), *(Text(each, "bold") for each in here)])
        if self.away_s is None:
            connection = f"● {say('live')}"
        else:
            age = values.duration(self.away_s)
            how = "refused; data is {age} old" if self.refused else "away; data is {age} old"
            connection = f"✖ {say(how, age=age)}"
        right = Text("  ".join(each for each in (self.workspace, self.user, connection) if each))
        room = self.content_size.width - right.cell_len - 1
        if self.problem:
            left = Text("  ").join([left, Text(self.problem, "italic")])
            if left.cell_len > room:  # it matters more than for whom and where
                right = Text(connection)
                room = self.content_size.width - right.cell_len - 1
        left.truncate(max(room, 0), overflow="ellipsis", pad=True)
        return left + Text(" ") + right
