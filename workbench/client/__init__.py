"""How our own programs talk to the daemon: the same operations as everybody else's.

`requests.py` and `answers.py` are pure, so that a blocking and an asynchronous client can
share them; `connection.py` is the blocking one; `notebooks.py` gives its answers types.
"""

from workbench.client.answers import ClientError, DaemonAway
from workbench.client.connection import Client

__all__ = ["Client", "ClientError", "DaemonAway"]
