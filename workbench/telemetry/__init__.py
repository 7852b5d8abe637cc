"""What happened, what happens, and what is used.

Events that are kept and changes told to whoever watches are what every capability writes, and
exported here. Metrics have one user, the daemon's wiring: `sampler` takes snapshots,
`metric_store` keeps them over time, `exposition` tells Prometheus, `rules` say what is idle.
"""

from workbench.telemetry import events
from workbench.telemetry.events import Event, Level
from workbench.telemetry.live import Change, Live

__all__ = ["Change", "Event", "Level", "Live", "events"]
