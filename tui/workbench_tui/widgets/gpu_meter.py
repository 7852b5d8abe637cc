"""A GPU in one line: its use, its memory, its heat and power, and who holds it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widget import Widget

from workbench_tui import values
from workbench_tui.texts import say
from workbench_tui.tones import Palette, Tone

_EIGHTHS = " ▏▎▍▌▋▊▉"
_HOT_C = 85


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """What is known of a card now; None is not known."""

    index: int
    name: str
    utilisation: float | None = None
    memory_bytes: int = 0
    memory_used_bytes: int | None = None
    power_w: float | None = None
    temperature_c: int | None = None
    holder: str = ""
    """`alice/train`; empty while nobody holds the card."""
    idle: bool = False
    """Held but unused for the idle limit."""
    problem: str = ""
    cordoned: str = ""
    """Why it gets no new work, in words; empty while it does."""
    not_free: str = ""
    """Why it cannot be given away although nobody holds it."""


class GpuMeter(Widget):
    """Draws a reading; what there is no room for is left out from the right."""

    DEFAULT_CSS = """
    GpuMeter { height: 1; width: 1fr; }
    """

    reading: reactive[GpuReading | None] = reactive(None)

    def render(self) -> RenderResult:
        """The line."""
        if self.reading is None:
            return Text()
        return draw(self.reading, self.content_size.width, Palette(self.app.theme_variables))


def draw(gpu: GpuReading, width: int, palette: Palette) -> Text:
    """The line for a reading."""
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    line.append(f"{gpu.index:>2} ", "bold")
    if gpu.problem:
        line.append("✖ ", palette.style(Tone.BAD))
        if gpu.holder:  # first, since they have to do something
            line.append(f"{gpu.holder} ", palette.style(Tone.ACCENT))
        line.append(gpu.problem, palette.style(Tone.BAD))
        line.truncate(width, overflow="ellipsis")
        return line
    bar = 8 if width < 60 else 14
    line.append_text(_bar(gpu.utilisation, bar, palette))
    line.append(f" {_percent(gpu.utilisation)} ")
    if width >= 60 and gpu.memory_bytes and gpu.memory_used_bytes is not None:
        line.append_text(_bar(gpu.memory_used_bytes / gpu.memory_bytes, bar, palette))
        line.append(" ")
    line.append(_memory(gpu) + " ")
    if gpu.temperature_c is not None and width >= 50:
        tone = Tone.BAD if gpu.temperature_c >= _HOT_C else Tone.QUIET
        line.append(f"{gpu.temperature_c}° ", palette.style(tone))
    if gpu.power_w is not None and width >= 50:
        line.append(f"{gpu.power_w:.0f}W ", palette.style(Tone.QUIET))
    line.append_text(_use(gpu, palette))
    if width >= 90:
        line.append(f"  {gpu.name}", palette.style(Tone.QUIET))
    line.truncate(width, overflow="ellipsis")
    return line


def _use(gpu: GpuReading, palette: Palette) -> Text:
    """Who has it, or why nobody can."""
    use = Text()
    if gpu.cordoned:  # first, since it must be seen where there is no room for more
        use.append(f"◑ {say('Cordoned')} ", palette.style(Tone.WARNING))
    if gpu.holder:
        if gpu.idle and not gpu.cordoned:
            use.append(f"◇ {say('idle')} ", palette.style(Tone.WARNING))
        use.append(gpu.holder, palette.style(Tone.ACCENT))
    elif gpu.not_free:
        use.append(f"◑ {say('Not free')} ", palette.style(Tone.WARNING))
        use.append(gpu.not_free, palette.style(Tone.QUIET))
    elif not gpu.cordoned:
        use.append(say("free"), palette.style(Tone.GOOD))
    return use


def _bar(share: float | None, width: int, palette: Palette) -> Text:
    filled = round((share or 0.0) * width * 8)
    whole, rest = divmod(min(filled, width * 8), 8)
    drawn = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return Text(drawn, palette.style(Tone.BUSY)) + Text("·" * (width - len(drawn)), palette.style(Tone.QUIET))


def _percent(share: float | None) -> str:
    return "  ? " if share is None else f"{100 * share:3.0f}%"


def _memory(gpu: GpuReading) -> str:
    if gpu.memory_used_bytes is None:
        return values.size(gpu.memory_bytes)
    return f"{gpu.memory_used_bytes / 2**30:.0f}/{gpu.memory_bytes / 2**30:.0f}G"
