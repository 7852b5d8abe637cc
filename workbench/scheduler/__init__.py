"""Who gets a GPU, who waits, and why."""

from workbench.scheduler.queue import MIGRATIONS, Granted, Waiting, ask, give_back

__all__ = ["MIGRATIONS", "Granted", "Waiting", "ask", "give_back"]
