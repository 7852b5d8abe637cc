"""Pools on the wire."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput
from workbench.node import Inventory
from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.wire.times import to_wire
from workbench.workspaces import members, placing, pools, records, sight, work
from workbench.workspaces.authorization import require_on_machine
from workbench.workspaces.pools import Pool
from workbench.workspaces.quota import Amounts, Kind
from workbench.workspaces.residents import Residents, stop
from workbench.workspaces.telling import tell_of_pool

_KINDS = {"development": Kind.NOTEBOOK, "training": Kind.JOB, "inference": Kind.SERVICE}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def list_(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListPools. Everybody sees how much of each is used; what uses it, and for which workspaces it is,
    only who may know of them."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.reading() as db:
        knows = sight.knows(db, call.caller, residents)
        theirs = None if call.caller.owner else members.roles_by_workspace(db, call.caller.user_id).keys()
        return {"Pools": [_view(db, each, knows, theirs) for each in pools.every(db).values()]}


def create(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreatePool."""
    require_on_machine(call.caller, call.operation.action)
    installed = installed_amounts(parts.node.inventory())
    with parts.store.transaction() as db:
        pool = _changed(db, Pool(name=call.fields.get("Name", ""), amounts=Amounts()), call.fields)
        placing.check(pool, pools.every(db).values(), installed)
        pools.add(db, pool, now=parts.now())
    tell_of_pool(parts, pool.name, "Changed")
    return {"Name": pool.name}


def update(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdatePool. Draining takes nothing new; with Force, what runs is stopped too."""
    require_on_machine(call.caller, call.operation.action)
    installed = installed_amounts(parts.node.inventory())
    with parts.store.transaction() as db:
        pool = _changed(db, pools.get(db, call.fields["name"]), call.fields)
        others = [each for each in pools.every(db).values() if each.name != pool.name]
        placing.check(pool, others, installed)
        pools.save(db, pool)
        forced = pool.draining and call.fields.get("Force")
        spread = stop(parts, db, residents, work.running(db, pool=pool.name) if forced else ())
    spread()
    tell_of_pool(parts, pool.name, "Changed")
    return {}


def delete(parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeletePool, once nothing runs in it."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.transaction() as db:
        pool = pools.get(db, call.fields["name"])
        work.refuse_while_running(f"The pool {pool.name} cannot be deleted", work.running(db, pool=pool.name))
        pools.remove(db, pool.name)
    tell_of_pool(parts, pool.name, "")
    return {}


def installed_amounts(inventory: Inventory) -> Amounts:
    """What the machine has, as far as pools and quotas divide it."""
    return Amounts(cpus=inventory.cpus, memory_bytes=inventory.memory_bytes, gpus=len(inventory.gpus))


def _changed(db: Database, pool: Pool, fields: Mapping[str, Any]) -> Pool:
    for workspace_id in fields.get("WorkspaceIds", []):
        records.get(db, workspace_id)
    return replace(
        pool,
        description=fields.get("Description", pool.description),
        amounts=Amounts(
            cpus=fields.get("Cpus", pool.amounts.cpus),
            memory_bytes=fields.get("MemoryBytes", pool.amounts.memory_bytes),
            gpus=fields.get("Gpus", pool.amounts.gpus),
        ),
        kinds=_kinds(fields["Kinds"]) if "Kinds" in fields else pool.kinds,
        draining=fields.get("Draining", pool.draining),
        workspaces=frozenset(fields.get("WorkspaceIds", pool.workspaces)),
    )


def _kinds(names: Sequence[str]) -> frozenset[Kind]:
    unknown = sorted(set(names) - _KINDS.keys())
    if unknown:
        raise InvalidInput(f"Kinds holds {unknown[0]!r}; {', '.join(_KINDS)} are known.")
    return frozenset(_KINDS[name] for name in names)


def _view(db: Database, pool: Pool, knows: sight.Knows, workspaces: Collection[str] | None) -> dict[str, Any]:
    running = work.running(db, pool=pool.name)
    used = work.total(running)
    return {
        "Name": pool.name,
        "Description": pool.description,
        "Cpus": pool.amounts.cpus,
        "MemoryBytes": pool.amounts.memory_bytes,
        "Gpus": pool.amounts.gpus,
        "UsedCpus": used.cpus,
        "UsedMemoryBytes": used.memory_bytes,
        "UsedGpus": used.gpus,
        "Running": [
            f"{each.kind} {each.id}" for each in running if knows(each.id, each.workspace_id, each.user_id)
        ],
        "Kinds": sorted(_NAMES[each] for each in pool.kinds),
        "WorkspaceIds": sorted(each for each in pool.workspaces if workspaces is None or each in workspaces),
        "Draining": pool.draining,
        "GmtCreateTime": to_wire(pool.created_at) if pool.created_at else "",
    }
