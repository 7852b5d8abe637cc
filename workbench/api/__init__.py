"""The HTTP server: which operation is asked for, who asks, and how the answer is sent.

Names no capability: `daemon.py` hands it their routes.
"""

from workbench.api.application import Authenticate, application
from workbench.api.outcome import Observer, Outcome
from workbench.api.serving import Server

__all__ = ["Authenticate", "Observer", "Outcome", "Server", "application"]
