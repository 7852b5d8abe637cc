"""How much a word matters, which the theme turns into a colour.

A state is never told by colour alone: each has a sign and a word too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rich.style import Style
from rich.text import Text
from textual.color import Color


class Tone(StrEnum):
    """What a word means to who looks for trouble."""

    PLAIN = "plain"
    QUIET = "quiet"
    GOOD = "good"
    BUSY = "busy"
    WARNING = "warning"
    BAD = "bad"
    ACCENT = "accent"


@dataclass(frozen=True)
class Word:
    """Text and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


_MUTED = 0.3

_VARIABLES = {
    Tone.GOOD: "text-success",
    Tone.BUSY: "text-primary",
    Tone.WARNING: "text-warning",
    Tone.BAD: "text-error",
    Tone.ACCENT: "text-accent",
}

_STATES: Mapping[str, tuple[str, Tone]] = {
    "Running": ("●", Tone.GOOD),
    "Present": ("●", Tone.GOOD),
    "Free": ("●", Tone.GOOD),
    "Enabled": ("●", Tone.GOOD),
    "Starting": ("◐", Tone.BUSY),
    "Creating": ("◐", Tone.BUSY),
    "EnvPreparing": ("◐", Tone.BUSY),
    "Recovering": ("◐", Tone.WARNING),
    "Working": ("◐", Tone.BUSY),
    "Held": ("◆", Tone.BUSY),
    "Queuing": ("◌", Tone.WARNING),
    "Waiting": ("◌", Tone.WARNING),
    "Idle": ("◇", Tone.WARNING),
    "Draining": ("◑", Tone.WARNING),
    "Cordoned": ("◑", Tone.WARNING),
    "Not free": ("◑", Tone.WARNING),
    "Stopping": ("◑", Tone.BUSY),
    "Deleting": ("◑", Tone.WARNING),
    "Stopped": ("○", Tone.QUIET),
    "Absent": ("○", Tone.QUIET),
    "Disabled": ("○", Tone.QUIET),
    "Failed": ("✖", Tone.BAD),
    "Error": ("✖", Tone.BAD),
    "Lost": ("✖", Tone.BAD),
    "Faulty": ("✖", Tone.BAD),
    "Warning": ("▲", Tone.WARNING),
    "Normal": ("·", Tone.QUIET),
}


def sign_of(state: str) -> tuple[str, Tone]:
    """A state's sign and tone; a state that is not known here is plain."""
    return _STATES.get(state, ("·", Tone.PLAIN))


class Palette:
    """The current theme's colours for words.

    Args:
        variables: The theme's variables.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._styles = {tone: self._style(variables, tone) for tone in Tone}

    def style(self, tone: Tone) -> Style:
        """The style for a tone."""
        return self._styles[tone]

    def text(self, word: Word) -> Text:
        """A word, drawn; what does not fit ends in an ellipsis."""
        return Text(word.text, style=self._styles[word.tone], no_wrap=True, overflow="ellipsis")

    @staticmethod
    def _style(variables: Mapping[str, str], tone: Tone) -> Style:
        if tone is Tone.PLAIN:
            return Style()
        if tone is Tone.QUIET:
            return _quiet(variables)
        color = Color.parse(variables[_VARIABLES[tone]])
        return Style(color=color.rich_color)


def _quiet(variables: Mapping[str, str]) -> Style:
    """Between text and background, yet readable; only dim where they are the terminal's own."""
    text, background = (Color.parse(variables[name]) for name in ("foreground", "background"))
    if text.ansi is not None or background.ansi is not None:
        return Style(dim=True)
    muted = text.blend(background, 0 if variables.get("text-muted", "").startswith("#") else _MUTED)
    return Style(color=muted.rich_color)
