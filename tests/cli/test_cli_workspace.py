"""`workbench workspace delete`: what would be lost is listed before anything is."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from tests.in_process_api import Api, instance
from workbench.cli import workbench

NOTEBOOKS = [
    instance(InstanceId="dsw-1", InstanceName="train", Status="Stopped", UserName="alice"),
    instance(InstanceId="dsw-2", InstanceName="try", Status="Failed", UserName="bob"),
]


@pytest.fixture
def vision(api: Api) -> Api:
    """A workspace with two notebooks that do not run."""
    workspaces = [{"WorkspaceId": "7", "WorkspaceName": "vision"}]
    api.answers["ListWorkspaces"] = {"Workspaces": workspaces, "TotalCount": 1}
    api.answers["ListInstances"] = {"Instances": NOTEBOOKS, "TotalCount": 2}
    api.answers["DeleteWorkspace"] = {}
    return api


def delete(api: Api, *options: str, say: str = "") -> Result:
    home = str(api.settings.home)
    return CliRunner().invoke(workbench, ["--home", home, "workspace", "delete", "vision", *options], say)


def deleted(api: Api) -> list[object]:
    return [fields["workspace_id"] for name, fields in api.calls if name == "DeleteWorkspace"]


def test_what_goes_is_listed_and_nothing_goes_unless_it_is_meant(vision: Api) -> None:
    asked = delete(vision, say="n\n")

    assert asked.exit_code == 1
    assert "train (dsw-1) of alice, Stopped" in asked.stderr
    assert "try (dsw-2) of bob, Failed" in asked.stderr
    assert "with its members and 2 notebooks? This cannot be undone" in asked.stderr
    assert vision.fields_of("ListInstances")["WorkspaceId"] == "7"
    assert deleted(vision) == []


@pytest.mark.parametrize(("options", "said"), [([], "y\n"), (["--yes"], "")])
def test_it_goes_once_it_is_meant(vision: Api, options: list[str], said: str) -> None:
    assert delete(vision, *options, say=said).exit_code == 0
    assert deleted(vision) == ["7"]


def test_an_empty_workspace_is_asked_for_too(vision: Api) -> None:
    vision.answers["ListInstances"] = {"Instances": [], "TotalCount": 0}

    assert "with its members and no notebooks?" in delete(vision, say="n\n").stderr
    assert deleted(vision) == []
