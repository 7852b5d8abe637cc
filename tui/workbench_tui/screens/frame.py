"""What every screen has: the line at the top, the keys at the bottom, and the way back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench_tui.resource import Item, Scope
from workbench_tui.session import SEEN_S, Connection, Session
from workbench_tui.texts import say
from workbench_tui.whole_notes import WholeNotes
from workbench_tui.widgets.crumbs import Crumbs
from workbench_tui.widgets.key_line import KeyLine

_CLEARER = {"Home": "Beginning"}
"""Textual's words for keys, where they mean something else here."""


def in_users_language(bindings: dict[str, ActiveBinding]) -> dict[str, ActiveBinding]:
    """The keys' descriptions, as footer and help show them."""
    return {
        key: each._replace(
            binding=replace(
                each.binding,
                description=say(_CLEARER.get(each.binding.description, each.binding.description)),
                tooltip=say(each.binding.tooltip),
            ),
            tooltip=say(each.tooltip),
        )
        for key, each in bindings.items()
    }


class FramedScreen(Screen[None]):
    """A screen of the dashboard.

    Args:
        title: Its breadcrumb.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="app.back", tooltip="One step back."),
    ]

    @dataclass
    class Visit(Message):
        """The user wants another kind of thing."""

        resource: str

    @dataclass
    class Inspect(Message):
        """The user wants to see one thing, and of it one page."""

        resource: str
        item: Item
        page: str = ""

    @dataclass
    class Choose(Message):
        """The user wants to look at another workspace."""

        workspace: str

    class Doubt(Message):
        """Workspace and rights may be other ones by now."""

    @dataclass
    class Failed(Message):
        """The daemon refused, failed, or is away."""

        error: WorkbenchError

    def __init__(self, session: Session, title: str) -> None:
        super().__init__()
        self._compositor = WholeNotes()
        self.session = session
        self.crumb = title

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        return in_users_language(super().active_bindings)

    @property
    def is_current(self) -> bool:
        """Whether any of it is seen. For Textual, what lies right below is, whatever covers it."""
        stack = self.app.screen_stack
        return super().is_current and all(each.is_modal for each in stack[stack.index(self) + 1 :])

    def compose(self) -> ComposeResult:
        yield Crumbs()
        yield from self.content()
        yield KeyLine()

    def content(self) -> Iterable[Widget]:
        """What is between the top line and the keys."""
        return ()

    def refresh_data(self) -> None:
        """Ask anew for what is shown. Called when it may be old."""

    def on_mount(self) -> None:
        """Follow what all screens share."""
        self.session.reconnected.subscribe(self, self._reconnected)
        self.session.scoped.subscribe(self, self._scoped)
        self.set_interval(1, self._tell_age)
        self._describe()

    def on_screen_resume(self) -> None:
        """What was hidden may be old; it is seen before it is asked for anew."""
        self._describe()
        self.call_after_refresh(self.refresh_data)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """From the outermost screen there is no way back."""
        if action == "back" and self.app.screen_stack[:1] == [self]:
            return False
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """One step back."""
        self.app.pop_screen()

    @on(Failed)
    def _explain(self, event: Failed) -> None:
        if event.error.code == "DaemonAway" or not self.session.connection.alive:
            return  # the top line says so for as long as it lasts
        if self.session.is_news(str(event.error)):
            self.notify(
                str(event.error), title=event.error.code, severity="error", timeout=SEEN_S, markup=False
            )

    def _reconnected(self, connection: Connection) -> None:
        self._tell_age()
        if connection.alive and self.is_current:
            self.refresh_data()

    def _scoped(self, scope: Scope) -> None:
        self._describe()
        self.refresh_bindings()
        if self.is_current:
            self.refresh_data()

    def _describe(self) -> None:
        crumbs = self.query_one(Crumbs)
        crumbs.path = tuple(each.crumb for each in self.app.screen_stack if isinstance(each, FramedScreen))
        crumbs.workspace = self.session.workspace
        scope = self.session.scope
        crumbs.user = (
            f"{scope.rights.user_name} {say('read-only')}" if scope.read_only else scope.rights.user_name
        )
        self._tell_age()

    def _tell_age(self) -> None:
        connection, crumbs = self.session.connection, self.query_one(Crumbs)
        self.set_class(not connection.alive, "-away")
        crumbs.problem, crumbs.refused = connection.problem, connection.refused
        crumbs.away_s = None if connection.alive else int(time.monotonic() - self.session.heard_at)
