"""What happened and what happens: events that are kept, and changes told to whoever watches."""

from workbench.telemetry import events
from workbench.telemetry.events import Event, Level
from workbench.telemetry.live import Change, Live

__all__ = ["Change", "Event", "Level", "Live", "events"]
