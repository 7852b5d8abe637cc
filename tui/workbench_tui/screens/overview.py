"""The whole machine at a glance: what is at fault stands first, wherever one looks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from rich.cells import set_cell_size
from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import DataTable, Static

from workbench.errors import WorkbenchError
from workbench.wire.times import to_wire
from workbench_tui import values
from workbench_tui.asking import Asking
from workbench_tui.feed import Change
from workbench_tui.measures import Gauges, History, gpu_readings
from workbench_tui.resource import Item, state_word
from workbench_tui.resources import named_exactly, resources
from workbench_tui.screens.acting import ActingScreen
from workbench_tui.session import Session
from workbench_tui.texts import say
from workbench_tui.tones import Palette, Tone
from workbench_tui.widgets.gpu_meter import GpuMeter, GpuReading
from workbench_tui.widgets.meter import Meter
from workbench_tui.widgets.table import ResourceTable

_TOGETHER_S = 0.3
_SLOWER = 4
"""On a slow link, at most this share of the time is spent on asking."""
_MEASURE_S = 5.0
_STATUS_S = 30.0
_BACK = timedelta(minutes=30)
_STEP_S = 5
_EVENTS = 30


class OverviewScreen(ActingScreen):
    """Machine, GPUs, what runs, what waits, what happened, and the quota."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        *[Binding(str(number), f"panel({number})", "Panel", show=False) for number in range(1, 7)],
        Binding("enter", "enter", "Open", tooltip="Go into the panel."),
        Binding("l", "logs", "Logs", id="overview.logs", tooltip="The log of the notebook under the cursor."),
        Binding("tab", "app.focus_next", "Next panel", show=False),
    ]
    _PANELS = ("machine", "gpus", "running", "queue", "events", "quota")
    """In the order of their numbers."""

    @dataclass
    class Measured(Message):
        """The machine was measured."""

        answer: Mapping[str, Any]

    @dataclass
    class Past(Message):
        """The machine's values from before."""

        answer: Mapping[str, Any]

    @dataclass
    class Listed(Message):
        """What there is."""

        items: Sequence[Item]

    @dataclass
    class Happened(Message):
        """What happened of late."""

        events: Sequence[Item]

    @dataclass
    class Known(Message):
        """Status of the parts, the quota of the workspace, the queue."""

        status: Mapping[str, Any]
        quota: Mapping[str, Any] | None
        queue: Sequence[Item]

    def __init__(self, session: Session) -> None:
        super().__init__(session, named_exactly("notebooks"), say("Overview"))
        self._history = History()
        self._status: Mapping[str, Any] = {}
        self._problems: Sequence[str] = ()
        self._events: Sequence[Item] = ()
        self._soon: Timer | None = None
        self._took_s = 0.0
        self._measuring, self._listing, self._asking, self._recalling = (Asking() for _ in range(4))

    def content(self) -> Iterable[Widget]:
        with Container(id="panels"):
            with Vertical(id="machine", classes="panel"):
                for name in ("cpu", "memory", "disk", "network"):
                    yield Meter(id=name)
            yield VerticalScroll(Static(id="no-gpus"), id="gpus", classes="panel")
            with Vertical(id="running", classes="panel"):
                yield ResourceTable(
                    self.resource, only=("Name", "State", "Owner", "CPU", "GiB", "GPU", "Age", "Reason")
                )
                yield Static(id="none-runs", markup=False)
            yield VerticalScroll(Static(id="queue-text"), id="queue", classes="panel")
            yield VerticalScroll(Static(id="events-text"), id="events", classes="panel")
            yield VerticalScroll(Static(id="quota-text"), id="quota", classes="panel")

    def on_mount(self) -> None:
        """Everything has its place before anything is known."""
        titles = ("Machine", "GPUs", "Notebooks", "Queue", "Events and warnings", "Quota")
        for number, (panel, title) in enumerate(zip(self._PANELS, titles, strict=True), start=1):
            self.query_one(f"#{panel}").border_title = f"{number} {say(title)}"
            self.query_one(f"#{panel}").can_focus = panel != "running"
        for name, title in (("cpu", "CPU"), ("memory", "Mem"), ("disk", "Disk"), ("network", "Net")):
            self.query_one(f"#{name}", Meter).title = say(title)
            self.query_one(f"#{name}", Meter).amount = "…"
        table = self.query_one(ResourceTable)
        table.show(self.session.known(self.resource.name) or ())
        table.focus()
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw_events())
        self.session.changed.subscribe(self, self._changed)
        self.set_interval(_MEASURE_S, self._measure_if_seen)
        self.set_interval(_STATUS_S, self._ask_if_seen)
        self._draw_events()

    @property
    def chosen(self) -> Sequence[Item]:
        return self.query_one(ResourceTable).chosen if self.is_mounted else ()

    def refresh_data(self) -> None:
        """Ask for everything."""
        self._measure()
        self._list()
        self._recall()
        self._ask()
        if not self.query_one("#cpu", Meter).history:
            self._look_back()

    def action_panel(self, number: int) -> None:
        """Go to a panel."""
        panel = self.query_one(f"#{self._PANELS[number - 1]}")
        (self.query_one(ResourceTable) if panel.id == "running" else panel).focus()

    def action_enter(self) -> None:
        """Open what the panel shows."""
        panel = self.focused.id if self.focused else ""
        if panel in resources():
            self.post_message(self.Visit(panel or ""))

    def action_logs(self) -> None:
        """Open the log of the notebook under the cursor."""
        if item := self.query_one(ResourceTable).current:
            self.post_message(self.Inspect(self.resource.name, item, "logs"))

    @on(DataTable.RowSelected)
    def _inspect(self) -> None:
        if item := self.query_one(ResourceTable).current:
            self.post_message(self.Inspect(self.resource.name, item))

    @on(DataTable.RowHighlighted)
    def _another_row(self) -> None:
        self.refresh_keys()

    @work(group="measure")
    async def _measure(self) -> None:
        await self._measuring.ask(self._ask_for_measures)

    async def _ask_for_measures(self) -> None:
        answer = await self._offered("workbench", "GetLatestMetrics")
        if answer is not None:
            self.post_message(self.Measured(answer))

    @work(exclusive=True, group="past")
    async def _look_back(self) -> None:
        since = to_wire(datetime.now(UTC) - _BACK)
        answer = await self._offered("workbench", "QueryMetrics", Kind="node", Since=since, Step=_STEP_S)
        if answer is not None:
            self.post_message(self.Past(answer))

    @work(group="list")
    async def _list(self) -> None:
        await self._listing.ask(self._ask_for_list)

    async def _ask_for_list(self) -> None:
        begun, scope = time.monotonic(), self.session.scope
        try:
            items = await self.resource.load(scope)
        except WorkbenchError as error:
            self.post_message(self.Failed(error))
        else:
            self._took_s = time.monotonic() - begun
            if scope == self.session.scope:  # otherwise it is being asked for anew
                self.post_message(self.Listed(items))

    @work(group="recall")
    async def _recall(self) -> None:
        await self._recalling.ask(self._ask_for_events)

    async def _ask_for_events(self) -> None:
        from workbench_tui.resources.events import latest  # noqa: PLC0415 (painted first, asked then)

        scope = self.session.scope
        try:
            events = await latest(scope, _EVENTS)
        except WorkbenchError as error:
            self.post_message(self.Failed(error))
        else:
            if scope == self.session.scope:
                self.post_message(self.Happened(events))

    @work(group="ask")
    async def _ask(self) -> None:
        await self._asking.ask(self._ask_for_rest)

    async def _ask_for_rest(self) -> None:
        scope = self.session.scope
        status = await self._offered("workbench", "GetStatus")
        quota = None
        if scope.workspace_id:
            quota = await self._offered("workbench", "GetWorkspaceQuota", workspace_id=scope.workspace_id)
        if status is not None:
            self.post_message(self.Known(status, quota, await self._queue()))

    async def _queue(self) -> Sequence[Item]:
        try:
            return await named_exactly("queue").load(self.session.scope)
        except WorkbenchError:
            return ()

    async def _offered(self, service: str, action: str, **fields: Any) -> Mapping[str, Any] | None:
        """An answer; None where this daemon has none now."""
        try:
            return await self.session.scope.offered(service, action, **fields)
        except WorkbenchError as error:
            self.post_message(self.Failed(error))
            return None

    @on(Past)
    def _show_past(self, event: Past) -> None:
        self._history.begin_with(event.answer)
        self._measure()

    @on(Measured)
    def _show_measured(self, event: Measured) -> None:
        self._draw_machine(self._history.add(event.answer))
        self._draw_gpus(gpu_readings(event.answer), event.answer.get("GpuReason") or "")
        self._problems = event.answer.get("Problems") or ()
        self._draw_events()

    @on(Listed)
    def _show_list(self, event: Listed) -> None:
        self.session.remember(self.resource.name, event.items)
        self.query_one(ResourceTable).show(event.items)
        running = sum(item.get("Status") == "Running" for item in event.items)
        panel = self.query_one("#running")
        panel.border_subtitle = say("{running} of {all} run", running=running, all=len(event.items))
        self.query_one("#none-runs", Static).update(self.with_own_key(say(self.resource.empty)))
        self.set_class(not event.items, "-empty")
        self._draw_events()
        self.refresh_keys()

    @on(Happened)
    def _show_events(self, event: Happened) -> None:
        self._events = event.events
        self._draw_events()

    @on(Known)
    def _show_known(self, event: Known) -> None:
        self._status = event.status
        self._draw_queue(event.queue)
        self._draw_quota(event.quota)
        self._draw_events()

    def _draw_machine(self, gauges: Gauges) -> None:
        for name, gauge in vars(gauges).items():
            meter = self.query_one(f"#{name}", Meter)
            meter.history, meter.amount = gauge.history, gauge.amount

    def _draw_gpus(self, readings: Sequence[GpuReading], why_none: str) -> None:
        self.query_one("#no-gpus", Static).update(
            why_none or say("No GPU here; `workbench doctor` says why.")
        )
        self.query_one("#no-gpus").display = not readings
        panel = self.query_one("#gpus")
        meters = list(panel.query(GpuMeter))
        for _ in readings[len(meters) :]:
            meters.append(GpuMeter())
            panel.mount(meters[-1])
        for meter in meters[len(readings) :]:
            meter.remove()
        for meter, reading in zip(meters, readings, strict=False):
            meter.reading = reading
        held = sum(bool(each.holder) for each in readings)
        panel.border_subtitle = say("{held} of {all} held", held=held, all=len(readings)) if readings else ""

    def _draw_queue(self, queue: Sequence[Item]) -> None:
        palette = Palette(self.app.theme_variables)
        text = Text(no_wrap=True, overflow="ellipsis")
        for item in queue:
            text.append(f"{item['Position']:>2} ", palette.style(Tone.QUIET))
            text.append(f"{item.get('Name') or item['Id']} ", "bold")
            text.append(f"{item.get('Wants') or ''} ", palette.style(Tone.ACCENT))
            text.append(f"{item.get('Reason') or ''}\n", palette.style(Tone.WARNING))
        if not queue:
            text.append(say("Nothing waits."), palette.style(Tone.QUIET))
        self.query_one("#queue-text", Static).update(text)
        self.query_one("#queue").border_subtitle = say("{count} waiting", count=len(queue)) if queue else ""

    def _draw_quota(self, quota: Mapping[str, Any] | None) -> None:
        palette = Palette(self.app.theme_variables)
        text = Text(no_wrap=True, overflow="ellipsis")
        if quota is None:
            text.append(say("Choose a workspace with `:workspaces`."), palette.style(Tone.QUIET))
        else:
            limits, used = quota.get("Quota") or {}, quota.get("Used") or {}
            for name, title in (
                ("Cpus", "CPU"),
                ("MemoryBytes", "Mem"),
                ("Gpus", "GPU"),
                ("Notebooks", "NB"),
            ):
                _add_quota(
                    text, title, used.get(name) or 0, limits.get(name), palette, size=name == "MemoryBytes"
                )
        self.query_one("#quota-text", Static).update(text)

    def _draw_events(self) -> None:
        palette = Palette(self.app.theme_variables)
        text = Text(no_wrap=True, overflow="ellipsis")
        for warning in self._warnings():
            text.append("▲ ", palette.style(Tone.WARNING))
            text.append(f"{warning}\n")
        now = datetime.now(UTC)
        for event in self._events:
            word = event["Reason"] if event["Level"] == "Normal" else event["Level"]
            text.append(f"{values.age(event['Time'], now):>6} ", palette.style(Tone.QUIET))
            text.append_text(palette.text(state_word(word)))
            text.append(f" {event['Name']}")
            text.append(f" {event['Message']}\n", palette.style(Tone.QUIET))
        if not text:
            text.append(say("Nothing happened yet."), palette.style(Tone.QUIET))
        self.query_one("#events-text", Static).update(text)

    def _warnings(self) -> Iterable[str]:
        engine, gateway = self._status.get("Engine") or {}, self._status.get("Gateway") or {}
        if not engine.get("Answers", True):
            yield say("Docker: {message}", message=engine.get("Message", ""))
        if not gateway.get("Answers", True):
            yield say("Gateway: {message}", message=gateway.get("Message", ""))
        for image in self._status.get("Images") or ():
            if image["State"] == "Failed":
                yield say("Image {name}: {message}", name=image["Name"], message=image["Progress"])
        for item in self.session.known("notebooks") or ():
            if item.get("Status") == "Failed":
                yield f"{item['InstanceName']}: {item.get('ReasonMessage') or say('Failed')}"
        yield from self._problems

    def _changed(self, change: Change) -> None:
        if self.is_current and self._soon is None:
            self._soon = self.set_timer(max(_TOGETHER_S, self._took_s * _SLOWER), self._after_changes)

    def _after_changes(self) -> None:
        self._soon = None
        self._list()
        self._recall()
        self._ask()
        self._measure()

    def _measure_if_seen(self) -> None:
        if self.is_current and self.session.connection.alive:
            self._measure()

    def _ask_if_seen(self) -> None:
        if self.is_current and self.session.connection.alive:
            self._ask()


def _add_quota(
    text: Text, title: str, used: float, limit: float | None, palette: Palette, *, size: bool
) -> None:
    show = values.size if size else values.number
    tone = Tone.WARNING if limit is not None and used >= limit else Tone.PLAIN
    text.append(set_cell_size(say(title), 5), "bold")
    text.append(show(used), palette.style(tone))
    of = "∞" if limit is None else show(limit)
    text.append(f" / {of}\n", palette.style(Tone.QUIET))
