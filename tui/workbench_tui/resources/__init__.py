"""The kinds of things that the dashboard shows, one file each.

A file registers itself by being here with a `RESOURCE`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from workbench_tui.resource import Resource


@cache
def resources() -> Mapping[str, Resource]:
    """All kinds, by name, in the order they are shown in."""
    found = [named_exactly(each.name) for each in pkgutil.iter_modules(__path__)]
    return {each.name: each for each in sorted(found, key=lambda resource: resource.order)}


def named_exactly(name: str) -> Resource:
    """The kind of this name, without reading the others' files."""
    resource: Resource = importlib.import_module(f"{__name__}.{name}").RESOURCE
    return resource


def named(word: str) -> Resource | None:
    """The kind that a user means: its name, one of its aliases, or how one of these begins."""
    word = word.lower()
    for resource in resources().values():
        if word in (resource.name, *resource.aliases):
            return resource
    return next((each for each in resources().values() if each.name.startswith(word)), None) if word else None
