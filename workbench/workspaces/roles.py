"""The roles that a member of a workspace may hold, with PAI's names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from workbench.errors import InvalidInput


class Role(StrEnum):
    """A member holds one or more; what each allows stands in `permissions.py`."""

    OWNER = "PAI.WorkspaceOwner"
    """Made the workspace; appoints administrators; can be neither removed nor stripped."""
    ADMIN = "PAI.WorkspaceAdmin"
    """Manages the workspace, its members and everything in it."""
    DEVELOPER = "PAI.AlgoDeveloper"
    """Makes and runs things; changes and deletes their own."""
    OPERATOR = "PAI.AlgoOperator"
    """Keeps running what others made."""
    LABELLING = "PAI.LabelManager"
    """Manages labelling."""
    TABLES = "PAI.MaxComputeDeveloper"
    """Works with table data; as a developer's role elsewhere, it only reads."""
    GUEST = "PAI.WorkspaceGuest"
    """Reads."""


class UnknownRole(InvalidInput):
    """A role that PAI does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no role {name!r}.", hint=f"Roles: {', '.join(Role)}.")


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """Roles from their names on the wire.

    Raises:
        UnknownRole: A name is none of PAI's.
    """
    return frozenset(parse_role(name) for name in names)


def parse_role(name: str) -> Role:
    """One role from its name on the wire."""
    try:
        return Role(name)
    except ValueError:
        raise UnknownRole(name) from None
