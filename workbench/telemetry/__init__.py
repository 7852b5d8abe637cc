"""What happened and what happens: events that are kept, and changes told to whoever watches."""

from workbench.telemetry.events import MIGRATIONS, Event, Events, Level
from workbench.telemetry.live import Change, Live

__all__ = ["MIGRATIONS", "Change", "Event", "Events", "Level", "Live"]
