"""Users who ask for one thing after another, and are not put off by a daemon that dies under them."""

from __future__ import annotations

import random
import threading

from tests.installation import Installation
from workbench.client import ClientError, DaemonAway

_SIZE = {"CPU": "0.5", "Memory": "0.5"}
_LONGEST_PAUSE_S = 0.3


class StormyUser(threading.Thread):
    """One user with a few notebooks, creating, stopping, starting and deleting them at random.

    `expected` says for each notebook how it should end: what was asked for last and acknowledged,
    or either of two where the answer to the last request was lost; empty is that it is gone.
    """

    def __init__(self, installation: Installation, name: str, image: str, most: int, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.expected: dict[str, set[str]] = {}
        self.requests = 0
        self._installation = installation
        self._image = image
        self._most = most
        self._random = random.Random(seed)
        self._enough = threading.Event()

    def run(self) -> None:
        while not self._enough.wait(self._random.uniform(0, _LONGEST_PAUSE_S)):
            self._ask()

    def stop(self) -> None:
        """Ask for nothing more."""
        self._enough.set()
        self.join()

    def _ask(self) -> None:
        mine = sorted(id for id, ends in self.expected.items() if ends != {""})
        action = self._random.choice(["Create", "Stop", "Start", "Delete"])
        if action == "Create" or not mine:
            if len(mine) < self._most:
                self._create()
            return
        self._change(action, self._random.choice(mine))

    def _create(self) -> None:
        self.requests += 1
        fields = {"InstanceName": f"{self.name}-{self.requests}", "ImageUrl": self._image}
        try:
            answer = self._installation.dsw("CreateInstance", RequestedResource=_SIZE, **fields)
        except DaemonAway:
            return  # it may be there or not; which of the two is right as long as all agree on it
        self.expected[answer["InstanceId"]] = {"Running"}

    def _change(self, action: str, notebook_id: str) -> None:
        self.requests += 1
        end = {"Stop": "Stopped", "Start": "Running", "Delete": ""}[action]
        try:
            self._installation.dsw(f"{action}Instance", instance_id=notebook_id)
        except DaemonAway:
            self.expected[notebook_id] |= {end}
        except ClientError as error:
            # Only who asked in vain before, and was heard after all, is told so.
            assert error.code in ("InstanceNotFound", "InstanceBeingDeleted"), error
            assert "" in self.expected[notebook_id], error
            self.expected[notebook_id] = {""}
        else:
            self.expected[notebook_id] = {end}
