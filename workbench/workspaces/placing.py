"""Which pool work goes to, and which pools there can be.

Pure. A workspace that is linked to pools works in them alone; one that is not uses what no pool
set aside. A pool that is draining lets what runs in it finish and takes nothing new.

A pool's size, like the machine's, is of real CPUs and memory. Both are promised several times over,
in pools as outside of them, so that setting a part aside changes for nobody how a promise is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workbench.errors import Conflict, InvalidInput, LimitReached
from workbench.scheduler import Overcommit
from workbench.workspaces.pools import Pool, PoolNotFound
from workbench.workspaces.quota import Amounts, Kind

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_PARTITIONED = ("cpus", "memory_bytes", "gpus")

ONCE = Overcommit(cpus=1, memory=1)
"""Nothing is promised that is not there."""


class PoolTooLarge(Conflict):
    """All pools together would be more than the machine has."""

    code = "PoolTooLarge"


class PoolRefuses(LimitReached):
    """No pool takes this work now."""

    code = "PoolRefuses"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Work that looks for its place. `pool` is empty when none was named."""

    workspace_id: str
    kind: Kind
    amounts: Amounts
    pool: str = ""


def place(
    pools: Mapping[str, Pool],
    used: Mapping[str, Amounts],
    installed: Amounts,
    asked: Asked,
    overcommit: Overcommit = ONCE,
) -> str:
    """The pool that work goes to; empty for what no pool set aside.

    Args:
        used: By pool, what runs in it; under the empty name what runs outside of all.
        overcommit: How many times over CPUs and memory are promised.

    Raises:
        PoolRefuses: Nothing takes it; says why.
        PoolNotFound: The pool that was named is not linked to the workspace.
    """
    linked = [pool for pool in pools.values() if asked.workspace_id in pool.workspaces]
    if asked.pool:
        linked = [pool for pool in linked if pool.name == asked.pool]
        if not linked:
            raise PoolNotFound(asked.pool, workspace_id=asked.workspace_id)
    if not linked:
        free = _promised(left(installed, pools.values()), overcommit)
        reason = _in_the_way(free, used[""], asked.amounts) if pools else ""
        if reason:
            raise PoolRefuses(f"What no pool set aside has not enough left: {reason}.")
        return ""
    reasons = []
    for pool in sorted(linked, key=lambda each: each.name):
        reason = _refusal(pool, used[pool.name], asked, overcommit)
        if not reason:
            return pool.name
        reasons.append(f"{pool.name}: {reason}")
    raise PoolRefuses(
        f"No pool of the workspace takes this now ({'; '.join(reasons)}).",
        hint="`workbench pool list` shows why.",
    )


def left(installed: Amounts, pools: Iterable[Pool]) -> Amounts:
    """What no pool set aside."""
    taken = [pool.amounts for pool in pools]
    return Amounts(
        cpus=installed.cpus - sum(each.cpus for each in taken),
        memory_bytes=installed.memory_bytes - sum(each.memory_bytes for each in taken),
        gpus=installed.gpus - sum(each.gpus for each in taken),
    )


def check(pool: Pool, others: Iterable[Pool], installed: Amounts) -> None:
    """Refuse a pool that cannot be: a bad name, or more than the machine has left beside the others.

    Raises:
        InvalidInput: The name breaks the rules, or an amount is negative.
        PoolTooLarge: Names what there is too little of.
    """
    if not _NAME.fullmatch(pool.name):
        raise InvalidInput(
            f"{pool.name!r} cannot be a pool's name.",
            hint="1 to 63 letters, digits, underscores and hyphens, a letter first.",
        )
    if any(getattr(pool.amounts, each) < 0 for each in _PARTITIONED):
        raise InvalidInput("A pool cannot have less than nothing.")
    reason = _in_the_way(left(installed, others), Amounts(), pool.amounts)
    if reason:
        raise PoolTooLarge(
            f"The machine has not enough for the pool {pool.name} beside the others: {reason}."
        )


def _refusal(pool: Pool, used: Amounts, asked: Asked, overcommit: Overcommit) -> str:
    if pool.draining:
        return "is draining and takes nothing new"
    if pool.kinds and asked.kind not in pool.kinds:
        return f"takes no {asked.kind}"
    return _in_the_way(_promised(pool.amounts, overcommit), used, asked.amounts)


def _promised(real: Amounts, overcommit: Overcommit) -> Amounts:
    return replace(
        real, cpus=real.cpus * overcommit.cpus, memory_bytes=int(real.memory_bytes * overcommit.memory)
    )


def _in_the_way(limit: Amounts, used: Amounts, wanted: Amounts) -> str:
    for name in _PARTITIONED:
        has, wants = round(getattr(limit, name) - getattr(used, name), 6), getattr(wanted, name)
        if wants > has and wants > 0:
            unit, what = (
                (2**30, "GiB memory")
                if name == "memory_bytes"
                else (1, {"cpus": "CPUs", "gpus": "GPUs"}[name])
            )
            return f"{max(has, 0) / unit:.4g} {what} left, {wants / unit:.4g} wanted"
    return ""
