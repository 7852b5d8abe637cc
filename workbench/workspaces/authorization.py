"""Whether a caller may do something here: the table, asked with what the database knows.

To somebody who is not in a workspace it does not exist: they hear that it was not found. To a
member it does, and they hear which role is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from workbench.errors import Forbidden
from workbench.wire.call import Caller
from workbench.workspaces import members, permissions, records
from workbench.workspaces.records import WorkspaceNotFound


class NotAllowed(Forbidden):
    """A member whose roles do not allow it."""

    def __init__(self, operation: str, *, own: bool) -> None:
        needed = permissions.roles_needed(operation, own=own)
        whose = "" if own else " on what is another member's"
        super().__init__(
            f"Your roles do not allow {operation}{whose}.",
            hint=f"One of these does: {', '.join(sorted(needed))}.",
        )


class MachineOwnerOnly(Forbidden):
    """Only who runs the daemon may."""

    def __init__(self, operation: str) -> None:
        super().__init__(f"Only the owner of this machine may do {operation} here.")


class TokenNotEnough(Forbidden):
    """A token ends, and what is asked for with it would not."""

    code = "TokenNotEnough"

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} gives what lasts, and a token does not.",
            hint="Ask with an access key, or on the machine itself without either.",
        )


def require(
    db: Database,
    caller: Caller,
    workspace_id: str,
    operation: str,
    owner_id: str = "",
    *,
    private: bool = False,
) -> None:
    """Refuse what the caller may not do in a workspace.

    Args:
        operation: PAI's name of it, or ours.
        owner_id: User whose object it is about; empty for what belongs to the workspace.
        private: The object is there for its owner alone, and for who manages or operates the workspace.

    Raises:
        WorkspaceNotFound: There is no such workspace, the caller is not in it, or may not know of the
            object.
        NotAllowed: The caller's roles do not allow it.
    """
    if caller.owner:
        records.get(db, workspace_id)
        return
    roles = members.roles_of(db, workspace_id, caller.user_id)
    if not roles:
        raise WorkspaceNotFound(workspace_id)
    own = owner_id in ("", caller.user_id)
    if private and not own and not roles & permissions.OPERATORS:
        raise WorkspaceNotFound(workspace_id)
    if not permissions.may(roles, operation, own=own):
        raise NotAllowed(operation, own=own)


def visible_in(db: Database, caller: Caller, operation: str) -> Mapping[str, str | None] | None:
    """Where a list may look on a caller's behalf.

    Returns:
        By workspace, None where everything may be seen, and the caller's own id where what is
        private to others may not. None instead of all this for the machine's owner.
    """
    if caller.owner:
        return None
    seen: dict[str, str | None] = {}
    for workspace_id, roles in members.roles_by_workspace(db, caller.user_id).items():
        if permissions.may(roles, operation, own=False):
            seen[workspace_id] = None if roles & permissions.OPERATORS else caller.user_id
    return seen


def reach(
    db: Database, caller: Caller, workspace_id: str, operation: str
) -> Sequence[tuple[str, str | None]] | None:
    """Whose things a list may show of what a row tells apart by their owner.

    Args:
        workspace_id: The one that is looked at; empty for all that the caller is in.

    Returns:
        Workspaces, each with None where everybody's may be seen; where only their own may, with the caller
        and, since it counts as one's own, with nobody. None instead of all this for everything there is.

    Raises:
        WorkspaceNotFound: There is no such workspace, or the caller is not in it.
        NotAllowed: Not even one's own may be seen in it.
    """
    if workspace_id:
        require(db, caller, workspace_id, operation)
    if caller.owner:
        return [(workspace_id, None)] if workspace_id else None
    found: list[tuple[str, str | None]] = []
    for each, roles in members.roles_by_workspace(db, caller.user_id).items():
        if workspace_id not in ("", each):
            continue
        if permissions.may(roles, operation, own=False):
            found.append((each, None))
        elif permissions.may(roles, operation, own=True):
            found += [(each, caller.user_id), (each, "")]
    return found


def require_on_machine(caller: Caller, operation: str, owner_id: str = "") -> None:
    """Refuse what the caller may not do where no workspace is meant.

    Args:
        owner_id: User whom it is about; empty for what belongs to the machine.

    Raises:
        MachineOwnerOnly: Only the machine's owner may.
    """
    own = owner_id in ("", caller.user_id)
    if not caller.owner and not permissions.may(frozenset(), operation, own=own):
        raise MachineOwnerOnly(operation)


def refuse_to_tokens(caller: Caller, operation: str) -> None:
    """Refuse a caller who is known by a token alone what would let them in when it is over.

    Raises:
        TokenNotEnough: They are.
    """
    if caller.token_id:
        raise TokenNotEnough(operation)
