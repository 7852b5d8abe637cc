"""The dashboard: one application, its screens, and the way between them.

Only the first screen is imported here, so that it is painted at once; the others when they are opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.message import Message
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widgets import Input

from workbench.client import ClientError
from workbench.client.aio import AsyncClient
from workbench.errors import WorkbenchError
from workbench_tui.feed import Change, Feed
from workbench_tui.forewarned import Forewarned
from workbench_tui.memory import Memory
from workbench_tui.resource import Item, Scope
from workbench_tui.resources import named_exactly, resources, workspaces
from workbench_tui.rights import Rights, find_rights
from workbench_tui.screens.acting import ActingScreen, with_actions
from workbench_tui.screens.frame import FramedScreen
from workbench_tui.screens.overview import OverviewScreen
from workbench_tui.session import Connection, Session
from workbench_tui.texts import say
from workbench_tui.themes import DARK, THEMES

if TYPE_CHECKING:
    from workbench_tui.screens.jump import Destination

_WARNED_S = 20
_NOT_OFFERED = ("Keys", "Screenshot")
"""Of Textual's commands: its own help says less than ours, and terminals make pictures themselves."""
_ON_RIGHTS = ("member", "user", "workspace")
"""Changes after which the user may do other things than before."""


class Dashboard(App[None]):
    """Workbench in a terminal.

    Args:
        client: Whom to ask.
        memory: What is remembered from the last time.
        keys: The user's own, by the ids of bindings.
        read_only: Change nothing, whatever the user may do.
        when_painted: Called once the first screen is seen.
    """

    TITLE = "Workbench"
    CSS = """
    Input > .input--placeholder { color: $foreground 75%; }
    Tab { color: $foreground 75%; }
    CommandPalette > .command-palette--help-text { color: $text; text-style: none; }
    """
    CSS_PATH = "screens/overview.tcss"  # Textual loads no style with the default screen itself
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "colon",
            "jump",
            "Go to",
            id="app.go-to",
            key_display=":",
            tooltip="Any list, by name or alias.",
            priority=True,  # what is typed right behind it must not reach the list
        ),
        Binding(
            "minus",
            "last",
            "Last list",
            id="app.last",
            key_display="-",
            tooltip="The list before.",
            show=False,
        ),
        Binding(
            "question_mark,f1",
            "help",
            "Help",
            id="app.help",
            key_display="?",
            tooltip="What every key does here.",
        ),
        Binding("q", "quit", "Quit", id="app.quit", show=False),
    ]

    @dataclass
    class Found(Message):
        """Workspace and rights were found out."""

        workspace: Item
        rights: Rights
        wanted: str
        """What was asked for or remembered; the workspace is another one where there is no such."""

    @dataclass
    class Missing(Message):
        """The user is in no workspace of this name or id."""

        wanted: str

    def __init__(
        self,
        client: AsyncClient,
        memory: Memory,
        *,
        keys: Mapping[str, str] = MappingProxyType({}),
        read_only: bool = False,
        when_painted: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.set_keymap(dict(keys))
        self._when_painted = when_painted
        self.session = Session(self, Scope(client, read_only=read_only), memory)
        self.animation_level = "none"  # over SSH, what moves comes late and in pieces
        self._last = self._now = ""
        self._chosen = ""  # until it is found
        self._forewarned = Forewarned()
        for theme in THEMES:
            self.register_theme(theme)
        wanted = memory.get("theme", DARK.name)
        self.theme = wanted if wanted in self.available_themes else DARK.name

    def on_mount(self) -> None:
        """Paint first, then ask."""
        self.theme_changed_signal.subscribe(self, lambda theme: self.session.memory.put("theme", theme.name))
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._when_painted()
        self._follow()

    def get_css_variables(self) -> dict[str, str]:
        """The theme's, and the colour of frames, which a theme may set apart from what lies on panels."""
        variables = super().get_css_variables()
        return {"frame": variables["panel"], **variables}

    def get_default_screen(self) -> Screen[None]:
        """The overview is what all others are opened over."""
        return with_actions(OverviewScreen, named_exactly("notebooks"))(self.session)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything that can be done, with and without a key, and the command that does the same."""
        for each in super().get_system_commands(screen):
            if each.title not in _NOT_OFFERED:
                yield SystemCommand(say(each.title), say(each.help), each.callback)
        yield SystemCommand(say("Keys"), say("What every key does here."), self.action_help)
        for resource in resources().values():
            yield SystemCommand(
                say("Go to {place}", place=say(resource.title)),
                f":{resource.name}",
                lambda name=resource.name: self._visit(name),
            )
        if isinstance(screen, ActingScreen):
            for action in screen.resource.actions:
                yield SystemCommand(
                    f"{say(screen.resource.title)}: {say(action.title)}",
                    say(action.help),
                    lambda name=action.name: screen.action_act(name),
                )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A colon in a text is a colon."""
        if action == "jump" and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def action_command_palette(self) -> None:
        """Everything that can be done, by name."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=say("Search for commands…"), id="--command-palette"))

    def search_themes(self) -> None:
        """Choose a theme by name."""
        self.push_screen(CommandPalette(providers=[ThemeProvider], placeholder=say("Search for themes…")))

    def action_jump(self) -> None:
        """Ask where to go, and go there."""
        from workbench_tui.screens.jump import Jump  # noqa: PLC0415

        self.push_screen(Jump(), self._go)

    def action_last(self) -> None:
        """Go back and forth between two lists."""
        self._visit(self._last)

    def action_help(self) -> None:
        """Say what every key does here."""
        from workbench_tui.screens.help import Help  # noqa: PLC0415

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen.active_bindings.values()))

    @on(FramedScreen.Visit)
    def _visit_asked(self, event: FramedScreen.Visit) -> None:
        self._visit(event.resource)

    @on(FramedScreen.Inspect)
    def _inspect(self, event: FramedScreen.Inspect) -> None:
        from workbench_tui.screens.detail import DetailScreen  # noqa: PLC0415

        resource = resources()[event.resource]
        screen = with_actions(DetailScreen, resource)
        self.push_screen(screen(self.session, resource, event.item, event.page))

    @on(FramedScreen.Choose)
    def _choose(self, event: FramedScreen.Choose) -> None:
        self.choose_workspace(event.workspace)

    def _go(self, destination: Destination | None) -> None:
        if destination is None:
            return
        if destination.workspace:
            self.choose_workspace(destination.workspace)
        self._visit(destination.resource)

    @work(exclusive=True, group="visit")
    async def _visit(self, name: str) -> None:
        from workbench_tui.screens.listing import ListScreen  # noqa: PLC0415

        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if name != self._now:
            self._last, self._now = self._now, name
        if name:
            resource = resources()[name]
            await self.push_screen(with_actions(ListScreen, resource)(self.session, resource))

    def choose_workspace(self, wanted: str) -> None:
        """Show another workspace, by its name or id; if there is none such, say so and stay."""
        self._chosen = wanted
        self._find_out()

    @work(group="feed")
    async def _follow(self) -> None:
        await Feed(
            self.session.scope.client,
            on_connected=self._connected,
            on_heard=self._heard,
            on_change=self._changed,
            on_away=self._away,
        ).follow()

    def _heard(self) -> None:
        self.session.heard_at = time.monotonic()

    def _connected(self) -> None:
        self._heard()
        self.session.connection = Connection(alive=True)
        self._find_out()
        self.session.reconnected.publish(self.session.connection)

    def _away(self, error: WorkbenchError) -> None:
        first, refused = self.session.connection.alive, isinstance(error, ClientError)
        self.session.connection = Connection(alive=False, problem=str(error), refused=refused)
        if first and self.session.is_news(str(error)):
            title = say("Refused") if refused else say("Nobody answers")
            self.notify(str(error), title=title, severity="warning", markup=False)
        self.session.reconnected.publish(self.session.connection)

    @on(FramedScreen.Doubt)
    def _doubt(self) -> None:
        self._find_out()

    def _changed(self, change: Change) -> None:
        if change.kind in _ON_RIGHTS:
            self._find_out()
        self.session.changed.publish(change)
        if self._forewarned.hear(change):
            self._warn(change)

    @work(group="warn")
    async def _warn(self, change: Change) -> None:
        """Tell the user what happens to a notebook of theirs, whichever workspace it is in."""
        scope = self.session.scope
        listed = (each for each in self.session.known("notebooks") or () if each["InstanceId"] == change.id)
        try:
            notebook = next(listed, None) or await scope.call("dsw", "GetInstance", instance_id=change.id)
        except WorkbenchError:
            return  # gone meanwhile, or not theirs to see
        if notebook["UserId"] == scope.rights.user_id:
            name = notebook["InstanceName"]
            self.notify(change.message, title=name, severity="warning", timeout=_WARNED_S, markup=False)

    @work(exclusive=True, group="scope")
    async def _find_out(self) -> None:
        """Which workspace, and what the user may do there."""
        scope, chosen = self.session.scope, self._chosen
        wanted = chosen or self.session.memory.get("workspace")
        try:
            found = await workspaces.find(scope, wanted) if wanted else None
            if chosen and not found:
                self.post_message(self.Missing(chosen))
                return
            workspace = found or await workspaces.default(scope)
            workspace_id = workspace.get("WorkspaceId", "")
            rights = await find_rights(scope.client, workspace_id) if workspace_id else Rights()
        except WorkbenchError:
            return  # the feed says when nobody answers
        self.post_message(self.Found(workspace, rights, wanted))

    @on(Found)
    def _scope_found(self, event: Found) -> None:
        session, workspace = self.session, event.workspace
        id, name = (str(workspace.get(field, "")) for field in ("WorkspaceId", "WorkspaceName"))
        before = session.scope, session.workspace
        session.scope = replace(session.scope, workspace_id=id, rights=event.rights)
        session.workspace = name
        if before != (session.scope, session.workspace):
            session.scoped.publish(session.scope)
        if self._chosen == event.wanted:
            self._chosen = ""
        session.memory.put("workspace", event.wanted if event.wanted in (id, name) else "")
        if event.wanted not in ("", id, name):
            self._say_missing(event.wanted)

    @on(Missing)
    def _stay(self, event: Missing) -> None:
        self._chosen = ""
        self._say_missing(event.wanted)

    def _say_missing(self, wanted: str) -> None:
        self.notify(
            say("You are in no workspace {name}; this is {here}.", name=wanted, here=self.session.workspace),
            title=say("Workspace"),
            severity="warning",
            markup=False,
        )
