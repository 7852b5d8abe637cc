"""`?` says what every key does here; it is made from the bindings, so it is never wrong."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from workbench_tui.screens.dialogue import Dialogue
from workbench_tui.texts import say
from workbench_tui.tones import Palette, Tone

_ROOM_FOR_NAMES = 76
_FILE = "~/.config/workbench/keys.toml"


class Help(Dialogue[None]):
    """The keys of the screen below.

    Args:
        keys: The screen's bindings as they are now.
    """

    def __init__(self, keys: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = say("Keys")
            box.border_subtitle = f"Esc {say('Close')}"
            with VerticalScroll():
                yield Static(self._table())
                yield Static(
                    say("The names at the right are for keys of your own, in {file}.", file=_FILE), id="own"
                )

    def _table(self) -> Table:
        palette = Palette(self.app.theme_variables)
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(justify="right", no_wrap=True, style=palette.style(Tone.ACCENT))
        table.add_column(no_wrap=True)
        table.add_column(style=palette.style(Tone.QUIET), ratio=1, overflow="fold")
        names = self.app.size.width >= _ROOM_FOR_NAMES
        if names:
            table.add_column(no_wrap=True, style=palette.style(Tone.QUIET))
        by_action: dict[str, list[ActiveBinding]] = {}
        for each in self._keys:
            if not each.binding.system and each.binding.description:
                by_action.setdefault(each.binding.action, []).append(each)
        for same in sorted(
            by_action.values(), key=lambda same: not same[0].tooltip
        ):  # our own before movement
            shown = dict.fromkeys(self.app.get_key_display(each.binding) for each in same)
            first = same[0]
            name = Text(first.binding.description, "" if first.enabled else palette.style(Tone.QUIET))
            own = next((each.binding.id for each in same if each.binding.id), "")
            table.add_row(" ".join(shown), name, first.tooltip, *[own] * names)
        return table
