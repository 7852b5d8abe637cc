"""Looks at the machine, its GPUs and its pods every few seconds, and hands on what it saw.

Nothing here asks the engine or waits for a GPU that hangs: pods come from `KnownPods`, each card
has a reader with a deadline. The pace and the rates follow a clock that never jumps; only the
time written beside a snapshot is the wall's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workbench.node import Inventory, Node
from workbench.node.cgroups import ProcessGone
from workbench.node.gpu_counters import GpuProcess
from workbench.node.gpu_readers import GpuState
from workbench.node.group_counters import GroupCounters, GroupFiles, find_group, group_of, is_within
from workbench.node.machine_counters import MachineCounters, read_machine
from workbench.runtime import Pod
from workbench.telemetry.known_pods import KnownPods
from workbench.telemetry.readings import (
    NOBODY,
    CardReading,
    Owner,
    PodCard,
    PodReading,
    Snapshot,
    Work,
    rates,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attribution:
    """Whose each object is, which objects each GPU or MIG instance, by UUID, is given to, and what is
    wrong with a GPU beside what the driver says now."""

    owners: Mapping[Work, Owner]
    holders: Mapping[str, Sequence[Work]]
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Followed:
    """A container whose files were found, with what they said last."""

    files: GroupFiles
    counters: GroupCounters | None = None


class Sampler:
    """A thread that takes snapshots.

    Args:
        node: Says which GPUs there are.
        pods: Says which containers run.
        attribute: Says whose they are.
        on_snapshot: Is handed each snapshot, in the sampler's thread.
        every_s: Seconds from one to the next. One that is late makes the next ones later, never denser.
    """

    def __init__(
        self,
        node: Node,
        pods: KnownPods,
        attribute: Callable[[], Attribution],
        on_snapshot: Callable[[Snapshot], None],
        *,
        every_s: float,
    ) -> None:
        self._node = node
        self._pods = pods
        self._attribute = attribute
        self._on_snapshot = on_snapshot
        self._every_s = every_s
        self._followed: dict[str, _Followed] = {}
        self._machine: MachineCounters | None = None
        self._sampled_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the snapshot under way and take no more."""
        self._stopping.set()
        self._thread.join()

    def sample(self) -> Snapshot:
        """Take one snapshot. Not for two threads at once."""
        now = time.monotonic()
        elapsed_s, self._sampled_at = now - self._sampled_at, now
        attribution = self._attribute()
        inventory = self._node.inventory()
        cards = self._read_cards(inventory, attribution)
        before, self._machine = self._machine, read_machine()
        running = list(self._read_pods())
        users = _users(cards, {_key(pod): self._followed[pod.container].files for pod, *_ in running})
        return Snapshot(
            time=datetime.now(UTC),
            inventory=inventory,
            machine=self._machine,
            rates=rates(before, self._machine, elapsed_s),
            cards=cards,
            pods=tuple(
                PodReading(
                    kind=pod.kind,
                    id=pod.id,
                    pod=pod.pod,
                    owner=attribution.owners.get((pod.kind, pod.id), NOBODY),
                    counters=counters,
                    rates=rates(earlier, counters, elapsed_s),
                    cards=tuple(_pod_cards(_key(pod), cards, users)),
                )
                for pod, earlier, counters in running
            ),
            pids={pid: (kind, id) for pid, (kind, id, _) in users.items()},
            owners=attribution.owners,
        )

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            try:
                self._on_snapshot(self.sample())
            except Exception:
                log.exception("sample failed")
            due = max(due + self._every_s, time.monotonic())

    def _read_cards(self, inventory: Inventory, attribution: Attribution) -> tuple[CardReading, ...]:
        cards = inventory.graphics.gpus
        states = self._node.gpu_states()
        return tuple(
            CardReading(
                gpu=card,
                state=states.get(card.uuid, GpuState(stale=card.problem)),
                fault=attribution.faults.get(card.uuid, ""),
                holders=tuple(
                    work
                    for uuid in (card.uuid, *(each.uuid for each in card.instances))
                    for work in attribution.holders.get(uuid, ())
                ),
            )
            for card in cards
        )

    def _read_pods(self) -> Iterator[tuple[Pod, GroupCounters | None, GroupCounters]]:
        """Each pod that still runs, with its counters of before and of now."""
        pods = self._pods.running
        known = {pod.container for pod in pods}
        self._followed = {each: files for each, files in self._followed.items() if each in known}
        for pod in pods:
            try:
                followed = self._followed.get(pod.container) or _Followed(find_group(pod.pid))
                before, followed.counters = followed.counters, followed.files.read()
            except ProcessGone:
                self._followed.pop(pod.container, None)
                self._pods.changed()  # the engine will tell; should its event be lost, we know ourselves
                continue
            self._followed[pod.container] = followed
            yield pod, before, followed.counters


_PodKey = tuple[str, str, str]


def _key(pod: Pod) -> _PodKey:
    return pod.kind, pod.id, pod.pod


def _users(cards: Sequence[CardReading], groups: Mapping[_PodKey, GroupFiles]) -> Mapping[int, _PodKey]:
    """Which pod each process on a GPU is in; processes that are in none of ours are left out."""
    found = {}
    for pid in {process.pid for card in cards if card.fresh for process in card.fresh.processes}:
        try:
            group = group_of(pid)
        except ProcessGone:
            continue
        for key, files in groups.items():
            if is_within(group, files.path):
                found[pid] = key
    return found


def _pod_cards(key: _PodKey, cards: Sequence[CardReading], users: Mapping[int, _PodKey]) -> Iterator[PodCard]:
    kind, id, _ = key
    for card in cards:
        processes = card.fresh.processes if card.fresh else ()
        own = [process for process in processes if users.get(process.pid) == key]
        if own or (kind, id) in card.holders:
            yield PodCard(
                uuid=card.gpu.uuid,
                utilisation=_own_utilisation(card, own),
                memory_bytes=_own_memory(own) if card.fresh else None,
            )


def _own_utilisation(card: CardReading, own: Sequence[GpuProcess]) -> float | None:
    """The card's, where nobody else is on it; else that of its own processes, where the driver tells."""
    if card.fresh is None:
        return None
    if len(own) == len(card.fresh.processes):
        return card.fresh.utilisation
    known = [process.utilisation for process in own if process.utilisation is not None]
    return min(1.0, sum(known)) if len(known) == len(own) else None


def _own_memory(own: Sequence[GpuProcess]) -> int | None:
    known = [process.memory_bytes for process in own if process.memory_bytes is not None]
    return sum(known) if len(known) == len(own) else None
