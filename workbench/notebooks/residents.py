"""Notebooks as residents of their workspaces: what they take of its quota, and how they end with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from workbench import scheduler, workspaces
from workbench.node import Inventory
from workbench.notebooks import access, place, records, rules, saving, search
from workbench.notebooks.records import Notebook, Wanted
from workbench.notebooks.session import KIND, pod_key
from workbench.parts import Parts

Change = Callable[[Notebook], Notebook]


def work(notebook: Notebook, inventory: Inventory) -> workspaces.Work:
    """What a notebook counts as while it is to run."""
    return workspaces.Work(
        kind=workspaces.Kind.NOTEBOOK,
        id=notebook.id,
        name=notebook.name,
        workspace_id=notebook.workspace_id,
        user_id=notebook.user_id,
        cpus=notebook.cpus,
        memory_bytes=notebook.memory_bytes,
        gpus=scheduler.gpus_of(place.cards(notebook), inventory.graphics.gpus),
        pool=notebook.pool,
    )


def installed(inventory: Inventory) -> workspaces.Amounts:
    """What the machine has for work."""
    return workspaces.Amounts(
        cpus=inventory.cpus, memory_bytes=inventory.memory_bytes, gpus=len(inventory.gpus)
    )


def stop_all(parts: Parts) -> None:
    """Ask every notebook to stop, as Workbench itself is stopping."""
    with parts.store.transaction() as db:
        wake = _change(
            parts,
            db,
            records.to_run(db),
            lambda each: rules.stop(each, parts.now(), "WorkbenchStopped", "Workbench was stopped."),
        )
    wake()


def _find(db: Database, notebook_id: str) -> workspaces.Place | None:
    notebook = records.find(db, notebook_id)
    if notebook is None:
        return None
    return workspaces.Place(
        workspace_id=notebook.workspace_id,
        owner_id=notebook.user_id,
        name=notebook.name,
        private=bool(notebook.private_to),
    )


def _stop(parts: Parts, db: Database, notebook_id: str) -> workspaces.Afterwards:
    notebook = records.find(db, notebook_id)
    staying = [notebook] if notebook and notebook.wanted is not Wanted.DELETED else []
    return _change(
        parts,
        db,
        staying,
        lambda each: rules.stop(each, parts.now(), "Withdrawn", "What it ran by was withdrawn."),
    )


def _remove_all(parts: Parts, db: Database, workspace_id: str) -> workspaces.Afterwards:
    found = records.in_workspace(db, workspace_id)
    return _change(parts, db, found, lambda each: rules.delete(each, parts.now()))


def _change_locks(parts: Parts, db: Database, workspace_id: str, user_id: str) -> workspaces.Afterwards:
    changed = [
        access.change_locks(db, parts.vault, each)
        for each in records.in_workspace(db, workspace_id)
        if user_id in ("", each.user_id)
    ]
    return workspaces.one_after_another([partial(access.lead, parts, each) for each in changed])


def _folders(parts: Parts, workspace_id: str) -> list[Path]:
    with parts.store.reading() as db:
        found = records.in_workspace(db, workspace_id)
    return [parts.storage.directories.environment(each.id) for each in found]


def _pins(db: Database) -> list[str]:
    return [pod_key(id) for id in records.ids(db)]


def _change(parts: Parts, db: Database, chosen: Sequence[Notebook], change: Change) -> workspaces.Afterwards:
    changed = [saving.record(db, change(notebook)) for notebook in chosen]
    return workspaces.one_after_another([partial(saving.pass_on, parts, each) for each in changed])


RESIDENTS = workspaces.Residents(
    kind=KIND,
    find=_find,
    seen=search.seen,
    stop=_stop,
    remove_all=_remove_all,
    change_locks=_change_locks,
    folders=_folders,
    pins=_pins,
)
"""What workspaces must reach of notebooks."""
