"""What a kind of thing is to the dashboard: how it is listed, what its columns, pages, actions and
forms are.

The list, the detail page and the form are each built once and driven by such a description. A
new kind is one file in `resources/`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workbench.client import ClientError
from workbench.client.aio import AsyncClient
from workbench.errors import Forbidden, WorkbenchError
from workbench.wire.operations import operation
from workbench_tui import values
from workbench_tui.rights import Rights
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word, sign_of

_NOT_OFFERED = (404, 501, 503)
_PAGE = 100

Item = Mapping[str, Any]
"""One thing, as the daemon's answer spells it."""


@dataclass(frozen=True)
class Scope:
    """Whom to ask, for which workspace, and who asks."""

    client: AsyncClient
    workspace_id: str = ""
    rights: Rights = field(default_factory=Rights)
    read_only: bool = False
    """Whether the user came to look only."""

    async def call(self, service: str, action: str, **fields: Any) -> dict[str, Any]:
        """Ask for an operation; raises as `AsyncClient.call` does."""
        return await self.client.call(operation(service, action), **fields)

    async def offered(self, service: str, action: str, **fields: Any) -> dict[str, Any] | None:
        """Ask for what this daemon may not have, or not yet; None when it has not."""
        try:
            return await self.call(service, action, **fields)
        except ClientError as error:
            if error.status in _NOT_OFFERED:
                return None
            raise


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. `read` gives what it is sorted by, `show` what is seen of that.

    Args:
        width: In cells; 0 for the one column that takes what is left.
        from_width: The terminal's width from which there is room for it.
    """

    title: str
    read: Callable[[Item], Any]
    show: Callable[[Any], Word]
    width: int
    from_width: int = 0
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """One line of a form.

    Args:
        name: Under which `Action.run` finds the value.
        options: What exists, as value and what is said of it; the user may still write another
            one where `free` is true.
        several: It takes several values with spaces between.
        check: What is wrong with a text; empty when nothing is.
    """

    name: str
    title: str
    help: str = ""
    start: Callable[[Item], str] = lambda item: ""
    options: Callable[[Scope], Awaitable[Sequence[tuple[str, str]]]] | None = None
    free: bool = True
    several: bool = False
    check: Callable[[str], str] = lambda text: ""
    needed: bool = False
    secret: bool = False


Values = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an action, in words, and what there is to take along.

    Args:
        url: To open in a browser, or to copy where there is none.
        secret: To copy; it is shown only this once.
        workspace: Id of the workspace to look at from now on.
        program: Words behind `workbench`: this command takes the terminal until it ends.
    """

    said: str = ""
    url: str = ""
    secret: str = ""
    workspace: str = ""
    program: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that can be done.

    Args:
        key: Means the same wherever it is bound.
        operation: Whose permission decides.
        run: Does it, to one item, or to none where `alone` is true. The values are the form's.
        loses: What is lost by it, in words; asked before where it is given, after the form where there
            is one.
        blocked: Why it cannot be done to this item now; empty when it can.
        single: It is done to one item at a time; everything else, to all that are marked.
        takes_terminal: It runs a program, where there is a terminal to give.
        changes: Whether it changes anything on the machine, which who came to look only cannot.
        command: The shell command that does the same; empty where none does.
    """

    name: str
    key: str
    title: str
    help: str
    operation: str
    run: Callable[[Scope, Item, Values], Awaitable[Outcome]]
    loses: Callable[[Item], str] | None = None
    blocked: Callable[[Item], str] = lambda item: ""
    form: tuple[Field, ...] = ()
    alone: bool = False
    shown: bool = True
    single: bool = False
    takes_terminal: bool = False
    changes: bool = True
    command: Callable[[Scope, Item, Values], str] = lambda scope, item, given: ""

    async def run_for(self, scope: Scope, items: Sequence[Item], given: Values) -> Done:
        """Do it to each, whatever becomes of the others."""
        done = Done()
        for item in items:
            try:
                done.outcomes.append(await self.run(scope, item, given))
            except WorkbenchError as error:
                done.failures.append((item, error))
        return done


@dataclass(frozen=True)
class Done:
    """What came of an action on several: of each, an outcome or an error."""

    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[tuple[Item, WorkbenchError]] = field(default_factory=list)

    @property
    def forbidden(self) -> bool:
        """Whether something was refused by rights; its key was not dim, so they have changed."""
        return any(error.status == Forbidden.status for _, error in self.failures)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve. Times in seconds since 1970."""

    title: str
    unit: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of thing.

    Args:
        load: All of them that the caller may see.
        id: Names one for good.
        label: What people call one.
        follows: Kinds of change that the daemon tells, after which to look again.
        look_again_s: How often to look although nothing was told.
        owner_id: Whose one is; empty for what belongs to the workspace or to nobody.
        workspace_id: Where one is; empty for what is in no workspace, or always in the present one.
        facts: What its page says of one, by heading.
        logs: Its log and what comes, lines that come together at once, as the daemon sends them.
        events: What happened to it, oldest first.
        charts: How its values went during the last so many seconds.
        empty: What to do when there are none.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    order: int
    load: Callable[[Scope], Awaitable[Sequence[Item]]]
    id: Callable[[Item], str]
    label: Callable[[Item], str]
    columns: tuple[Column, ...]
    empty: str
    actions: tuple[Action, ...] = ()
    follows: frozenset[str] = frozenset()
    look_again_s: float = 30
    owner_id: Callable[[Item], str] = lambda item: ""
    workspace_id: Callable[[Item], str] = lambda item: ""
    tags: Callable[[Item], Mapping[str, str]] = lambda item: {}
    facts: Callable[[Item], Sequence[tuple[str, Sequence[tuple[str, Word]]]]] | None = None
    get: Callable[[Scope, str], Awaitable[Item]] | None = None
    logs: Callable[[Scope, Item], AsyncIterator[Sequence[Mapping[str, Any]]]] | None = None
    events: Callable[[Scope, Item], Awaitable[Sequence[Item]]] | None = None
    charts: Callable[[Scope, Item, float], Awaitable[Sequence[Series]]] | None = None

    def heading(self, action: Action, items: Sequence[Item]) -> str:
        """What is done to whom: the title of what asks about it and of what tells of it."""
        if action.alone:
            return say(action.title)
        whom = self.label(items[0]) if len(items) == 1 else str(len(items))
        return f"{say(action.title)}: {whom}"

    def explained(self, action: Action, failures: Sequence[tuple[Item, WorkbenchError]]) -> str:
        """What went wrong, with whose name where the heading does not say it."""
        if action.alone or len(failures) == 1:
            return str(failures[0][1])
        return named_at_most([f"{self.label(item)}: {error}" for item, error in failures])


