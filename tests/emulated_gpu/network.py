"""A bridge of its own for a private engine.

A second engine must not touch the first one's bridge nor its firewall rules: told to use no
bridge it deletes `docker0`, and told to manage the firewall it rewrites the chains that both
would share. So we make a bridge and open the firewall for one range of addresses that holds
it and all networks the engine will make.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from tests.emulated_gpu.faults import CannotEmulate, NotHere

_MOST = 16


@dataclass(frozen=True)
class Bridge:
    """One of the few places for a private engine's addresses, numbered from 0."""

    number: int

    @property
    def name(self) -> str:
        """The network interface's."""
        return f"emugpu{self.number}"

    @property
    def range(self) -> str:
        """All addresses of this engine."""
        return f"10.213.{self.number * 16}.0/20"

    @property
    def pool(self) -> dict[str, object]:
        """For the engine's `default-address-pools`: the half that the bridge is not in."""
        return {"base": f"10.213.{self.number * 16 + 8}.0/21", "size": 26}

    def remove(self) -> None:
        """Take it away with its firewall rules; fine where nothing is left."""
        for table, chain, rule in self._rules():
            while _run("iptables", "-w", "-t", table, "-D", chain, *rule):
                continue
        _run("ip", "link", "delete", self.name)

    def _open(self) -> None:
        address = f"10.213.{self.number * 16}.1/24"
        if not _run("ip", "address", "add", address, "dev", self.name) or not _run("ip", "link", "set", self.name, "up"):
            self.remove()
            raise CannotEmulate(f"The bridge {self.name} cannot get the address {address}.")
        for table, chain, rule in self._rules():
            _run("iptables", "-w", "-t", table, "-I", chain, *rule)

    def _rules(self) -> list[tuple[str, str, list[str]]]:
        return [
            ("nat", "POSTROUTING", ["-s", self.range, "!", "-d", self.range, "-j", "MASQUERADE"]),
            ("filter", "FORWARD", ["-s", self.range, "-j", "ACCEPT"]),
            ("filter", "FORWARD", ["-d", self.range, "-j", "ACCEPT"]),
        ]


def make_bridge() -> Bridge:
    """A bridge that nobody else has; without iptables its containers reach only each other.

    Raises:
        NotHere: `ip` is missing.
        CannotEmulate: All places are taken, or the kernel refuses.
    """
    if not shutil.which("ip"):
        raise NotHere("The command `ip` is missing.", hint="On Debian: apt-get install iproute2.")
    for number in range(_MOST):
        bridge = Bridge(number)
        if _run("ip", "link", "add", bridge.name, "type", "bridge"):  # fails where it exists: nobody gets it twice
            bridge._open()
            return bridge
    raise CannotEmulate(
        f"No bridge could be made: {_MOST} exist, or the kernel refuses.", hint="`ip link` shows them as emugpu*."
    )


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
