"""Writes docs/permissions.md from the table of permissions.

.venv/bin/python -m scripts.permissions_page > docs/permissions.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench.workspaces.permissions import BY_SERVICE, InWorkspace, OnMachine, Rule
from workbench.workspaces.roles import Role

_SERVICES = {
    "aiworkspace": "Workspaces (AIWorkSpace 2021-02-04)",
    "dsw": "Notebooks (DSW 2022-01-01)",
    "workbench": "Our own",
}
_COLUMNS = {
    Role.OWNER: "owner",
    Role.ADMIN: "administrator",
    Role.DEVELOPER: "developer",
    Role.OPERATOR: "operator",
    Role.LABELLING: "labelling",
    Role.TABLES: "tables",
    Role.GUEST: "guest",
}

_BEFORE = """# Permissions

Who may do what. The API asks this very table, and `workbench roles` prints it.

The machine's owner may do everything. In a workspace the member's roles decide: **all** is on
everybody's objects, **own** only on one's own. What is refused to a member is answered with 403. To
who is not in a workspace, nothing in it exists: 404. The same holds for a private notebook, which is
there for its owner and for the owner, the administrators and the operators of the workspace;
what is said here of others' notebooks is of public ones for everybody else. Of a public one the
variables, and the lines of its log in the reason of its state, are for who may read its log.

| role | PAI's name |
| --- | --- |
"""


def page() -> str:
    """The whole page."""
    roles = [f"| {column} | `{role}` |" for role, column in _COLUMNS.items()]
    services = [line for service, rules in BY_SERVICE.items() for line in _section(service, rules)]
    return _BEFORE + "\n".join([*roles, *services, ""])


def _section(service: str, rules: Mapping[str, Rule]) -> Iterator[str]:
    yield from ("", f"## {_SERVICES.get(service, service)}")
    in_workspace = {name: rule for name, rule in rules.items() if isinstance(rule, InWorkspace)}
    if in_workspace:
        yield from (
            "",
            f"| operation | {' | '.join(_COLUMNS.values())} |",
            "| --- |" + " --- |" * len(_COLUMNS),
        )
        for name, rule in in_workspace.items():
            yield f"| `{name}` | {' | '.join(_cell(rule, role) for role in _COLUMNS)} |"
    on_machine = {name: rule for name, rule in rules.items() if isinstance(rule, OnMachine)}
    if on_machine:
        yield from ("", "| operation, of the machine as a whole | who |", "| --- | --- |")
        for name, each in on_machine.items():
            yield f"| `{name}` | {_who(each)} |"


def _cell(rule: InWorkspace, role: Role) -> str:
    if role in rule.others:
        return "all"
    return "own" if role in rule.own else ""


def _who(rule: OnMachine) -> str:
    if rule.others:
        return "every user"
    return "every user, of what is theirs" if rule.own else "the machine's owner"


if __name__ == "__main__":
    print(page(), end="")
