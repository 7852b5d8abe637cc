"""Labels of notebooks: tags, and two words of our own for what PAI's notebooks have no field for.

Those two are never kept as tags. The record says what they say, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from workbench.errors import InvalidInput
from workbench.notebooks.records import Notebook

GPU_MEMORY = "workbench.gpu_memory"
"""Asks for a share of a card, in GiB."""

PREEMPTIBLE = "workbench.preemptible"
"""Says `true` of a preemptible notebook; PAI asks by SpotSpec, and answers nothing of it."""

_Value = TypeVar("_Value", str, str | None)

_CHANGED_BY = {
    GPU_MEMORY: "UpdateInstance takes it with another value, or whole cards by RequestedResource.GPU.",
    PREEMPTIBLE: "UpdateInstance changes that by SpotSpec, as `workbench notebook update` does.",
}


def given(fields: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a request: `Labels` or `Tag`, a list of `Key` and `Value`."""
    both = [*fields.get("Labels", []), *fields.get("Tag", [])]
    return {each.get("Key", ""): each.get("Value", "") for each in both}


def tags(labels: Mapping[str, _Value]) -> dict[str, _Value]:
    """Those that are kept as tags."""
    return {key: value for key, value in labels.items() if key not in _CHANGED_BY}


def of_record(notebook: Notebook) -> dict[str, str]:
    """Those that say what is on record."""
    labels = {}
    if notebook.gpu_memory_bytes:
        labels[GPU_MEMORY] = f"{notebook.gpu_memory_bytes / 2**30:g}"
    if notebook.preemptible:
        labels[PREEMPTIBLE] = "true"
    return labels


def refuse_of_record(keys: Iterable[str]) -> None:
    """Refuse to put on or take off as a tag what says what is on record.

    Raises:
        InvalidInput: One of them does; it says what changes the record.
    """
    for key in keys:
        if instead := _CHANGED_BY.get(key):
            raise InvalidInput(f"The label {key} says how the notebook is to run.", hint=instead)
