"""What may be mounted, and where.

Pure: texts in, checked values out. What is really on the disk is looked at only when a pod
starts, since it can change until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from workbench.errors import InvalidInput

HOME = "/mnt/workspace"
"""Where a user's own directory appears in a pod; its HOME."""
ENVIRONMENT = "/mnt/environment"
"""Where what the user installed appears in a pod."""

_CLOSED = ("/proc", "/sys", "/dev", "/etc")
_LONGEST_PATH = 1023
_LONGEST_NAME = 255


class BadMount(InvalidInput):
    """A mount is asked for that cannot be: its source, target or access is wrong."""


class Access(StrEnum):
    """What a pod may do with a mount, in PAI's spelling."""

    READ_ONLY = "RO"
    READ_WRITE = "RW"


@dataclass(frozen=True, kw_only=True)
class MountRequest:
    """A mount as it was asked for: a URI, a path in the pod, `RO` or `RW` (the default)."""

    uri: str
    target: str
    access: str = ""


def check_access(text: str) -> Access:
    """The access asked for; read and write when nothing was said."""
    try:
        return Access((text or Access.READ_WRITE).upper())
    except ValueError as error:
        raise BadMount(f"MountAccess is {text!r}; RO or RW is wanted.") from error


def check_target(text: str) -> str:
    """A path in the pod at which something may be mounted, normalised.

    Raises:
        BadMount: It is relative, leads upwards, or is a place that the pod needs itself.
    """
    names = path_names(text, "The mount path")
    target = "/" + "/".join(names)
    if not text.startswith("/"):
        raise BadMount(f"The mount path {text!r} is relative; an absolute one is wanted, such as /mnt/data.")
    if not names:
        raise BadMount("Nothing can be mounted over / itself; choose a path such as /mnt/data.")
    if f"/{names[0]}" in _CLOSED:
        raise BadMount(f"Nothing can be mounted in /{names[0]}; choose a path such as /mnt/data.")
    if target in (HOME, ENVIRONMENT):
        raise BadMount(f"{target} is taken by the user's own files; choose a path such as /mnt/data.")
    return target


def path_names(text: str, what: str) -> tuple[str, ...]:
    """A path's components: no `.` and `..`, nothing unprintable, none too long.

    Repeated and trailing slashes mean nothing.
    """
    if not text.isprintable():
        raise BadMount(f"{what} {text!r} has characters that cannot be printed.")
    names = tuple(name for name in text.split("/") if name)
    if "." in names or ".." in names:
        raise BadMount(f"{what} {text!r} has a . or .. in it; write the path without.")
    if len(text.encode()) > _LONGEST_PATH or any(len(name.encode()) > _LONGEST_NAME for name in names):
        raise BadMount(f"{what} {text[:40]!r}… is too long.")
    return names


def in_order(targets: Sequence[str]) -> list[str]:
    """Targets in the order in which they must be mounted: the outer before the inner.

    Raises:
        BadMount: One of them is there twice.
    """
    twice = sorted({target for target in targets if targets.count(target) > 1})
    if twice:
        raise BadMount(f"Two mounts want {twice[0]}; each needs a path of its own.")
    return sorted(targets, key=lambda target: len(PurePosixPath(target).parts))


def holder_of(target: str, targets: Sequence[str]) -> str | None:
    """The innermost other target that this one lies in."""
    around = [each for each in targets if PurePosixPath(each) in PurePosixPath(target).parents]
    return max(around, key=len, default=None)
