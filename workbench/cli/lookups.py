"""What commands on users and workspaces share: whole lists, things by name, data for programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.client import Client
from workbench.errors import NotFound
from workbench.wire.operations import operation

_PAGE = 500
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class NotNamed(NotFound):
    """Nothing has this name."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(
            f"There is no {what} {name!r}.", hint=f"`workbench {what} list` shows those there are."
        )


def every(client: Client, service: str, action: str, key: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """All entries of a list, page by page."""
    number, seen = 1, 0
    while True:
        answer = client.call(operation(service, action), PageNumber=number, PageSize=_PAGE, **fields)
        yield from answer[key]
        seen += len(answer[key])
        if not answer[key] or seen >= answer["TotalCount"]:
            return
        number += 1


def user_id(client: Client, name: str) -> str:
    """The id of the user with this name or id.

    Raises:
        NotNamed: There is none.
    """
    for each in every(client, "workbench", "ListUsers", "Users"):
        if name.lower() == each["Name"].lower() or name == each["UserId"]:
            return str(each["UserId"])
    raise NotNamed("user", name)


def workspace_id(client: Client, name: str | None = None) -> str:
    """The id of the workspace with this name or id; of the default one when none is named.

    Raises:
        NotNamed: There is none that the caller is in.
    """
    if name is None:
        answer = client.call(operation("aiworkspace", "GetDefaultWorkspace"))
        return str(answer["WorkspaceId"])
    for each in every(client, "aiworkspace", "ListWorkspaces", "Workspaces"):
        if name.lower() == each["WorkspaceName"].lower() or name == each["WorkspaceId"]:
            return str(each["WorkspaceId"])
    raise NotNamed("workspace", name)


def workspace_names(client: Client) -> dict[str, str]:
    """The names of the workspaces that the caller is in, by id; the machine's owner is in all."""
    found = every(client, "aiworkspace", "ListWorkspaces", "Workspaces")
    return {each["WorkspaceId"]: each["WorkspaceName"] for each in found}


def as_data(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer for a program: `UserId` is `user_id`, and the request id is left out."""
    return {
        _WORD_BEGINS.sub("_", name).lower(): value for name, value in answer.items() if name != "RequestId"
    }
