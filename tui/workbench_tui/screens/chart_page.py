"""How one item's values went, over a time that the user chooses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from workbench.errors import WorkbenchError
from workbench_tui.asking import Asking
from workbench_tui.resource import Item, Resource, Series
from workbench_tui.session import Session
from workbench_tui.widgets.chart import RANGES, Charts

_LOOKS = 60
"""As often is asked anew during the shown time, within bounds."""
_SHORTEST_S = 5.0
_LONGEST_S = 60.0


class ChartPage(Vertical):
    """Feeds the charts of one item.

    Args:
        resource: A kind of thing that has charts.
    """

    @dataclass
    class Loaded(Message):
        """The daemon answered."""

        series: Sequence[Series]

    def __init__(self, session: Session, resource: Resource, item: Item) -> None:
        super().__init__()
        self._session, self._resource, self._item = session, resource, item
        self._asked_at = 0.0
        self._asking = Asking()

    def compose(self) -> ComposeResult:
        yield Charts()

    def on_mount(self) -> None:
        """Begin with the shortest time; ask only while it is seen."""
        self.query_one(Charts).span_s = RANGES[0][1]
        self.set_interval(1, self._look_if_due)

    def on_show(self) -> None:
        """Ask at once when the page is turned to."""
        self._load()

    @on(Charts.Range)
    def _other_range(self, event: Charts.Range) -> None:
        event.stop()
        self._load()

    @work
    async def _load(self) -> None:
        await self._asking.ask(self._ask)

    async def _ask(self) -> None:
        assert self._resource.charts
        self._asked_at = time.monotonic()
        span = self.query_one(Charts).span_s
        try:
            series = await self._resource.charts(self._session.scope, self._item, span)
        except WorkbenchError:
            return  # the old curves stay; the top line says how old they are
        if span == self.query_one(Charts).span_s:  # otherwise it is being asked for anew
            self.post_message(self.Loaded(series))

    @on(Loaded)
    def _show(self, event: Loaded) -> None:
        charts = self.query_one(Charts)
        charts.series, charts.end = event.series, time.time()

    def _look_if_due(self) -> None:
        seen = self.is_on_screen and self.screen.is_current and self._session.connection.alive
        every = min(max(self.query_one(Charts).span_s / _LOOKS, _SHORTEST_S), _LONGEST_S)
        if seen and time.monotonic() - self._asked_at >= every:
            self._load()
