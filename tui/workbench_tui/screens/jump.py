"""`:` goes anywhere by name, as in k9s: `:nb`, `:gpus`, `:nb team-b`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench_tui.resources import named, resources
from workbench_tui.screens.dialogue import Dialogue
from workbench_tui.texts import say
from workbench_tui.widgets.text_field import TextField


@dataclass(frozen=True)
class Destination:
    """Where to go; an empty workspace stays in the present one."""

    resource: str
    workspace: str = ""


class Jump(Dialogue[Destination]):
    """Asks where to go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", show=False),
        Binding("up", "choose(-1)", show=False),
        Binding("tab", "complete", show=False, priority=True),
    ]

    def compose(self) -> ComposeResult:
        words = [word for each in resources().values() for word in (each.name, *each.aliases)]
        with Vertical(id="box") as box:
            box.border_title = say("Go to")
            field = TextField(
                placeholder=say("name or alias, then a workspace"), suggester=SuggestFromList(words)
            )
            field.cursor_blink = False
            yield field
            offered = OptionList()
            offered.can_focus = False
            yield offered

    def on_mount(self) -> None:
        """Show all there is."""
        self._offer("")

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._offer(event.value.partition(" ")[0].lower())

    @on(Input.Submitted)
    def _go(self, event: Input.Submitted) -> None:
        word, _, workspace = event.value.strip().partition(" ")
        offered = self.query_one(OptionList)
        resource = named(word)
        if offered.highlighted is not None:
            self.dismiss(Destination(offered.get_option_at_index(offered.highlighted).id or ""))
        elif word in ("", "overview", "home"):
            self.dismiss(Destination("", workspace.strip()))
        elif resource:
            self.dismiss(Destination(resource.name, workspace.strip()))
        else:
            self.notify(say("There is no {value}.", value=word), severity="warning", markup=False)

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Destination(event.option.id or ""))

    def action_choose(self, step: int) -> None:
        """Go up and down in the list, while one can still type."""
        offered = self.query_one(OptionList)
        if offered.highlighted is None:
            offered.highlighted = 0 if step > 0 else offered.option_count - 1
        elif step > 0:
            offered.action_cursor_down()
        else:
            offered.action_cursor_up()

    def action_complete(self) -> None:
        """Take the suggestion."""
        self.query_one(Input).action_cursor_right()

    def _offer(self, typed: str) -> None:
        offered = self.query_one(OptionList)
        offered.clear_options()
        for resource in resources().values():
            if any(typed in word for word in (resource.name, *resource.aliases)):
                aliases = " ".join(resource.aliases)
                offered.add_option(
                    Option(f"{say(resource.title)}  :{resource.name} {aliases}", id=resource.name)
                )
