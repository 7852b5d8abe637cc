"""What other capabilities keep in workspaces, as far as workspaces must reach it.

Workspaces stand below notebooks, jobs and services and know none of them. Each hands over one
value that says how to find, stop and remove its things; `daemon.py` collects them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from workbench.parts import Parts
from workbench.workspaces.permissions import MANAGERS, Roles
from workbench.workspaces.work import Work


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a thing stands, what it is called, whose it is, and whether it is private to them."""

    workspace_id: str
    owner_id: str
    name: str = ""
    private: bool = False


@dataclass(frozen=True, kw_only=True)
class Residents:
    """One kind of things.

    `find` says where a thing stands, None when there is no such thing. `seen` are the ids of those
    that may be seen, given where (see `visible_in`). `folders` holds their files, as far as they are
    not in the workspace's own.

    `stop` asks for one to be stopped; `remove_all` for everything in a workspace to be removed. Both
    return at once and may be repeated. `change_locks` makes worthless whatever let anybody in to the
    things of a user in a workspace, or to everybody's there without a user.
    """

    kind: str
    find: Callable[[Database, str], Place | None]
    seen: Callable[[Database, Mapping[str, str | None]], Sequence[str]]
    stop: Callable[[Parts, str], None]
    remove_all: Callable[[Parts, str], None]
    change_locks: Callable[[Parts, str, str], None]
    folders: Callable[[Parts, str], Sequence[Path]]


def lock_out(
    parts: Parts, residents: Sequence[Residents], workspace_id: str, user_id: str, roles: Roles
) -> None:
    """Let a user in no more by what they were given: to their own things, and to all of the workspace's
    if their roles opened those too."""
    whose = "" if roles & MANAGERS else user_id
    for each in residents:
        each.change_locks(parts, workspace_id, whose)


def stop(parts: Parts, residents: Sequence[Residents], works: Iterable[Work]) -> None:
    """Ask for work to be stopped."""
    by_kind = {each.kind: each for each in residents}
    for work in works:
        by_kind[work.kind].stop(parts, work.id)
