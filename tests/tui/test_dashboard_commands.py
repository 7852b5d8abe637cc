"""The command below a form or a question is one that there is, and says all that was typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import click
import pytest

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine, notebook
from workbench.cli import workbench
from workbench_tui.resource import Action, Item, Resource, Scope
from workbench_tui.resources import resources

SCOPE = Scope(cast(Any, None), workspace_id="100")
ITEM = {
    **notebook("train", "Running"),
    "Name": "bob",
    "UserId": "2",
    "MemberId": "m2",
    "MemberName": "bob",
    "Roles": ["PAI.AlgoDeveloper"],
    "AccessKeyId": "WBkey",
    "TokenId": "t-1",
    "Uuid": "GPU-1",
    "WorkspaceIds": ["100", "300"],
    "Kinds": ["training"],
    "Datasets": [{"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "RO"}],
}
TYPED = {
    "name": "new",
    "user": "bob",
    "role": "PAI.AlgoDeveloper",
    "uid": "1001",
    "gid": "1001",
    "sessions": "stop",
    "reason": "It's hot",
    "hours": "2.5",
    "description": "What it is for",
    "display": "New",
    "cpu": "2",
    "memory": "16",
    "gpu": "1",
    "gpu_type": "A100",
    "kinds": "training inference",
    "workspaces": "100 200",
    "priority": "7",
    "preemptible": "yes",
    "mounts": "nas://workspace/in=/mnt/in:ro nas://workspace/out=/mnt/out",
    "minutes": "90",
    "image": "notebook",
    **dict.fromkeys(("Cpus", "MemoryBytes", "Gpus", "Notebooks", "Jobs", "Services", "DiskBytes"), "3"),
}
WITHOUT_COMMAND = ("use",)


def actions() -> Iterator[tuple[Resource, Action]]:
    """All that can be done, but for what concerns the dashboard alone."""
    for resource in resources().values():
        for action in resource.actions:
            if action.name not in WITHOUT_COMMAND:
                yield resource, action


def command_of(action: Action) -> str:
    """The command for what stands in the form at first and what was typed over it."""
    item: Item = {} if action.alone else ITEM
    form = {field.name: field.start(item) for field in action.form}
    return action.command(SCOPE, item, form | {name: TYPED[name] for name in form if name in TYPED})


def parsed(command: str) -> tuple[str, Mapping[str, Any]]:
    """The subcommand and its values, as click reads the words."""
    program, *words = shlex.split(command)
    assert program == "workbench"
    path, context = [], workbench.make_context("workbench", words)
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, inner, rest = context.command.resolve_command(context, rest)
        assert name and inner
        path.append(name)
        context = inner.make_context(name, rest, parent=context)
    return " ".join(path), context.params


@pytest.mark.parametrize(
    "action", [pytest.param(each, id=f"{of.name}.{each.name}") for of, each in actions()]
)
def test_each_command_is_one_that_there_is(action: Action) -> None:
    for command in command_of(action).split(" && "):
        parsed(command)


@pytest.mark.parametrize(
    ("kind", "name", "command", "values"),
    [
        ("users", "create", "user add", {"name": "new", "uid": 1001, "gid": 1001}),
        ("users", "delete", "user remove", {"name": "bob", "sessions": "stop"}),
        ("keys", "create", "accesskey create", {"owner": "bob"}),
        ("tokens", "create", "token create", {"owner": "bob", "hours": 2.5, "description": "What it is for"}),
        (
            "members",
            "add",
            "member add",
            {"user": "bob", "roles": ("PAI.AlgoDeveloper",), "workspace": "100"},
        ),
        ("gpus", "cordon", "gpu cordon", {"gpu_": "GPU-1", "reason": "It's hot"}),
        ("quota", "change", "workspace quota", {"unlimited": True, "cpus": 3.0, "disk": 3 * 2**30}),
        (
            "pools",
            "create",
            "pool create",
            {"name": "new", "cpus": 2.0, "memory": 16 * 2**30, "kinds": ("training", "inference")},
        ),
        ("notebooks", "resize", "notebook update", {"name_or_id": "train", "cpu": "2", "gpu_type": "A100"}),
        ("notebooks", "idle", "notebook update", {"name_or_id": "train", "idle_minutes": 90}),
        (
            "notebooks",
            "clone",
            "notebook create",
            {"cpu": "2", "shm": "8", "env": (("WANDB_MODE", "offline"),), "idle_minutes": 60, "priority": 7},
        ),
    ],
)
def test_a_command_says_what_was_typed(kind: str, name: str, command: str, values: dict[str, Any]) -> None:
    [action] = [each for each in resources()[kind].actions if each.name == name]
    path, params = parsed(command_of(action))

    assert path == command
    assert {each: params[each] for each in values} == values


def test_mounts_are_said_with_what_may_be_done_to_them() -> None:
    [create] = [each for each in resources()["notebooks"].actions if each.name == "create"]
    _, params = parsed(command_of(create))

    assert [(each.uri, each.path, each.read_only) for each in params["mount"]] == [
        ("nas://workspace/in", "/mnt/in", True),
        ("nas://workspace/out", "/mnt/out", False),
    ]


def test_a_pool_whose_workspaces_change_is_linked_anew() -> None:
    [change] = [each for each in resources()["pools"].actions if each.name == "change"]
    _, unlink, link = command_of(change).split(" && ")

    assert parsed(unlink) == ("pool unlink", {"name": "bob", "workspaces": ("300",)})
    assert parsed(link) == ("pool link", {"name": "bob", "workspaces": ("200",)})


async def test_no_command_is_said_where_none_does_the_same_and_half_typed_values_break_nothing(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path, size=(160, 50)) as user:
        await user.go("nb")
        await user.sees("vision  alice", "explore")
        await user.press("n")
        await user.sees("workbench notebook create --image notebook --workspace 100")
        await user.press(*["tab"] * 8)
        await user.type("high")
        await user.sees("A whole number from 1 to 9 is wanted.", "workbench notebook create")
        await user.press("ctrl+u", *["shift+tab"] * 6)
        await user.type("ecs.g6.large")
        await user.sees_no_more("workbench notebook create")
