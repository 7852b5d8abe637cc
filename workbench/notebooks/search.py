"""Finding notebooks: the filters, orders and pages of a list, in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlite_utils import Database

from workbench.notebooks.records import Notebook, from_row
from workbench.wire.paging import Sorting

ORDERS: Mapping[str, str] = {
    "GmtCreateTime": "created_at",
    "GmtModifiedTime": "modified_at",
    "Priority": "priority",
    "InstanceName": "name",
    "Status": "status",
}
"""What a list may be sorted by, in PAI's spelling, and the column it means."""


_HAS_ALL_LABELS = (
    "NOT EXISTS (SELECT 1 FROM json_each(:labels) AS wanted WHERE NOT EXISTS (SELECT 1 FROM tags"
    " WHERE tags.kind = 'notebook' AND tags.id = notebooks.id"
    " AND tags.key = wanted.key AND (wanted.value IS NULL OR tags.value = wanted.value)))"
)

_SEEN = (
    "(workspace_id IN (SELECT key FROM json_each(:seen) WHERE value IS NULL)"
    " OR workspace_id IN (SELECT key FROM json_each(:seen))"
    " AND (accessibility = 'PUBLIC' OR user_id IN (SELECT value FROM json_each(:seen))))"
)


_HOLDS = (
    "(SELECT json_extract(held.value, '$.{what}') FROM json_each(:holding) AS held"
    " WHERE held.key = notebooks.id)"
)
_OF_GPU_TYPE = (
    "(instr(lower(gpu_model), lower(:gpu_type)) OR instr(lower(gpu_instance), lower(:gpu_type))"
    f" OR instr(lower({_HOLDS.format(what='types')}), lower(:gpu_type)))"
)
_COUNTED_GPUS = "max(gpus, gpu_instance != '')"
"""As a notebook's description counts them: a MIG instance is one, a share is none."""

_GPU_MEMORY = f"coalesce({_HOLDS.format(what='memory_bytes')}, gpu_memory_bytes)"
_POOL = "coalesce((SELECT work.pool FROM work WHERE work.kind = 'notebook' AND work.id = notebooks.id), pool)"
"""The one that a notebook runs in, or while it does not, the one that it must run in."""


@dataclass(frozen=True)
class Holding:
    """What a notebook holds of GPUs now: the names of their kinds, and the memory of each, of the
    smallest where they differ."""

    types: str
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which notebooks are looked for. Empty fields do not restrict.

    `seen_in` are the workspaces whose notebooks the caller may see, with None for all of them, or
    the caller for theirs and the public ones; None in its place means everything.
    Ranges are inclusive, memory in bytes, times as in the database (ISO 8601, UTC). A type of GPU is
    the one that was asked for or the one that is held, `holding` says by id what is held; so is
    the memory of one of them. A label is looked for with its value, with any where that is None.
    `nothing` finds nothing at all.
    """

    seen_in: Mapping[str, str | None] | None = None
    workspace_id: str = ""
    user_id: str = ""
    instance_id: str = ""
    name: str = ""
    image: str = ""
    statuses: Sequence[str] = ()
    accessibility: str = ""
    with_gpus: bool | None = None
    gpu_type: str = ""
    gpu_memory: tuple[float | None, float | None] = (None, None)
    holding: Mapping[str, Holding] = field(default_factory=dict)
    pool: str = ""
    preemptible: bool | None = None
    nothing: bool = False
    labels: Mapping[str, str | None] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float | str | None, float | str | None]] = field(default_factory=dict)
    sorting: Sorting


def find(db: Database, query: Query, *, offset: int, limit: int) -> tuple[list[Notebook], int]:
    """One page of what was looked for, and how many there are in all."""
    where, values = _conditions(query)
    total: int = db.execute(f"SELECT count(*) FROM notebooks WHERE {where}", values).fetchone()[0]  # noqa: S608
    order = f"{query.sorting.column} {'DESC' if query.sorting.descending else 'ASC'}, id"
    rows = db.query(
        f"SELECT * FROM notebooks WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :offset",  # noqa: S608
        values | {"limit": limit, "offset": offset},
    )
    return [from_row(row) for row in rows], total


def seen(db: Database, seen_in: Mapping[str, str | None]) -> list[str]:
    """The ids of all notebooks that may be seen, as in `Query.seen_in`."""
    rows = db.query(f"SELECT id FROM notebooks WHERE {_SEEN}", {"seen": json.dumps(dict(seen_in))})  # noqa: S608
    return [row["id"] for row in rows]


def _conditions(query: Query) -> tuple[str, dict[str, object]]:
    """The WHERE clause: texts of our own, with every value from outside as a parameter."""
    parts = ["1"]
    values: dict[str, object] = {}
    for column, value in (
        ("workspace_id", query.workspace_id),
        ("user_id", query.user_id),
        ("id", query.instance_id),
        ("accessibility", query.accessibility),
    ):
        if value:
            parts.append(f"{column} = :{column}")
            values[column] = value
    for column, value in (("name", query.name), ("image", query.image)):
        if value:
            parts.append(f"instr(lower({column}), lower(:{column}))")
            values[column] = value
    if query.statuses:
        names = [f"status{number}" for number in range(len(query.statuses))]
        parts.append(f"status IN ({', '.join(f':{name}' for name in names)})")
        values |= dict(zip(names, query.statuses, strict=True))
    for condition, added in (*_gpu_conditions(query), *_place_conditions(query)):
        parts.append(condition)
        values |= added
    if query.labels:
        parts.append(_HAS_ALL_LABELS)
        values["labels"] = json.dumps(dict(query.labels))
    for column, (low, high) in query.ranges.items():
        amount = _COUNTED_GPUS if column == "gpus" else column
        if low is not None:
            parts.append(f"{amount} >= :{column}_low")
            values[f"{column}_low"] = low
        if high is not None:
            parts.append(f"{amount} <= :{column}_high")
            values[f"{column}_high"] = high
    if query.seen_in is not None:
        parts.append(_SEEN)
        values["seen"] = json.dumps(dict(query.seen_in))
    return " AND ".join(parts), values


def _gpu_conditions(query: Query) -> Iterator[tuple[str, dict[str, object]]]:
    if query.with_gpus is not None:
        any_of_a_gpu = "(gpus > 0 OR gpu_memory_bytes > 0 OR gpu_instance != '')"
        yield any_of_a_gpu if query.with_gpus else f"NOT {any_of_a_gpu}", {}
    holding = {"holding": json.dumps({id: vars(each) for id, each in query.holding.items()})}
    if query.gpu_type:
        yield _OF_GPU_TYPE, {**holding, "gpu_type": query.gpu_type}
    for name, sign, size in zip(("least", "most"), (">=", "<="), query.gpu_memory, strict=True):
        if size is not None:
            yield f"{_GPU_MEMORY} {sign} :{name}_gpu_memory", {**holding, f"{name}_gpu_memory": size}


def _place_conditions(query: Query) -> Iterator[tuple[str, dict[str, object]]]:
    if query.nothing:
        yield "0", {}
    if query.preemptible is not None:
        yield "preemptible = :preemptible", {"preemptible": query.preemptible}
    if query.pool:
        yield f"{_POOL} = :pool", {"pool": query.pool}


def pools(db: Database, notebook_ids: Sequence[str]) -> dict[str, str]:
    """The pool of each of these notebooks, empty for what no pool set aside."""
    rows = db.execute(
        f"SELECT id, {_POOL} FROM notebooks WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608
        [json.dumps(list(notebook_ids))],
    )
    return dict(rows.fetchall())
