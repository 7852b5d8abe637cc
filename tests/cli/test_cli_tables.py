"""Tables: whole ids, names and times on a terminal, a line a row in a pipe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.cli.terminal import seen_on_terminal
from tests.in_process_api import Api, instance
from workbench.cli import workbench
from workbench.workspaces.permissions import BY_SERVICE, InWorkspace
from workbench.workspaces.roles import Role

ID = "dsw-0123456789abcdef"
TIME = "2026-01-02T03:04:05Z"


def run(api: Api, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(api.settings.home), *arguments])


def seen(api: Api, *arguments: str, columns: int = 80) -> list[str]:
    return seen_on_terminal("--home", str(api.settings.home), *arguments, columns=columns)


def with_notebooks(api: Api, *notebooks: dict[str, Any]) -> None:
    api.answers["ListInstances"] = {"Instances": notebooks, "TotalCount": len(notebooks)}


def answer_of_list_roles() -> dict[str, Any]:
    rules: Iterable[tuple[str, Any]] = [each for table in BY_SERVICE.values() for each in table.items()]
    rows = [
        {"Operation": action, "Own": sorted(rule.own), "Others": sorted(rule.others), "Scope": "workspace"}
        if isinstance(rule, InWorkspace)
        else {"Operation": action, "Own": [], "Others": [], "Scope": "machine owner"}
        for action, rule in rules
    ]
    return {"Roles": list(Role), "Permissions": rows}


def test_a_reason_of_many_words_takes_lines_of_its_own_beside_whole_ids(api: Api) -> None:
    with_notebooks(api, instance(InstanceId=ID, InstanceName="a-long-name", ReasonMessage="many words " * 9))

    lines = seen(api, "notebook", "list")

    assert max(map(len, lines)) <= 80
    assert sum("a-long-name" in line and ID in line for line in lines) == 1
    reason = " ".join(line[lines[0].index("REASON") :].strip() for line in lines[1:])
    assert reason == "many words " * 8 + "many words"


def test_what_cannot_be_narrower_is_wider_than_the_terminal_and_whole(api: Api) -> None:
    name, reason = "n" * 60, "It was stopped since nobody used it."
    with_notebooks(api, instance(InstanceId=ID, InstanceName=name, ReasonMessage=reason))

    lines = seen(api, "notebook", "list")

    assert sum(name in line and ID in line for line in lines) == 1
    assert lines[1].rstrip().endswith("It was")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_an_audit_line_keeps_its_time_and_its_id_at_every_width(api: Api, columns: int) -> None:
    entry = {
        "Time": TIME, "UserName": "ada", "Source": "10.0.0.9", "Operation": "CreateInstanceShutdownTimer",
        "ResourceId": ID, "Status": 403, "Code": "Forbidden", "RequestId": "",
    }  # fmt: skip
    api.answers["ListAuditEntries"] = {"Entries": [entry], "NextBefore": 0}

    lines = seen(api, "audit", columns=columns)

    assert sum(TIME in line and ID in line and "CreateInstanceShutdownTimer" in line for line in lines) == 1


def test_all_roles_fit_beside_the_longest_operation(api: Api) -> None:
    api.answers["ListRoles"] = answer_of_list_roles()

    lines = seen(api, "roles")

    assert max(map(len, lines)) <= 80
    assert len(lines) == 1 + len(answer_of_list_roles()["Permissions"])
    row = next(line for line in lines if line.startswith("DeleteInstanceShutdownTimer "))
    assert row.split()[1:] == ["all", "all", "own", "all", "-", "-", "-"]


def test_the_table_of_roles_says_what_they_are_called(api: Api) -> None:
    api.answers["ListRoles"] = answer_of_list_roles()

    result = run(api, "roles")

    heads = result.stdout.splitlines()[0].split()[1:]
    called = [line.split() for line in result.stderr.splitlines() if line]
    assert called == [[head, role] for head, role in zip(heads, Role, strict=True)]


def test_several_columns_may_take_lines_where_they_hold_lists(api: Api) -> None:
    pool = {
        "Name": "big", "Description": "", "Cpus": 4.0, "MemoryBytes": 2**33, "Gpus": 1, "UsedCpus": 1,
        "UsedMemoryBytes": 2**30, "UsedGpus": 0, "Running": [], "Draining": True,
        "Kinds": ["development", "inference", "training"], "WorkspaceIds": ["1", "2"],
    }  # fmt: skip
    spaces = [{"WorkspaceId": id, "WorkspaceName": name} for id, name in (("1", "vision"), ("2", "speech"))]
    api.answers["ListPools"] = {"Pools": [pool]}
    api.answers["ListWorkspaces"] = {"Workspaces": spaces, "TotalCount": 2}

    lines = seen(api, "pool", "list")

    assert max(map(len, lines)) <= 80
    assert len(lines) > 2
    assert all(any(word in line for line in lines) for word in (*pool["Kinds"], "vision", "speech"))


def test_in_a_pipe_a_row_is_a_line_whatever_its_reason_says(api: Api) -> None:
    with_notebooks(api, instance(ReasonMessage="It ended with 1:\nline one\nline two"))

    lines = run(api, "notebook", "list").stdout.splitlines()

    assert len(lines) == 2
    assert lines[1].endswith("  It ended with 1:")


def test_owner_and_workspace_are_listed_where_they_differ(api: Api) -> None:
    mine = instance(WorkspaceName="vision")
    with_notebooks(api, mine, {**mine, "UserName": "ada"})
    assert "OWNER" in run(api, "notebook", "list").stdout
    assert "WORKSPACE" not in run(api, "notebook", "list").stdout

    with_notebooks(api, mine, {**mine, "WorkspaceId": "2", "WorkspaceName": "speech"})
    lines = run(api, "notebook", "list").stdout.splitlines()
    assert [line.split()[2] for line in lines] == ["WORKSPACE", "vision", "speech"]
    assert "OWNER" not in lines[0]


def test_pools_say_which_workspaces_work_in_them(api: Api) -> None:
    pool = {
        "Name": "big", "Description": "for training", "Cpus": 4.0, "MemoryBytes": 2**33, "Gpus": 1,
        "UsedCpus": 1, "UsedMemoryBytes": 2**30, "UsedGpus": 0, "Running": [f"notebook {ID}"], "Kinds": [],
        "WorkspaceIds": ["2", "1"], "Draining": False,
    }  # fmt: skip
    spaces = [{"WorkspaceId": id, "WorkspaceName": name} for id, name in (("1", "vision"), ("2", "speech"))]
    api.answers |= {
        "ListPools": {"Pools": [pool, {**pool, "Name": "idle", "WorkspaceIds": []}]},
        "ListWorkspaces": {"Workspaces": spaces, "TotalCount": 2},
    }

    _, big, idle = run(api, "pool", "list").stdout.splitlines()
    assert big.endswith("  speech, vision")
    assert idle.endswith("  none")
    shown = run(api, "pool", "show", "BIG").stdout
    assert "workspaces   speech, vision\n" in shown
    assert f"running      notebook {ID}\n" in shown
