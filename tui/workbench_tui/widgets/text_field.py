"""A line to type in that takes keys in their order, however fast they come.

Textual inserts a letter where it arrives, but looks for what Backspace means only after every widget
around the field was asked; so of a burst, the letter behind Backspace came first and was what it deleted.
"""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.widgets import Input

_EDITS = {each.key: each.action for each in Binding.make_bindings(Input.BINDINGS) if each.action != "submit"}


class TextField(Input):
    """An input whose editing keys act at once; Enter waits for what is chosen around the field."""

    async def on_key(self, event: events.Key) -> None:
        """Edit before the next key comes."""
        if event.key in _EDITS:
            event.stop()
            event.prevent_default()
            await self.run_action(_EDITS[event.key])
