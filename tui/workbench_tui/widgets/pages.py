"""Pages under tabs that stay where they were last turned to.

Textual turns to a page also when it hears that its tab was chosen or that something on it has the
focus. Both may be heard after one has turned on; then they turn nothing back.
"""

from __future__ import annotations

from textual.widgets import TabbedContent, TabPane, Tabs


class Pages(TabbedContent):
    """A page for each tab."""

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """Leave a tab alone that is chosen no more."""
        if event.tab.id != event.tabs.active:
            event.stop()
            event.prevent_default()

    def on_tab_pane_focused(self, event: TabPane.Focused) -> None:
        """Only pages that are seen get the focus here, so there is nothing to turn."""
        event.stop()
        event.prevent_default()
