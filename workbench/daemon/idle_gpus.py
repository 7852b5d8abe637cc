"""Tells holders and administrators of GPUs that are held and unused, and stops notebooks where the
workspace wants that.

What is told is an event of the object, a change for whoever watches, and the flag in the latest
metrics. It is told once for each stretch of idleness; a stop follows some time after it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from workbench import notebooks, workspaces
from workbench.errors import WorkbenchError
from workbench.parts import Parts
from workbench.telemetry import Change, Event, Level, events
from workbench.telemetry.metric_buckets import MINUTE
from workbench.telemetry.metric_store import MetricStore, Selection
from workbench.telemetry.readings import Owner, PodReading, Snapshot, Work
from workbench.telemetry.rules import IdleGpus, IdlePolicy, WhenIdle, is_idle, is_over, unused_since

log = logging.getLogger(__name__)

CHANGE = "idle-gpu"
"""Kind of the changes that are told; the id is that of the work, the status `Idle` or empty."""

REASON = "IdleGPU"

CONFIG = "idleGpuAction"
"""The workspace's configuration that says what happens: `notify` (as without it) or `stop`."""


class IdleWatch:
    """Looks once a minute, in the sampler's thread. `flagged` says whose GPUs are idle now."""

    def __init__(self, parts: Parts, store: MetricStore) -> None:
        self._parts = parts
        self._store = store
        self.flagged: Mapping[Work, IdleGpus] = {}
        self._owners: Mapping[Work, Owner] = {}

    def look(self, snapshot: Snapshot) -> None:
        """Flag what became idle, let go of what is used again, stop what was warned long enough ago."""
        now = int(snapshot.time.timestamp())
        before, flagged = self.flagged, {}
        holding = _holding(snapshot)
        for work, pods in holding.items():
            try:
                if idle := self._judge(pods, before.get(work), now):
                    flagged[work] = idle
            except WorkbenchError as error:
                log.warning("idleness not known kind=%s id=%s reason=%s", *work, error)
        for work in flagged.keys() - before.keys():
            self._warn(work, holding[work], flagged[work])
        for work in before.keys() - flagged.keys():
            self._tell(work, self._owners[work])
        self.flagged = flagged  # who was to hear of it has
        self._owners = {work: holding[work][0].owner for work in flagged}
        for work, idle in flagged.items():
            if work[0] == notebooks.KIND and is_over(idle, now=now):
                self._stop(work[1], idle)

    def _judge(self, pods: Sequence[PodReading], known: IdleGpus | None, now: int) -> IdleGpus | None:
        policy = self._policy(pods[0].owner.workspace_id)
        begins = [self._unused_since(pod, policy, now) for pod in pods]
        latest = max((begin for begin in begins if begin is not None), default=None)
        if None in begins or latest is None or not is_idle(latest, now=now, policy=policy):
            return None
        since = known.since if known else datetime.fromtimestamp(latest, UTC)
        return IdleGpus(since=since, policy=policy)

    def _unused_since(self, pod: PodReading, policy: IdlePolicy, now: int) -> int | None:
        begin = now - int(policy.after.total_seconds()) - 2 * MINUTE
        selection = Selection(name="gpu_utilisation", kind=pod.kind, id=pod.id, pod=pod.pod)
        _, found = self._store.query(selection, since=begin, until=now, step_s=MINUTE, now=now)
        return unused_since(next(iter(found.values()), []), now=now, floor=policy.floor)

    def _policy(self, workspace_id: str) -> IdlePolicy:
        settings = self._parts.settings
        with self._parts.store.reading() as db:
            wanted = workspaces.find_configs(db, workspace_id, keys=[CONFIG])
        stops = any(each.value == WhenIdle.STOP for each in wanted)
        return IdlePolicy(
            after=timedelta(minutes=settings.idle_gpu_minutes),
            floor=settings.idle_gpu_percent / 100,
            action=WhenIdle.STOP if stops else WhenIdle.NOTIFY,
        )

    def _warn(self, work: Work, pods: Sequence[PodReading], idle: IdleGpus) -> None:
        kind, id = work
        message = _warning(pods, idle)
        with self._parts.store.transaction() as db:
            if any(event.reason == REASON for event in events.of(db, kind, id, since=idle.since)):
                return  # told by the daemon before this one
            warning = Event(
                kind=kind,
                id=id,
                workspace_id=pods[0].owner.workspace_id,
                owner_id=pods[0].owner.user_id,
                time=self._parts.now(),
                level=Level.WARNING,
                reason=REASON,
                message=message,
            )
            events.add(db, warning)
        log.info("gpus idle kind=%s id=%s since=%s", kind, id, idle.since.isoformat())
        self._tell(work, pods[0].owner, status="Idle", message=message)

    def _tell(self, work: Work, owner: Owner, *, status: str = "", message: str = "") -> None:
        self._parts.live.tell(
            Change(
                kind=CHANGE,
                id=work[1],
                workspace_id=owner.workspace_id,
                private_to=owner.user_id,
                status=status,
                message=message,
            )
        )

    def _stop(self, notebook_id: str, idle: IdleGpus) -> None:
        minutes = int((idle.policy.after + idle.policy.grace).total_seconds() // 60)
        stopped = notebooks.stop_unless_active(
            self._parts,
            notebook_id,
            quiet=idle.policy.grace,
            code=REASON,
            reason=f"Its GPUs were held and not used for {minutes} minutes; its workspace wants such "
            "notebooks stopped. Its files and its environment are kept.",
        )
        if stopped:
            log.info("notebook stopped for idle gpus id=%s", notebook_id)


def _holding(snapshot: Snapshot) -> Mapping[Work, Sequence[PodReading]]:
    """The pods with GPUs, by what they belong to."""
    pods: dict[Work, list[PodReading]] = defaultdict(list)
    for pod in snapshot.pods:
        if pod.cards:
            pods[pod.kind, pod.id].append(pod)
    return pods


def _warning(pods: Sequence[PodReading], idle: IdleGpus) -> str:
    count = len({card.uuid for pod in pods for card in pod.cards})
    held = f"The {count} GPUs that it holds were" if count > 1 else "The GPU that it holds was"
    minutes, grace = (int(each.total_seconds() // 60) for each in (idle.policy.after, idle.policy.grace))
    stops = idle.policy.action is WhenIdle.STOP and pods[0].kind == notebooks.KIND
    then = f"It will be stopped in {grace} minutes." if stops else "Others could use it: stop it when done."
    return f"{held} not used for {minutes} minutes. {then}"
