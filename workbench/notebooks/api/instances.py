"""DSW instances: created, listed, read, changed, started, stopped and deleted.

A handler authorises, checks, writes one record and wakes the work queue. It never talks to
Docker: what takes time happens behind, and the record says how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench import scheduler, workspaces
from workbench.errors import InvalidInput, NotFound
from workbench.node import Inventory
from workbench.node.room import expect_room
from workbench.notebooks import access, place, records, residents, rules, saving, search, sight
from workbench.notebooks.api import filters, labels, requests, views
from workbench.notebooks.records import NoSuchNotebook, Notebook, Status, Wanted
from workbench.notebooks.session import KIND
from workbench.parts import Parts, Route
from workbench.storage import MountRequest
from workbench.wire import lists
from workbench.wire.call import Call, Caller
from workbench.wire.choices import one_of
from workbench.wire.operations import operation
from workbench.wire.paging import descending, page, sorting

Answer = Mapping[str, Any]

_ECS = "ECS"
"""The kind of resources that there is here, of PAI's kinds."""


def create(parts: Parts, call: Call) -> Answer:
    """CreateInstance."""
    now = parts.now()
    inventory = parts.node.inventory()
    _expect_room(parts)
    with parts.store.transaction() as db:
        workspace_id = call.fields.get("WorkspaceId") or workspaces.default_workspace(db).workspace_id
        workspaces.require(db, call.caller, workspace_id, call.operation.action)
        notebook = requests.new_notebook(
            call.fields,
            workspace_id=workspace_id,
            user_id=call.caller.user_id,
            settings=parts.settings,
            inventory=inventory,
            now=now,
        )
        _check_mounts(parts, db, notebook)
        notebook = access.with_new_secrets(parts.vault, notebook)
        records.insert(db, notebook)
        _begin(parts, db, notebook, inventory)
        workspaces.put_tags(db, KIND, notebook.id, workspace_id, labels.tags(labels.given(call.fields)))
        saving.note(db, notebook, f"Created by {call.caller.name}.")
    return _told(parts, notebook)


def get(parts: Parts, call: Call) -> Answer:
    """GetInstance."""
    with parts.store.reading() as db:
        notebook = permitted(db, call)
        return _view(parts, db, sight.seen_by(db, call.caller)(notebook), search.pools(db, [notebook.id]))


def list_(parts: Parts, call: Call) -> Answer:
    """ListInstances."""
    wanted = page(call.fields)
    with parts.store.reading() as db:
        holding = {}
        if filters.about_gpus(call.fields):
            holding = place.holding(scheduler.holders(db), parts.node.inventory().graphics.gpus)
        seen_in = workspaces.visible_in(db, call.caller, call.operation.action)
        query = filters.query(call.fields, seen_in, holding)
        found, total = search.find(db, query, offset=wanted.offset, limit=wanted.size)
        pools = search.pools(db, [each.id for each in found])
        seen = sight.seen_by(db, call.caller)
        return {"Instances": [_view(parts, db, seen(each), pools) for each in found], "TotalCount": total}


def update(parts: Parts, call: Call) -> Answer:
    """UpdateInstance. A running session keeps its size until it is started anew; its priority, and
    whether it may be preempted, hold at once."""
    inventory = parts.node.inventory()
    starts = bool(call.fields.get("StartInstance"))
    if starts:
        _expect_room(parts)
    with parts.store.transaction() as db:
        before = permitted(db, call)
        changed = requests.changed_notebook(before, call.fields, inventory)
        _check_mounts(parts, db, changed)
        notebook = records.save(db, replace(changed, modified_at=parts.now()))
        if notebook.wanted is Wanted.RUNNING and notebook.status is not Status.FAILED:
            _begin(parts, db, notebook, inventory)
        if starts:
            notebook = _start(parts, db, notebook, call.caller, inventory)
        key = (KIND, notebook.id)
        scheduler.name(db, key, notebook.name, private=bool(notebook.private_to))
        scheduler.rate(db, key, priority=notebook.priority, preemptible=notebook.preemptible)
    parts.queue.wake(*scheduler.PASS)  # others wait for what it holds, and are told so
    return _told(parts, notebook)


def start(parts: Parts, call: Call) -> Answer:
    """StartInstance."""
    _expect_room(parts)
    inventory = parts.node.inventory()
    with parts.store.transaction() as db:
        notebook = _start(parts, db, permitted(db, call), call.caller, inventory)
    return _told(parts, notebook)


def stop(parts: Parts, call: Call) -> Answer:
    """StopInstance."""
    if call.fields.get("SaveImage"):
        raise InvalidInput(
            "SaveImage is not offered here.",
            hint="What was installed with pip or conda is kept in any case.",
        )
    return _ask(parts, call, rules.stop, "Stop")


def delete(parts: Parts, call: Call) -> Answer:
    """DeleteInstance. The owner's files stay; the environment of this notebook goes."""
    return _ask(parts, call, rules.delete, "Deletion")


def token(parts: Parts, call: Call) -> Answer:
    """GetToken: what a program sends to use the notebook through the gateway."""
    notebook_id = call.fields.get("InstanceId", "")
    if not notebook_id:
        raise InvalidInput("InstanceId is not given.", hint="Name the notebook.")
    if "ExpireTime" in call.fields:
        raise InvalidInput(
            f"ExpireTime is {call.fields['ExpireTime']}, and a notebook's token has no end of its own: it is"
            " good until its user may not enter the notebook any more.",
            hint="Leave ExpireTime out.",
        )
    with parts.store.reading() as db:
        notebook = permitted(db, call, notebook_id)
    return {"Token": parts.vault.open(notebook.access_token)}


