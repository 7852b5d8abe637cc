"""One network for each workspace.

Containers of one network reach each other by name; between networks the engine routes
nothing. A network is known by its short name above this module; the engine's name carries
the home's id, so that two Workbenches on one engine never meet.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, NotFound

from workbench.errors import Conflict
from workbench.runtime.containers import HOME, ID, KIND, network_name
from workbench.runtime.engine import Engine


class NoNetwork(Conflict):
    """The engine has no address range left, or will not make the network."""

    code = "NoNetwork"


class NetworkInUse(Conflict):
    """Containers are still connected to the network."""

    code = "NetworkInUse"


@dataclass(frozen=True)
class Network:
    """A network of ours. `gateway` is this machine's address on it."""

    name: str
    network: str
    gateway: str


class Networks:
    """The networks of one home.

    Args:
        engine: Where they are.
        home_id: Whose they are.
    """

    def __init__(self, engine: Engine, home_id: str) -> None:
        self._engine = engine
        self._home_id = home_id
        self._making = threading.Lock()

    def ensure(self, name: str) -> Network:
        """Make sure that there is exactly one such network.

        Raises:
            NoNetwork: The engine will not make it.
        """
        with self._making:  # the engine itself would make two of one name
            if found := self.find(name):
                return found
            with self._engine.open() as docker:
                try:
                    docker.create_network(
                        network_name(self._home_id, name),
                        driver="bridge",
                        check_duplicate=True,
                        labels={HOME: self._home_id, KIND: "network", ID: name},
                    )
                except APIError as error:
                    raise _no_network(name, str(error.explanation)) from error
            made = self.find(name)
        if made is None:
            raise NoNetwork(f"Network {name} was removed as soon as it was made.")
        return made

    def find(self, name: str) -> Network | None:
        """The network of this name, None where there is none."""
        return next((network for network in self.list() if network.name == name), None)

    def list(self) -> list[Network]:
        """All networks of this home."""
        with self._engine.open() as docker:
            answers = docker.networks(filters={"label": f"{HOME}={self._home_id}"})
        return [_network(answer) for answer in answers]

    def remove(self, name: str) -> None:
        """Remove the network; one that is not there is as good as removed.

        Raises:
            NetworkInUse: Containers are still connected.
        """
        found = self.find(name)
        if found is None:
            return
        with self._engine.open() as docker:
            try:
                docker.remove_network(found.network)
            except NotFound:
                return
            except APIError as error:
                if "active endpoints" not in str(error.explanation):
                    raise
                raise NetworkInUse(
                    f"Network {name} still has containers.", hint="Remove them first."
                ) from error


def _no_network(name: str, said: str) -> NoNetwork:
    hint = ""
    if "non-overlapping" in said or "fully subnetted" in said:
        hint = (
            "The engine ran out of address ranges: remove networks that nobody uses "
            "(`docker network prune`), or give it more with default-address-pools in its daemon.json."
        )
    return NoNetwork(f"Docker did not make network {name}: {said}.", hint=hint)


def _network(answer: Mapping[str, Any]) -> Network:
    ranges = answer["IPAM"]["Config"] or [{}]
    return Network(answer["Labels"][ID], answer["Id"], ranges[0].get("Gateway", ""))
