"""The log of one item: followed while it is written, found again when the connection was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench_tui.resource import Item, Resource
from workbench_tui.session import Session
from workbench_tui.texts import say
from workbench_tui.widgets.log_lines import Line
from workbench_tui.widgets.log_pump import LogPump
from workbench_tui.widgets.log_view import LogView

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class LogPage(Vertical):
    """Feeds a log view with one item's log.

    Args:
        resource: A kind of thing that has logs.
    """

    def __init__(self, session: Session, resource: Resource, item: Item) -> None:
        super().__init__()
        self._session, self._resource, self._item = session, resource, item
        self._last = _BEGINNING
        self._following = False

    def compose(self) -> ComposeResult:
        yield LogView()

    def on_mount(self) -> None:
        """Begin to read."""
        self.follow()

    def follow(self) -> None:
        """Read on, unless it is being read: after a start, or once the daemon is back."""
        if not self._following:
            self._following = True
            self._follow()

    @work(exclusive=True)
    async def _follow(self) -> None:
        view = self.query_one(LogView)
        try:
            await LogPump(view.append).run(self._new_lines())
            view.refusal = ""
        except WorkbenchError as error:
            if error.code != "DaemonAway":
                view.refusal = str(error)
        finally:
            self._following = False

    async def _new_lines(self) -> AsyncIterator[Sequence[Line]]:
        assert self._resource.logs
        known_until = self._last
        async for batch in self._resource.logs(self._session.scope, self._item):
            self.query_one(LogView).refusal = ""
            lines = [line for each in batch if (line := Line.from_answer(each)).time > known_until]
            if lines:
                self._last = lines[-1].time
                yield lines

    @on(LogView.SaveWanted)
    async def _save(self, event: LogView.SaveWanted) -> None:
        event.stop()
        path = Path.cwd() / f"{self._resource.label(self._item)}-{datetime.now():%Y%m%d-%H%M%S}.log"  # noqa: DTZ005
        try:
            count = await event.log.save(path)
        except OSError as error:
            self.notify(f"{path}: {error.strerror}", severity="error", markup=False)
        else:
            self.notify(say("{count} lines are in {path}.", count=count, path=path), markup=False)
