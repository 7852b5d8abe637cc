"""Notebooks on a machine of which a part is set aside."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.notebooks.examples import NOW
from workbench import workspaces
from workbench.node import Inventory
from workbench.notebooks.api import instances
from workbench.parts import Parts
from workbench.settings import load
from workbench.storage import Storage
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import Live
from workbench.wire.call import Call, Caller
from workbench.wire.operations import operation
from workbench.workqueue import WorkQueue
from workbench.workspaces import pools
from workbench.workspaces.placing import PoolRefuses

GIB = 2**30


@pytest.fixture
def parts(store: Store, vault: Vault, tmp_path: Path) -> Parts:
    """A machine of one CPU that is promised twice, and of 8 GiB that are promised once."""
    settings = load({"home": tmp_path, "cpu_overcommit": 2, "memory_overcommit": 1, "disk_floor_gib": 0}, {})
    inventory = Inventory(cpus=1, memory_bytes=8 * GIB)
    nothing = dict.fromkeys(each.name for each in fields(Parts))
    given = {
        "settings": settings,
        "store": store,
        "vault": vault,
        "node": SimpleNamespace(inventory=lambda: inventory),
        "storage": Storage(settings),
        "queue": WorkQueue(workers=1, resync_s=60),
        "live": Live(),
        "now": lambda: NOW,
    }
    return Parts(**{**nothing, **given})


def create(parts: Parts, caller: Caller, cpus: str) -> str:
    wanted = {"CPU": cpus, "Memory": "1"}
    call = Call(
        operation=operation("dsw", "CreateInstance"),
        caller=caller,
        request_id="r",
        fields={"WorkspaceId": "1", "RequestedResource": wanted},
    )
    return str(instances.create(parts, call)["InstanceId"])


def test_a_pool_that_sets_nothing_aside_takes_nothing_from_the_others(parts: Parts) -> None:
    with parts.store.transaction() as db:
        first = workspaces.first_start(db, parts.vault, name="root", unix_uid=0, unix_gid=0, now=NOW)
        pools.add(db, pools.Pool(name="p2", amounts=workspaces.Amounts()), now=NOW)
    assert first is not None
    owner = Caller(user_id=first.user_id, name="root", owner=True)

    assert len({create(parts, owner, "0.5") for _ in range(4)}) == 4
    with pytest.raises(PoolRefuses, match=r"0 CPUs left, 0\.5 wanted"):
        create(parts, owner, "0.5")
