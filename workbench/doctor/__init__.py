"""What of this machine would keep Workbench from working well.

In two halves: `gather` looks at everything and concludes nothing, `examine` is pure and turns
what was seen into findings, each with a remedy. The daemon need not run.
"""

from workbench.doctor.facts import Facts, gather
from workbench.doctor.findings import Finding, Level, examine

__all__ = ["Facts", "Finding", "Level", "examine", "gather"]
