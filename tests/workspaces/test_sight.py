"""What somebody may know of other people's notebooks, wherever these are shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notebooks.examples import a_notebook
from tests.workspaces.conftest import Machine
from workbench import notebooks
from workbench.notebooks import records
from workbench.telemetry import events
from workbench.wire.call import Caller
from workbench.workspaces import Role, knows
from workbench.workspaces.members import enrol


@pytest.fixture
def whose(machine: Machine) -> Iterator[Caller]:
    """Who has a private notebook `dsw-private` and a public one `dsw-public`, and had `dsw-gone`."""
    machine.store.migrate([events.MIGRATIONS, notebooks.MIGRATIONS])
    user = machine.join(Role.DEVELOPER, 2001)
    with machine.store.transaction() as db:
        for name, accessibility in (("private", "PRIVATE"), ("public", "PUBLIC")):
            mine = a_notebook(
                id=f"dsw-{name}",
                name=name,
                workspace_id=machine.first.workspace_id,
                user_id=user.user_id,
                accessibility=accessibility,
            )
            records.insert(db, mine)
    yield user
    machine.store.close()


def known_to(machine: Machine, caller: Caller, whose: Caller) -> list[str]:
    with machine.store.reading() as db:
        knows_of = knows(db, caller, [notebooks.RESIDENTS])
    return [
        name
        for name in ("private", "public", "gone")
        if knows_of(f"dsw-{name}", machine.first.workspace_id, whose.user_id)
    ]


@pytest.mark.parametrize(
    ("role", "known"),
    [
        (Role.ADMIN, ["private", "public", "gone"]),
        (Role.OPERATOR, ["private", "public", "gone"]),
        (Role.DEVELOPER, ["public"]),
    ],
)
def test_a_member_knows_what_their_role_lets_them_see(
    role: Role, known: list[str], machine: Machine, whose: Caller
) -> None:
    assert known_to(machine, machine.join(role, 2002), whose) == known


def test_a_user_knows_their_own_and_the_machines_owner_everything(machine: Machine, whose: Caller) -> None:
    assert known_to(machine, whose, whose) == ["private", "public", "gone"]
    assert known_to(machine, machine.owner, whose) == ["private", "public", "gone"]


def test_who_is_in_no_workspace_or_in_another_knows_nothing(machine: Machine, whose: Caller) -> None:
    stranger = Caller(user_id=machine.add_user("eve", 2003).user_id, name="eve")
    assert known_to(machine, stranger, whose) == []

    elsewhere = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="elsewhere", EnvTypes=["prod"])
    with machine.store.transaction() as db:
        enrol(db, elsewhere["WorkspaceId"], stranger.user_id, [Role.ADMIN], now=machine.clock())
    assert known_to(machine, stranger, whose) == []
