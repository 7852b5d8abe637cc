"""The line at the bottom: the keys that can be used now.

What there is no room for is left out whole, before the key that tells of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import ActiveBinding
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

_ALWAYS = "help"
_IF_ROOM = "command_palette"
_META = "key"


@dataclass(frozen=True)
class Key:
    """One key, as it is written.

    Args:
        name: What Textual calls it.
        shown: What is written on it.
        action: The binding's action.
        enabled: Whether it does something now; otherwise it is dim.
    """

    name: str
    shown: str
    description: str
    action: str
    enabled: bool

    @property
    def width(self) -> int:
        """In cells, with the blank behind it."""
        return Text(f"{self.shown} {self.description} ").cell_len


class KeyLine(Widget):
    """Draws what the screen says that its keys are; a click is like the key."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key"}
    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; background: $footer-background; color: $footer-foreground; }
    KeyLine > .key-line--key { color: $footer-key-foreground; text-style: bold; }
    """

    keys: reactive[Sequence[Key]] = reactive(())

    def on_mount(self) -> None:
        """Follow the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._look)

    def render(self) -> RenderResult:
        """The line."""
        key_style = self.get_component_rich_style("key-line--key", partial=True)
        line = Text(no_wrap=True, end="")
        for key in fitting(self.keys, self.content_size.width):
            plain = Style(dim=not key.enabled, meta={_META: key.name})
            line.append(key.shown, key_style + plain if key.enabled else plain)
            line.append(f" {key.description}", plain)
            line.append(" ")
        return line

    def on_click(self, event: events.Click) -> None:
        """A click on a key is like the key, which may say why it is dim."""
        if name := event.style.meta.get(_META):
            self.app.simulate_key(name)

    def _look(self, screen: Screen[object]) -> None:
        # While the terminal is not looked at, nothing in it has the focus, and the keys stay as they were.
        # A page in a browser may begin so.
        if self.app.app_focus or not self.keys:
            self.keys = [self._key(each) for each in _once_each(screen.active_bindings.values())]

    def _key(self, active: ActiveBinding) -> Key:
        binding = active.binding
        shown = self.app.get_key_display(binding)
        return Key(binding.key, shown, binding.description, binding.action, active.enabled)


def fitting(keys: Sequence[Key], width: int) -> Sequence[Key]:
    """Those there is room for, in their order."""
    last = [key for key in keys if key.action.endswith(_ALWAYS)]
    palette = [key for key in keys if key.action.endswith(_IF_ROOM)]
    rest = [key for key in keys if key not in last and key not in palette]
    room = width + 1 - sum(key.width for key in last)
    shown: list[Key] = []
    for key in rest:
        room -= key.width
        if room < 0:
            return [*shown, *last]
        shown.append(key)
    return [*shown, *last, *(key for key in palette if key.width <= room)]


def _once_each(keys: Iterable[ActiveBinding]) -> Iterable[ActiveBinding]:
    by_action: dict[str, ActiveBinding] = {}
    for each in keys:
        if each.binding.show or each.binding.action.endswith(_IF_ROOM):
            by_action.setdefault(each.binding.action, each)
    return by_action.values()