def list_specs(parts: Parts, call: Call) -> Answer:
    """ListEcsSpecs: the named sizes, each with whether this machine has room for it at all."""
    fields, wanted = call.fields, page(call.fields, size=100)
    sorting(fields, {"gmtCreate": ""}, default="gmtCreate")
    accelerator, resource_type = fields.get("AcceleratorType", ""), fields.get("ResourceType") or _ECS
    if accelerator:
        accelerator = one_of("AcceleratorType", accelerator, filters.ACCELERATORS)
    rows = views.specs(parts.node.inventory(), accelerator)
    if one_of("ResourceType", resource_type, (_ECS, "Lingjun", "MaxCompute")) != _ECS:
        rows = []
    if descending(fields, default="ASC"):
        rows.reverse()
    return {"EcsSpecs": rows[wanted.offset : wanted.offset + wanted.size], "TotalCount": len(rows)}


def update_labels(parts: Parts, call: Call) -> Answer:
    """UpdateInstanceLabels: set these, keep the others."""
    tags = labels.given(call.fields)
    labels.refuse_of_record(tags)
    with parts.store.transaction() as db:
        notebook = permitted(db, call)
        workspaces.put_tags(db, KIND, notebook.id, notebook.workspace_id, tags)
    return {}


def delete_labels(parts: Parts, call: Call) -> Answer:
    """DeleteInstanceLabels: drop these keys, keep the others."""
    keys = lists.parts(call.fields.get("LabelKeys", ""))
    if not keys:
        raise InvalidInput("LabelKeys is empty.", hint="Name the keys, with commas between them.")
    labels.refuse_of_record(keys)
    with parts.store.transaction() as db:
        notebook = permitted(db, call)
        workspaces.take_off_tags(db, KIND, notebook.id, keys)
    return {}


def permitted(db: Database, call: Call, notebook_id: str = "") -> Notebook:
    """The notebook that a call is about, if its caller may do that to it.

    Raises:
        NoSuchNotebook: There is none, or the caller may not know of it.
        Forbidden: The caller may know of it, not do this.
    """
    notebook = records.get(db, notebook_id or call.fields.get("instance_id", ""))
    try:
        workspaces.require(
            db,
            call.caller,
            notebook.workspace_id,
            call.operation.action,
            owner_id=notebook.user_id,
            private=bool(notebook.private_to),
        )
    except NotFound as error:
        raise NoSuchNotebook(notebook.id) from error
    return notebook


def _ask(parts: Parts, call: Call, change: Callable[[Notebook, datetime], Notebook], what: str) -> Answer:
    with parts.store.transaction() as db:
        changed = change(permitted(db, call), parts.now())
        notebook = saving.record(db, changed, f"{what} asked for by {call.caller.name}.")
    return _told(parts, notebook)


def _told(parts: Parts, notebook: Notebook) -> Answer:
    saving.pass_on(parts, notebook)
    return {"InstanceId": notebook.id}


def _check_mounts(parts: Parts, db: Database, notebook: Notebook) -> None:
    user = workspaces.known_user(db, notebook.user_id)
    parts.storage.resolve(
        [
            MountRequest(uri=each.uri, target=each.target, access="RO" if each.read_only else "RW")
            for each in notebook.mounts
        ],
        workspaces.mount_context(user, notebook.workspace_id),
    )


def _view(parts: Parts, db: Database, notebook: Notebook, pools: Mapping[str, str]) -> dict[str, Any]:
    return views.instance(
        notebook,
        pool=pools[notebook.id],
        tags=workspaces.tags_of(db, KIND, notebook.id),
        user_name=workspaces.user_name(db, notebook.user_id),
        workspace_name=workspaces.workspace_name(db, notebook.workspace_id),
        settings=parts.settings,
        now=parts.now(),
    )


def _expect_room(parts: Parts) -> None:
    expect_room(parts.settings.home, parts.settings.disk_floor_gib)


def _start(parts: Parts, db: Database, notebook: Notebook, caller: Caller, inventory: Inventory) -> Notebook:
    """Have it run, if its workspace may have that much. Nothing changes for one that already should."""
    started = rules.start(notebook, parts.now())
    if started == notebook:
        return notebook
    _begin(parts, db, started, inventory)
    return saving.record(db, started, f"Start asked for by {caller.name}.")


def _begin(parts: Parts, db: Database, notebook: Notebook, inventory: Inventory) -> None:
    """Count it as running from now on, if its workspace may have that much."""
    workspaces.begin_work(
        db,
        residents.work(notebook, inventory),
        installed=residents.installed(inventory),
        overcommit=scheduler.Overcommit(parts.settings.cpu_overcommit, parts.settings.memory_overcommit),
    )


ROUTES = tuple(
    Route(operation("dsw", name), answer)
    for name, answer in {
        "CreateInstance": create,
        "GetInstance": get,
        "ListInstances": list_,
        "UpdateInstance": update,
        "StartInstance": start,
        "StopInstance": stop,
        "DeleteInstance": delete,
        "GetToken": token,
        "ListEcsSpecs": list_specs,
        "UpdateInstanceLabels": update_labels,
        "DeleteInstanceLabels": delete_labels,
    }.items()
)
