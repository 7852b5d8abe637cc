"""What ListInstances looks for, from PAI's fields to a query.

A filter that asks for something there is none of here finds nothing; one that is not understood is
refused. None is passed over, or a script would take all notebooks for those that it asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.errors import InvalidInput
from workbench.node.requests import BadAmount, parse_memory
from workbench.notebooks.api.labels import GPU_MEMORY, PREEMPTIBLE, tags
from workbench.notebooks.api.not_offered import NOT_OVERSOLD
from workbench.notebooks.api.requests import ACCESSIBILITIES
from workbench.notebooks.records import Status
from workbench.notebooks.search import ORDERS, Holding, Query
from workbench.wire import lists
from workbench.wire.choices import one_of
from workbench.wire.paging import sorting
from workbench.wire.times import from_wire, through

_ALWAYS_ALIKE: Mapping[str, Mapping[str, bool]] = {
    # Nothing is billed: all is there to be used as one goes.
    "PaymentType": {"PayAsYouGo": True, "PostPaid": True, "Subscription": False, "PrePaid": False},
    # No notebook lives on what a quota of others leaves: who can spare its place is preemptible.
    "OversoldType": {
        NOT_OVERSOLD: True,
        "AcceptQuotaOverSold": False,
        "ForceQuotaOverSold": False,
    },
}
"""Choices of which every notebook here has the same: whether it is the one that is asked for."""

_ANY_RESOURCE = "ALL"

_STATUSES = (
    *(each.value for each in Status),
    *("ResourceAllocating", "Saving", "Saved", "SaveFailed", "Updating", "ArrearStopping", "Arrearge"),
)
"""PAI's, those in the end of states that no notebook comes to here."""

ACCELERATORS = ("CPU", "GPU")

_GIB = Fraction(2**30)
_THOUSANDTH = Fraction(1, 1000)
"""PAI counts CPUs and GPUs in thousandths where it filters, and whole ones everywhere else."""


def about_gpus(fields: Mapping[str, Any]) -> bool:
    """Whether it matters which cards are held."""
    return any(name in fields for name in ("GpuType", "MinGpuMemory", "MaxGpuMemory"))


def query(
    fields: Mapping[str, Any],
    seen_in: Mapping[str, str | None] | None,
    holding: Mapping[str, Holding] | None = None,
) -> Query:
    """What ListInstances looks for.

    Args:
        seen_in: As in `Query`.
        holding: As in `Query`; wanted where `about_gpus` is true.

    Raises:
        InvalidInput: A filter has a value that it cannot have.
    """
    pool = fields.get("ResourceId", "")
    labels = _labels(fields)
    accessibility = fields.get("Accessibility", "")
    return Query(
        seen_in=seen_in,
        workspace_id=fields.get("WorkspaceId", ""),
        user_id=fields.get("CreateUserId", ""),
        instance_id=fields.get("InstanceId", ""),
        name=fields.get("InstanceName", ""),
        image=fields.get("ImageName", ""),
        statuses=[one_of("Status", each, _STATUSES) for each in lists.parts(fields.get("Status", ""))],
        accessibility=one_of("Accessibility", accessibility, ACCESSIBILITIES) if accessibility else "",
        gpu_type=fields.get("GpuType", ""),
        gpu_memory=(_number(fields, "MinGpuMemory", _GIB), _number(fields, "MaxGpuMemory", _GIB)),
        holding=holding or {},
        pool=pool if pool.upper() != _ANY_RESOURCE else "",
        nothing=_nowhere(fields),
        with_gpus=_accelerated(fields.get("AcceleratorType", "")),
        labels=tags(labels),
        preemptible=labels[PREEMPTIBLE] in ("true", None) if PREEMPTIBLE in labels else None,
        ranges=_ranges(fields) | _shares(labels),
        sorting=sorting(fields, ORDERS, default="GmtCreateTime"),
    )


def _nowhere(fields: Mapping[str, Any]) -> bool:
    """Whether something is asked for that no notebook here has."""
    asked = [
        choices[one_of(name, fields[name], tuple(choices))]
        for name, choices in _ALWAYS_ALIKE.items()
        if fields.get(name)
    ]
    return not all(asked) or bool(fields.get("OversoldInfo"))


def _accelerated(accelerator: str) -> bool | None:
    return one_of("AcceleratorType", accelerator, ACCELERATORS) == "GPU" if accelerator else None


def _labels(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """What is asked for by `Labels` or `Tag`; a key without a value means any value of it."""
    asked = {
        **fields.get("Labels", {}),
        **{each.get("Key", ""): each.get("Value") for each in fields.get("Tag", [])},
    }
    return {key: None if value is None else str(value) for key, value in asked.items()}


def _shares(
    labels: Mapping[str, str | None],
) -> dict[str, tuple[float | str | None, float | str | None]]:
    """How much of a card's memory is asked for by its label; what is no size finds nothing."""
    if GPU_MEMORY not in labels:
        return {}
    asked = labels[GPU_MEMORY]
    if asked is None:
        return {"gpu_memory_bytes": (1, None)}
    try:
        size = parse_memory(asked, GPU_MEMORY)
    except BadAmount:
        return {"gpu_memory_bytes": (1, 0)}
    return {"gpu_memory_bytes": (size, size)}


def _ranges(fields: Mapping[str, Any]) -> dict[str, tuple[float | str | None, float | str | None]]:
    ranges: dict[str, tuple[float | str | None, float | str | None]] = {}
    for column, name, unit in (
        ("cpus", "Cpu", _THOUSANDTH),
        ("gpus", "Gpu", _THOUSANDTH),
        ("memory_bytes", "Memory", _GIB),
    ):
        low, high = (_number(fields, f"{bound}{name}", unit) for bound in ("Min", "Max"))
        if low is not None or high is not None:
            ranges[column] = (low, high)
    after, before = (
        read(fields[name]).isoformat() if name in fields else None
        for name, read in (("CreateTimeAfter", from_wire), ("CreateTimeBefore", through))
    )
    if after or before:
        ranges["created_at"] = (after, before)
    return ranges


def _number(fields: Mapping[str, Any], name: str, unit: Fraction) -> float | None:
    if name not in fields:
        return None
    try:
        number = float(fields[name])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{name} is {fields[name]!r}; a number is wanted.")
    return float(Fraction(number) * unit)
