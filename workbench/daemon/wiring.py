"""The daemon's parts, put together."""

from __future__ import annotations

import getpass
import logging
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from workbench import notebooks, scheduler, workspaces
from workbench.daemon.kinds import RESIDENTS
from workbench.daemon.measuring import Measuring
from workbench.errors import EngineAway
from workbench.gateway import KIND as GATEWAY
from workbench.gateway import Gateway
from workbench.node import Node
from workbench.parts import Parts
from workbench.runtime import PodEvent, Runtime, Watch
from workbench.runtime.images import Images
from workbench.settings import Settings
from workbench.storage import Storage
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import Change, Live, events
from workbench.workqueue import NOT_UNTIL_WOKEN, Again, WorkQueue

log = logging.getLogger(__name__)

_MIGRATIONS = (events.MIGRATIONS, scheduler.MIGRATIONS, workspaces.MIGRATIONS, notebooks.MIGRATIONS)
_SHELLS = "shells"


@dataclass(frozen=True)
class Machine:
    """All parts, and the loops that drive them."""

    parts: Parts
    measuring: Measuring

    def start(self) -> Watch:
        """Begin to work, and listen to the engine."""
        sweep(self.parts, RESIDENTS)
        self.parts.queue.start()
        return self.parts.runtime.watch(self._heard, self._connected)

    def _heard(self, event: PodEvent, kind: str, id: str) -> None:
        self.measuring.pods.changed()
        _heard(self.parts, event, kind, id)

    def _connected(self) -> None:
        self.measuring.pods.changed()
        self.parts.queue.resync()


def build(settings: Settings) -> Machine:
    """Make the parts of a home, and what the very first start makes."""
    _make_folders(settings)
    home_id = _home_id(settings.home)
    store = Store(settings.database)
    store.migrate(_MIGRATIONS)
    vault = Vault(settings.home / "secret.key")
    with store.transaction() as db:
        workspaces.first_start(db, vault, _owner_name(), *_owner_ids(db), now=datetime.now(UTC))

    queue = WorkQueue(workers=settings.workers, resync_s=settings.resync_s)
    runtime = Runtime(settings.docker_host, home_id)
    live = Live()
    images = Images(settings, home_id, lambda name: _image_changed(parts, name))
    storage = Storage(settings)
    storage.directories.close_to_others()
    parts: Parts = Parts(
        settings=settings,
        store=store,
        vault=vault,
        runtime=runtime,
        images=images,
        node=Node({"home": settings.home, "docker": _engine_folder(runtime)}),
        storage=storage,
        gateway=Gateway(settings, runtime, images),
        queue=queue,
        live=live,
        now=lambda: datetime.now(UTC),
    )
    queue.serve(GATEWAY, lambda _: parts.gateway.reconcile(), lambda: ["main"])
    queue.serve(_SHELLS, lambda _: _hang_up_strays(parts), lambda: ["strays"])
    queue.serve(scheduler.PASS[0], lambda _: _schedule(parts), lambda: [scheduler.PASS[1]])
    queue.serve(notebooks.KIND, lambda id: notebooks.reconcile(parts, id), lambda: _notebook_ids(parts))
    queue.serve(
        workspaces.DISK_USAGE,
        lambda id: workspaces.count_disk_usage(parts, RESIDENTS, id),
        lambda: _workspace_ids(parts),
    )
    queue.serve(
        workspaces.NETWORK,
        lambda name: workspaces.reconcile_network(parts, name),
        lambda: workspaces.network_names(parts),
    )
    with store.reading() as db:
        parts.gateway.sync([notebooks.route(vault, each) for each in notebooks.everything(db)])
    return Machine(parts, Measuring(parts))


def sweep(parts: Parts, residents: Iterable[workspaces.Residents]) -> None:
    """Undo the pins of pods that no kind has on record: what was being started when we were killed."""
    with parts.store.reading() as db:
        parts.storage.sweep([key for each in residents for key in each.pins(db)])


def _schedule(parts: Parts) -> Again:
    overcommit = scheduler.Overcommit(parts.settings.cpu_overcommit, parts.settings.memory_overcommit)
    grace = timedelta(seconds=parts.settings.preempt_grace_s)
    outcome = scheduler.schedule(parts.store, parts.node, overcommit, parts.now(), grace=grace)
    for kind, id in outcome.changed:
        parts.queue.wake(kind, id)
    if outcome.changed:  # everybody may see the queue, but not of everybody's work what it is
        parts.live.tell(Change(kind="queue", id="", status="Changed"))
    return outcome.again


def _hang_up_strays(parts: Parts) -> Again:
    parts.runtime.hang_up_strays()
    return NOT_UNTIL_WOKEN


def _notebook_ids(parts: Parts) -> Iterable[str]:
    """Those that are on record and those that have a container: either may lack the other."""
    with parts.store.reading() as db:
        on_record = notebooks.ids(db)
    running = [pod.id for pod in parts.runtime.list_pods(notebooks.KIND)]
    return dict.fromkeys([*on_record, *running])


def _workspace_ids(parts: Parts) -> Iterable[str]:
    with parts.store.reading() as db:
        return workspaces.ids(db)


def _heard(parts: Parts, event: PodEvent, kind: str, id: str) -> None:
    if kind == GATEWAY:
        id = "main"
    elif event is PodEvent.OUT_OF_MEMORY and kind == notebooks.KIND:
        notebooks.note_out_of_memory(parts, id)
    parts.queue.wake(kind, id)


def _image_changed(parts: Parts, name: str) -> None:
    parts.live.tell(Change(kind="image", id=name, status=type(parts.images.look(name)).__name__))
    parts.queue.wake(GATEWAY, "main")
    with parts.store.reading() as db:
        waiting = notebooks.waiting_for_image(db, name)
    for id in waiting:
        parts.queue.wake(notebooks.KIND, id)


def _engine_folder(runtime: Runtime) -> Path:
    """Where the engine keeps images: the disk that fills first."""
    try:
        return Path(runtime.engine().root_dir)
    except EngineAway:
        return Path("/var/lib/docker")  # its default, until the engine can be asked


def _make_folders(settings: Settings) -> None:
    for folder in (settings.home, settings.run, settings.logs / notebooks.KIND):
        folder.mkdir(parents=True, exist_ok=True)
    # Others may pass through to the socket, where their uid is asked for, and see nothing else.
    for folder in (settings.home, settings.run):
        folder.chmod(0o711)
    settings.logs.chmod(0o700)


def _home_id(home: Path) -> str:
    """What marks containers as this home's; made once."""
    path = home / "id"
    if not path.exists():
        draft = path.with_name(f"id.{os.getpid()}")
        draft.write_text(uuid.uuid4().hex)
        draft.replace(path)
    return path.read_text().strip()


def _owner_name() -> str:
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _owner_ids(db: Database) -> tuple[int, int]:
    """Whose sessions' files are: of who called sudo, or our own. Never root's, as no session runs as
    root: where root calls for nobody else they are nobody's on this machine."""
    if os.geteuid():
        return os.geteuid(), os.getegid()
    uid = int(os.environ.get("SUDO_UID", "0")) or workspaces.free_uid(db)
    return uid, int(os.environ.get("SUDO_GID", "0")) or uid
