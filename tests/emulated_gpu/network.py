"""A private engine's way to the network.

A second engine must not touch the first one's bridge nor its firewall rules. Told to use no
bridge, or given address pools of its own and started twice, it deletes `docker0`; told to
manage the firewall, it rewrites the chains that both would share. So it gets a bridge that we
make and manages no firewall, and we open the firewall for the networks that it has.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.emulated_gpu.faults import CannotEmulate, NotHere

_MOST_BRIDGES = 32


@dataclass(frozen=True)
class Bridge:
    """One of the few bridges for private engines, numbered from 0."""

    number: int

    @property
    def name(self) -> str:
        """The network interface's."""
        return f"emugpu{self.number}"

    @property
    def address(self) -> str:
        """Its own, with the length of the prefix."""
        return f"10.213.{self.number}.1/24"

    def remove(self) -> None:
        """Take it away; fine where it is gone."""
        _run("ip", "link", "delete", self.name)


def make_bridge() -> Bridge:
    """A bridge that nobody else has.

    Raises:
        NotHere: `ip` is missing.
        CannotEmulate: All are taken, or the kernel refuses.
    """
    if not shutil.which("ip"):
        raise NotHere("The command `ip` is missing.", hint="On Debian: apt-get install iproute2.")
    for bridge in map(Bridge, range(_MOST_BRIDGES)):
        if not _run("ip", "link", "add", bridge.name, "type", "bridge"):
            continue  # it exists: so nobody gets one that is in use
        if _run("ip", "address", "add", bridge.address, "dev", bridge.name) and _run(
            "ip", "link", "set", bridge.name, "up"
        ):
            return bridge
        bridge.remove()
    raise CannotEmulate("No bridge could be made.", hint="`ip link` shows those that are there: emugpu*.")


class Openings:
    """The firewall rules that let an engine's networks talk, within and outwards.

    Args:
        host: The engine.
        record: A file for what is open, so that it is closed even if we are killed.
    """

    def __init__(self, host: str, record: Path) -> None:
        self._host = host
        self._record = record
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Keep the rules as the engine's networks are, until the engine ends."""
        events = subprocess.Popen(
            ["docker", "-H", self._host, "events", "--filter", "type=network", "--format", "{{.Action}}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._adjust()
        threading.Thread(target=self._adjust_after_each, args=(events,), daemon=True).start()

    def close(self) -> None:
        """Remove the rules, and the networks' bridges, which an engine that ended leaves."""
        with self._lock:
            for network in self._recorded():
                _shut(network)
                _run("ip", "link", "delete", network.interface)
            self._record.unlink(missing_ok=True)

    def _adjust_after_each(self, events: subprocess.Popen[str]) -> None:
        with events:
            for action in events.stdout or ():
                if action.strip() in ("create", "destroy"):
                    self._adjust()

    def _adjust(self) -> None:
        with self._lock:
            before, now = self._recorded(), _networks(self._host)
            if now is None:
                return  # the engine has ended
            self._write(before | now)
            for network in before - now:
                _shut(network)
            for network in now - before:
                for table, chain, rule in _rules(network):
                    _run("iptables", "-w", "-t", table, "-I", chain, *rule)
            self._write(now)

    def _recorded(self) -> set[_Network]:
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        return {_Network(*line.split()) for line in lines}

    def _write(self, networks: set[_Network]) -> None:
        self._record.write_text("".join(f"{each.interface} {each.range}\n" for each in networks))


@dataclass(frozen=True)
class _Network:
    interface: str
    range: str


def _networks(host: str) -> set[_Network] | None:
    listed = _read("docker", "-H", host, "network", "ls", "-q", "--no-trunc", "--filter", "driver=bridge")
    if not listed:
        return None
    told = _read("docker", "-H", host, "network", "inspect", *listed.split())
    return {
        _Network(
            network["Options"].get("com.docker.network.bridge.name", f"br-{network['Id'][:12]}"),
            part["Subnet"],
        )
        for network in json.loads(told or "[]")
        for part in network["IPAM"]["Config"]
        if ":" not in part["Subnet"]
    }


def _shut(network: _Network) -> None:
    for table, chain, rule in _rules(network):
        _run("iptables", "-w", "-t", table, "-D", chain, *rule)


def _rules(network: _Network) -> list[tuple[str, str, list[str]]]:
    addresses = network.range
    return [
        ("nat", "POSTROUTING", ["-s", addresses, "!", "-d", addresses, "-j", "MASQUERADE"]),
        ("filter", "FORWARD", ["-s", addresses, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-d", addresses, "-j", "ACCEPT"]),
    ]


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False  # without iptables, nothing is closed that we would have to open


def _read(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