def named_at_most(lines: Sequence[str], most: int = 8) -> str:
    """These lines, and how many more there are."""
    left_out = [say("… and {count} more.", count=len(lines) - most)] if len(lines) > most else []
    return "\n".join([*lines[:most], *left_out])


def text(title: str, name: str, *, width: int, from_width: int = 0, tone: Tone = Tone.PLAIN) -> Column:
    """A column with a field as it is."""
    return Column(
        title=title,
        read=lambda item: str(item.get(name) or ""),
        show=lambda value: Word(value, tone),
        width=width,
        from_width=from_width,
    )


def state(title: str, read: Callable[[Item], str], *, width: int = 14) -> Column:
    """A column with a state: sign, word, colour."""
    return Column(title=title, read=read, show=state_word, width=width)


def state_word(name: str) -> Word:
    """A state, as it is shown."""
    sign, tone = sign_of(name)
    return Word(f"{sign} {say(name)}", tone) if name else Word("")


def age(title: str, name: str, *, from_width: int = 0) -> Column:
    """A column with the time since a moment."""
    return Column(
        title=title,
        read=lambda item: str(item.get(name) or ""),
        show=lambda value: Word(values.age(value, datetime.now(UTC)), Tone.QUIET),
        width=max(7, len(title)),
        from_width=from_width,
        right=True,
    )


def number(
    title: str,
    read: Callable[[Item], float | None],
    *,
    width: int = 6,
    show: Callable[[float], str] = values.number,
    from_width: int = 0,
) -> Column:
    """A column with a number, at the right; None is shown as nothing."""
    return Column(
        title=title,
        read=lambda item: -1.0 if (value := read(item)) is None else value,
        show=lambda value: Word("" if value < 0 else show(value)),
        width=width,
        from_width=from_width,
        right=True,
    )


class Rows(list[Item]):
    """What was asked for, of which there may be more: `total` in all."""

    total = 0


async def pages(
    scope: Scope, service: str, action: str, name: str, *, most: int = 1000, **fields: Any
) -> Rows:
    """All rows of an operation that answers page by page, up to a bound."""
    found = Rows()
    while True:
        number = len(found) // _PAGE + 1
        answer = await scope.call(service, action, PageNumber=number, PageSize=_PAGE, **fields)
        found += answer[name]
        found.total = max(answer["TotalCount"], len(found))
        if not answer[name] or len(found) >= min(answer["TotalCount"], most):
            return found
