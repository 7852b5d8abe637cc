"""The form that every action with questions uses.

It checks while one types and offers what exists. What the daemon refuses is said in the form,
so that nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from workbench.errors import WorkbenchError
from workbench_tui.resource import Action, Done, Field, Item, Outcome, Resource, Scope, Values
from workbench_tui.screens.dialogue import Confirm, Dialogue
from workbench_tui.screens.frame import FramedScreen
from workbench_tui.texts import say
from workbench_tui.widgets.text_field import TextField


class Line(Horizontal):
    """One field: its title, its input, what exists, and what is wrong."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Choose", show=False),
        Binding("up", "choose(-1)", "Choose", show=False),
    ]

    @dataclass
    class Offered(Message):
        """What exists was found out."""

        line: Line
        options: Sequence[tuple[str, str]]

    def __init__(self, field: Field, start: str) -> None:
        super().__init__(classes="line -needed" if field.needed else "line")
        self.field = field
        self._start = start
        self._options: Sequence[tuple[str, str]] = ()

    def compose(self) -> ComposeResult:
        yield Label(say(self.field.title))
        with Vertical():
            field = TextField(self._start, password=self.field.secret, select_on_focus=False)
            field.cursor_blink = False
            yield field
            offered = OptionList()
            offered.can_focus = False  # the keys stay in the input, where one goes on typing
            yield offered
            yield Static(say(self.field.help), classes="note", markup=False)

    @property
    def value(self) -> str:
        """What is typed, without the blanks around it."""
        return self.query_one(Input).value.strip()

    @property
    def problem(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if not self.value:
            return say("Needed.") if self.field.needed else ""
        known = {value for value, _ in self._options}
        if not self.field.free and known and self.value not in known:
            return say("There is no {value}.", value=self.value)
        return self.field.check(self.value)

    def offer(self, options: Sequence[tuple[str, str]]) -> None:
        """Show what exists."""
        self._options = options
        self._narrow()

    def show_problem(self) -> None:
        """Say what is wrong below the input, in place of the help."""
        problem = self.problem
        note = self.query_one(".note", Static)
        note.update(problem or say(self.field.help))
        note.set_class(bool(problem), "-problem")
        self.query_one(Input).set_class(bool(problem), "-invalid")

    def action_choose(self, step: int) -> None:
        """Go up and down in what is offered; between the fields, when nothing is."""
        offered = self.query_one(OptionList)
        if not offered.has_class("-open") or (offered.highlighted is None and step < 0):
            _ = self.screen.focus_next() if step > 0 else self.screen.focus_previous()
        elif offered.highlighted is None:
            offered.highlighted = 0
        elif offered.highlighted + step < 0:
            offered.highlighted = None
        else:
            offered.highlighted = min(offered.highlighted + step, offered.option_count - 1)

    @on(Input.Changed)
    def _check(self) -> None:
        self.show_problem()
        self._narrow()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _narrow(self) -> None:
        offered = self.query_one(OptionList)
        typed = self._begun.lower()
        whole = any(typed == value.lower() for value, _ in self._options)
        fitting = [each for each in self._options if whole or typed in f"{each[0]} {each[1]}".lower()]
        offered.clear_options()
        offered.add_options([Option(Text(f"{value}  {about}"), id=value) for value, about in fitting])
        offered.set_class(self.query_one(Input).has_focus and bool(fitting), "-open")
        if self.query_one(Input).has_focus:
            self.call_after_refresh(self.scroll_visible, animate=False)

    @property
    def _begun(self) -> str:
        """The value that is being typed; of several, the last."""
        typed = self.query_one(Input).value
        return typed.rpartition(" ")[2] if self.field.several else typed.strip()

    @on(Input.Submitted)
    def _take_highlighted(self, event: Input.Submitted) -> None:
        offered = self.query_one(OptionList)
        if offered.has_class("-open") and offered.highlighted is not None:
            event.stop()
            self._take_value(offered.get_option_at_index(offered.highlighted).id or "")

    @on(OptionList.OptionSelected)
    def _take_clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take_value(event.option.id or "")

    def _take_value(self, value: str) -> None:
        field = self.query_one(Input)
        if self.field.several:  # there may be more to come
            before = field.value[: len(field.value) - len(self._begun)]
            field.value = f"{before}{value} "
            field.cursor_position = len(field.value)
            field.focus()
            return
        field.value = value
        field.focus()
        self.screen.focus_next()


class Form(Dialogue[Sequence[Outcome]]):
    """Asks for what an action needs, and does it.

    Args:
        items: What it is done to, from which fields start as far as they agree.
    """

    CSS_PATH = ["dialogue.tcss", "form.tcss"]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Do it"),
        # first, since what is typed right behind them must reach the other field
        Binding("tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False, priority=True),
    ]

    @dataclass
    class Answered(Message):
        """The daemon agreed, or did not, or both."""

        done: Done

    def __init__(self, resource: Resource, action: Action, scope: Scope, items: Sequence[Item]) -> None:
        super().__init__()
        self._resource, self._action, self._scope = resource, action, scope
        self._items = items
        self._outcomes: list[Outcome] = []
        self._awaits_answer = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._resource.heading(self._action, self._items)
            with VerticalScroll(id="fields", can_focus=False):
                for field in self._action.form:
                    starts = {field.start(item) for item in self._items}
                    yield Line(field, starts.pop() if len(starts) == 1 else "")
            yield Static(id="problem", classes="-none", markup=False)
            yield Static(id="command", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(say("Cancel"), id="cancel", compact=True)
                yield Button(f"{say(self._action.title)} (^s)", id="submit", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Find out what exists, while the user begins to type."""
        self.set_focus(self.query(Input).first())  # at once, so that what is typed on goes there
        for line in self.query(Line):
            if line.field.options:
                self._find_options(line)
        self._say_command()

    @work
    async def _find_options(self, line: Line) -> None:
        assert line.field.options
        try:
            line.post_message(Line.Offered(line, await line.field.options(self._scope)))
        except WorkbenchError:
            return  # nothing is offered; one can still type

    @on(Line.Offered)
    def _offer(self, event: Line.Offered) -> None:
        event.line.offer(event.options)

    @on(Input.Changed)
    def _say_command(self) -> None:
        if len(self._items) == 1:
            said = self._action.command(self._scope, self._items[0], self._values)
            self.query_one("#command", Static).update(said)

    @on(Input.Submitted)
    def _next(self) -> None:
        self.action_submit()

    @on(Button.Pressed)
    def _button(self, event: Button.Pressed) -> None:
        if event.button.id == "submit":
            self.action_submit()
        else:
            self.action_close()

    def action_submit(self) -> None:
        """Do it, unless a field is wrong, or it is being done."""
        if self._awaits_answer:
            return
        wrong = [line for line in self.query(Line) if line.problem]
        for line in wrong:
            line.show_problem()
        if wrong:
            wrong[0].query_one(Input).focus()
            return
        given = self._values
        if not self._action.loses:
            self._submit(given)
            return

        def go_on(agreed: bool | None) -> None:
            if agreed:
                self._submit(given)

        self.app.push_screen(
            Confirm.before(self._resource, self._action, self._scope, self._items, given), go_on
        )

    def _submit(self, given: Values) -> None:
        self._awaits_answer = True
        self._ask(given)

    @work(exclusive=True)
    async def _ask(self, given: Values) -> None:
        self.post_message(self.Answered(await self._action.run_for(self._scope, self._items, given)))

    @on(Answered)
    def _finish(self, event: Answered) -> None:
        """Stay for whom the daemon refused; nothing is done twice to the others."""
        self._awaits_answer = False
        self._outcomes += event.done.outcomes
        if not event.done.failures:
            self.dismiss(self._outcomes)
            return
        if event.done.forbidden:
            self.post_message(FramedScreen.Doubt())
        self._items = [item for item, _ in event.done.failures]
        self.query_one("#box").border_title = self._resource.heading(self._action, self._items)
        problem = self.query_one("#problem", Static)
        problem.update(f"✖ {self._resource.explained(self._action, event.done.failures)}")
        problem.remove_class("-none")

    def action_close(self) -> None:
        """Leave what was not done undone."""
        self.dismiss(self._outcomes or None)

    @property
    def _values(self) -> Values:
        return {line.field.name: line.value for line in self.query(Line)}
