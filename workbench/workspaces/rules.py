"""What a workspace may be called, and what may be done to its members' roles.

Pure. Three things hold at all times: a workspace has exactly one owner, who made it; a member
holds at least one role; only the owner makes and unmakes administrators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.errors import Conflict, Forbidden, InvalidInput
from workbench.workspaces.roles import Role

_WORKSPACE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,22}")
_LONGEST_DISPLAY_NAME = 128
_LONGEST_DESCRIPTION = 1024


class BadWorkspaceName(InvalidInput):
    """The name breaks PAI's rules."""

    code = "InvalidWorkspaceName"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} cannot be a workspace's name.",
            hint="3 to 23 letters, digits and underscores, a letter first.",
        )


class OwnerStays(Conflict):
    """Someone tried to remove, strip or double the owner."""

    code = "WorkspaceOwnerStays"


class LastRole(Conflict):
    """The last role of a member cannot be taken; the member can be removed."""

    code = "LastRole"

    def __init__(self, user_id: str, role: Role) -> None:
        super().__init__(
            f"{role} is the only role of user {user_id}, and a member has at least one.",
            hint="Give another role first, or remove the member.",
        )


class OnlyTheOwner(Forbidden):
    """Administrators are made and unmade by the owner alone."""

    def __init__(self) -> None:
        super().__init__(
            f"Only {Role.OWNER} makes and unmakes administrators.", hint="Ask the workspace's owner."
        )


def check_workspace_name(name: str) -> None:
    """Refuse a name that PAI would refuse."""
    if not _WORKSPACE_NAME.fullmatch(name):
        raise BadWorkspaceName(name)


def check_texts(display_name: str, description: str) -> None:
    """Refuse texts that no list could show."""
    for name, text, longest in (
        ("DisplayName", display_name, _LONGEST_DISPLAY_NAME),
        ("Description", description, _LONGEST_DESCRIPTION),
    ):
        if len(text) > longest:
            raise InvalidInput(f"{name} has {len(text)} characters, at most {longest} are kept.")


def check_grant(authority: frozenset[Role], roles: Iterable[Role]) -> None:
    """Refuse to give roles that this authority may not give.

    Args:
        authority: Roles of who gives; the machine's owner counts as the workspace's.

    Raises:
        OwnerStays: A second owner is wanted.
        OnlyTheOwner: An administrator is wanted, by someone who is not the owner.
    """
    wanted = frozenset(roles)
    if not wanted:
        raise InvalidInput("A member has at least one role.", hint=f"Roles: {', '.join(Role)}.")
    if Role.OWNER in wanted:
        raise OwnerStays(
            f"{Role.OWNER} belongs to who made the workspace and is not given to others.",
            hint=f"{Role.ADMIN} allows nearly the same.",
        )
    if Role.ADMIN in wanted and Role.OWNER not in authority:
        raise OnlyTheOwner


def check_taking(authority: frozenset[Role], user_id: str, held: frozenset[Role], role: Role) -> None:
    """Refuse to take a role that must stay.

    Raises:
        OwnerStays: It is the owner's.
        OnlyTheOwner: It is an administrator's, and who takes is not the owner.
        LastRole: The member has no other.
    """
    if role is Role.OWNER and role in held:
        raise OwnerStays("The owner of a workspace stays its owner.")
    if role is Role.ADMIN and Role.OWNER not in authority:
        raise OnlyTheOwner
    if held == {role}:
        raise LastRole(user_id, role)


def check_removal(authority: frozenset[Role], user_id: str, held: frozenset[Role]) -> None:
    """Refuse to remove a member who must stay.

    Raises:
        OwnerStays: It is the owner.
        OnlyTheOwner: It is an administrator, and who removes is not the owner.
    """
    if Role.OWNER in held:
        raise OwnerStays(
            f"User {user_id} owns the workspace and cannot be removed from it.",
            hint="Delete the workspace if nobody needs it.",
        )
    if Role.ADMIN in held and Role.OWNER not in authority:
        raise OnlyTheOwner
