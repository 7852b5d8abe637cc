"""The kinds of work that this daemon serves. A new one is added here, and everybody who asks all of them
asks it too."""

from __future__ import annotations

from workbench import notebooks

RESIDENTS = (notebooks.RESIDENTS,)
"""What workspaces and the daemon itself must reach of each."""
