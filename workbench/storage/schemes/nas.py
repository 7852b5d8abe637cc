"""`nas://`: directories of this machine.

`nas://workspace/a/b` lies in the workspace's shared directory, `nas://home/a` in the user's
own, `nas://NAME/a` in a directory that administrators allowed by `mount_roots`.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.settings import OWN_ROOTS
from workbench.storage.rules import BadMount, path_names

WORKSPACE, HOME = OWN_ROOTS


@dataclass(frozen=True)
class Source:
    """A directory: the name of a root, and the way below it."""

    root: str
    below: tuple[str, ...] = ()


def parse(rest: str) -> Source:
    """Read what stands behind `nas://`."""
    names = path_names(rest, "The path")
    if not names or rest.startswith("/"):
        raise BadMount(f"nas://{rest} names no directory; nas://{WORKSPACE}/ or nas://{HOME}/ is wanted.")
    return Source(names[0], names[1:])
