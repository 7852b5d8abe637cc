"""A screen on which things are done to items: keys, questions, forms, outcomes.

A key that cannot be used now is dim, and says why when it is pressed all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from textual import events, work
from textual.binding import Binding
from textual.widgets import Input

from workbench_tui.resource import Action, Item, Outcome, Resource
from workbench_tui.screens.frame import FramedScreen
from workbench_tui.session import SEEN_S, Session
from workbench_tui.texts import say

Acting = TypeVar("Acting", bound="ActingScreen")


def with_actions(screen: type[Acting], resource: Resource) -> type[Acting]:
    """The screen, with keys for what can be done to this kind of thing."""
    bindings = [
        Binding(
            each.key,
            _binding_to(each),
            each.title,
            id=f"{resource.name}.{each.name}",
            tooltip=each.help,
            show=each.shown,
            priority=True,
        )
        for each in resource.actions
    ]
    name = f"{resource.name.title()}{screen.__name__}"
    return type(name, (screen,), {"BINDINGS": bindings, "__module__": screen.__module__})


def _binding_to(action: Action) -> str:
    return f"act('{action.name}')"


class ActingScreen(FramedScreen):
    """Does what a resource's actions describe."""

    def __init__(self, session: Session, resource: Resource, title: str) -> None:
        super().__init__(session, title)
        self.resource = resource
        self._reasons: list[str] = []

    @property
    def reads_log(self) -> bool:
        """Whether the user reads a log, whose keys have other meanings."""
        return False

    @property
    def chosen(self) -> Sequence[Item]:
        """What an action is done to."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what cannot be done instead of hiding it; leave letters to who types or reads a log."""
        if action != "act":
            return super().check_action(action, parameters)
        if isinstance(self.focused, Input) or self.reads_log:
            return False
        return None if self._why_not(self._action(str(parameters[0]))) else True

    def refresh_keys(self) -> None:
        """Dim and undim keys, when something about them changed: drawing all of them anew is dear."""
        reasons = [self._why_not(action) for action in self.resource.actions]
        if reasons != self._reasons:
            self._reasons = reasons
            self.refresh_bindings()

    def with_own_key(self, text: str) -> str:
        """What is said of `n` where it is another key."""
        for each in self.active_bindings.values():
            if each.binding.action == "act('create')":
                return text.replace("`n`", f"`{self.app.get_key_display(each.binding)}`")
        return text

    def on_key(self, event: events.Key) -> None:
        """Say why a dim key does nothing."""
        pressed = self.active_bindings.get(event.key)
        for action in self.resource.actions:
            if pressed and pressed.binding.action == _binding_to(action) and self._refuse(action):
                event.stop()

    def action_act(self, name: str) -> None:
        """Begin an action. What asks is there at once, so that no key typed after this one is lost."""
        action = self._action(name)
        if self._refuse(action):  # the command palette asks for what is dim, too
            return
        items: list[Item] = [{}] if action.alone else self._ready_for(action)
        if action.form:
            from workbench_tui.screens.form import Form  # noqa: PLC0415 (only once it is needed)

            form = Form(self.resource, action, self.session.scope, items)
            self.app.push_screen(form, self._after_form(action))
        elif action.loses:
            from workbench_tui.screens.dialogue import Confirm  # noqa: PLC0415 (only once it is needed)

            question = Confirm.before(self.resource, action, self.session.scope, items)
            self.app.push_screen(question, self._after_question(action, items))
        else:
            self._carry_out(action, items)

    def _refuse(self, action: Action) -> bool:
        """Say why this cannot be done now, if so."""
        if reason := self._why_not(action):
            self.notify(reason, title=say(action.title), severity="warning", markup=False)
        return bool(reason)

    def _after_form(self, action: Action) -> Callable[[Sequence[Outcome] | None], None]:
        def report(outcomes: Sequence[Outcome] | None) -> None:
            if outcomes:
                self._report_all(action, outcomes)

        return report

    def _after_question(self, action: Action, items: Sequence[Item]) -> Callable[[bool | None], None]:
        def go_on(agreed: bool | None) -> None:
            if agreed:
                self._carry_out(action, items)

        return go_on

    @work
    async def _carry_out(self, action: Action, items: Sequence[Item]) -> None:
        done = await action.run_for(self.session.scope, items, {})
        if done.failures:
            failed = [item for item, _ in done.failures]
            self.notify(
                self.resource.explained(action, done.failures),
                title=self.resource.heading(action, failed),
                severity="error",
                timeout=SEEN_S,
                markup=False,
            )
        if done.forbidden:
            self.post_message(self.Doubt())
        self._report_all(action, done.outcomes)

    @work(exclusive=True, group="terminal")
    async def _give_terminal(self, action: Action, words: Sequence[str]) -> None:
        """Let a command of ours have the terminal. What the daemon tells meanwhile is heard, not drawn."""
        from workbench_tui.lending import lent_terminal  # noqa: PLC0415 (only once it is needed)

        with self.app.batch_update(), self.app.suspend():
            complaint = await lent_terminal(words)
        if complaint:
            self.notify(complaint, title=say(action.title), severity="error", markup=False)
        self.refresh_data()

    def _report_all(self, action: Action, outcomes: Sequence[Outcome]) -> None:
        """Each, where there is something to take along; of what only says that it is done, how many."""
        told = [each for each in outcomes if each.url or each.secret] if len(outcomes) > 1 else outcomes
        if told is not outcomes:
            self.notify(say("{action}: {count} done.", action=say(action.title), count=len(outcomes)))
        for outcome in told:
            self._report(action, outcome)
        self.refresh_data()

    def _report(self, action: Action, outcome: Outcome) -> None:
        if outcome.program:
            self._give_terminal(action, outcome.program)
            return
        if outcome.workspace:
            self.post_message(self.Choose(outcome.workspace))
        if outcome.secret or outcome.url:
            from workbench_tui.screens.dialogue import Handout  # noqa: PLC0415 (only once it is needed)

            text = outcome.secret or outcome.url
            self.app.copy_to_clipboard(text)
            if outcome.url and _has_browser(os.environ):
                self.app.open_url(outcome.url)
            self.app.push_screen(Handout(say(action.title), text, f"{outcome.said} {say('Copied.')}"))
            return
        self.notify(outcome.said, title=say(action.title), markup=False)

    def _ready_for(self, action: Action) -> list[Item]:
        return [item for item in self.chosen if not self._why_not_to(action, item)]

    def _why_not(self, action: Action) -> str:
        if action.changes and self.session.scope.read_only:
            return say("The dashboard was opened with --read-only; nothing can be changed here.")
        if action.alone:
            return self.session.scope.rights.refusal(action.operation)
        if not self.chosen:
            return say("There is nothing here to do this to.")
        if action.takes_terminal and self.app.is_web:
            return say("A browser has no terminal to give; `workbench dashboard` in one has.")
        if action.single and len(self.chosen) > 1:
            return say("This is for one at a time.")
        reasons = [self._why_not_to(action, item) for item in self.chosen]
        return reasons[0] if all(reasons) else ""

    def _why_not_to(self, action: Action, item: Item) -> str:
        scope = self.session.scope
        refusal = scope.rights.refusal(
            action.operation,
            owner_id=self.resource.owner_id(item),
            elsewhere=self.resource.workspace_id(item) not in ("", scope.workspace_id),
        )
        return refusal or action.blocked(item)

    def _action(self, name: str) -> Action:
        return next(each for each in self.resource.actions if each.name == name)


def _has_browser(environ: os._Environ[str]) -> bool:
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")) and not environ.get(
        "SSH_CONNECTION"
    )
