"""Measuring, put together: what is sampled, whose it is, where it is kept, who hears of GPUs that are
idle or faulty."""

from __future__ import annotations

import logging
from functools import lru_cache, partial

from sqlite_utils import Database

from workbench import scheduler, workspaces
from workbench.daemon import idle_notebooks
from workbench.daemon.gpu_watch import GpuWatch
from workbench.daemon.idle_gpus import IdleWatch
from workbench.errors import Unavailable
from workbench.parts import Parts
from workbench.telemetry.known_pods import KnownPods
from workbench.telemetry.metric_buckets import MINUTE
from workbench.telemetry.metric_store import MetricStore
from workbench.telemetry.readings import Owner, Snapshot, Work
from workbench.telemetry.sampler import Attribution, Sampler
from workbench.telemetry.series import values

log = logging.getLogger(__name__)


class Measuring:
    """The sampler and the store of a home, and the latest snapshot."""

    def __init__(self, parts: Parts) -> None:
        settings = parts.settings
        self._parts = parts
        self.pods = KnownPods(parts.runtime.list_pods)
        self.store = MetricStore(settings.home / "metrics.db", cap_bytes=settings.metrics_cap_mib << 20)
        self.idle = IdleWatch(parts, self.store)
        self._gpus = GpuWatch(parts)
        self.latest: Snapshot | None = None
        self._attributed = Attribution({}, {})
        self._sampler = Sampler(
            parts.node, self.pods, self._attribution, self._keep, every_s=settings.sample_s
        )

    def start(self) -> None:
        """Begin to measure."""
        self.pods.start()
        self._sampler.start()

    def stop(self) -> None:
        """Measure no more, and write what is not written yet."""
        self._sampler.stop()
        self._gpus.stop()
        self.pods.stop()
        self.store.close()

    def _keep(self, snapshot: Snapshot) -> None:
        before, self.latest = self.latest, snapshot
        now = int(snapshot.time.timestamp())
        self.store.add(now, values(snapshot))
        self._gpus.look(snapshot)
        if before is None or now // MINUTE != int(before.time.timestamp()) // MINUTE:
            self.idle.look(snapshot)
            idle_notebooks.look(self._parts, self.store, snapshot)

    def _attribution(self) -> Attribution:
        try:
            with self._parts.store.reading() as db:
                self._attributed = Attribution(_owners(db), _holders(db), _faults(db))
        except Unavailable as error:  # a full disk, most likely: what was known is measured on
            log.warning("owners not read reason=%s", error)
        return self._attributed


def _owners(db: Database) -> dict[Work, Owner]:
    workspace_name = lru_cache(partial(workspaces.workspace_name, db))
    user_name = lru_cache(partial(workspaces.user_name, db))
    owners: dict[Work, Owner] = {}
    for each in workspaces.running_work(db):
        owners[each.kind.value, each.id] = Owner(
            name=each.name,
            workspace_id=each.workspace_id,
            workspace_name=workspace_name(each.workspace_id),
            user_id=each.user_id,
            user_name=user_name(each.user_id),
        )
    return owners


def _holders(db: Database) -> dict[str, list[Work]]:
    return {uuid: [(each.kind, each.id) for each in found] for uuid, found in scheduler.holders(db).items()}


def _faults(db: Database) -> dict[str, str]:
    return {uuid: fault.words for uuid, fault in scheduler.faults.known(db).items()}
