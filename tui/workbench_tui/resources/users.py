"""Users of the machine."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import checks
from workbench_tui.commands import shell_command
from workbench_tui.resource import (
    Action,
    Column,
    Field,
    Item,
    Outcome,
    Resource,
    Scope,
    Values,
    age,
    number,
    pages,
    state,
    text,
)
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All users."""
    return await pages(scope, "workbench", "ListUsers", "Users")


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Make a user."""
    ids = {"UnixUid": given["uid"], "UnixGid": given["gid"]}
    numbers = {name: int(value) for name, value in ids.items() if value}
    await scope.call("workbench", "CreateUser", Name=given["name"], **numbers)
    return Outcome(said=say("{name} is a developer in the default workspace.", name=given["name"]))


async def enable(scope: Scope, item: Item, given: Values) -> Outcome:
    """Let a user in again."""
    await scope.call("workbench", "UpdateUser", user_id=item["UserId"], Enabled=True)
    return Outcome(said=say("{name} may come in again.", name=item["Name"]))


async def disable(scope: Scope, item: Item, given: Values) -> Outcome:
    """Shut a user out."""
    await scope.call(
        "workbench", "UpdateUser", user_id=item["UserId"], Enabled=False, Sessions=given["sessions"]
    )
    return Outcome(said=say("{name} is shut out.", name=item["Name"]))


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Delete a user."""
    await scope.call("workbench", "DeleteUser", user_id=item["UserId"], Sessions=given["sessions"])
    return Outcome(said=say("{name} is deleted; their files stay.", name=item["Name"]))


async def _sessions(scope: Scope) -> Sequence[tuple[str, str]]:
    return [("stop", say("what they run is stopped")), ("keep", say("what they run goes on"))]


def _state(item: Item) -> str:
    return "Enabled" if item.get("Enabled") else "Disabled"


def _not_owner(item: Item) -> str:
    return say("The machine's owner stays.") if item.get("MachineOwner") else ""


_SESSIONS = Field(
    name="sessions",
    title="What they run",
    help="Everything of theirs that runs: stop it, or keep it running. Their files stay.",
    needed=True,
    free=False,
    options=_sessions,
    start=lambda item: "stop",
)

RESOURCE = Resource(
    name="users",
    title="Users",
    aliases=("user",),
    order=50,
    load=load,
    id=lambda item: str(item["UserId"]),
    label=lambda item: str(item["Name"]),
    follows=frozenset({"user"}),
    empty="Nobody is known.",
    columns=(
        text("Name", "Name", width=20),
        state("State", _state, width=12),
        Column(
            title="Owns the machine",
            read=lambda item: bool(item.get("MachineOwner")),
            show=lambda owner: Word("★" if owner else "", Tone.ACCENT),
            width=16,
        ),
        number("uid", lambda item: item.get("UnixUid"), width=6, show=lambda uid: f"{uid:.0f}"),
        number(
            "gid", lambda item: item.get("UnixGid"), width=6, from_width=90, show=lambda gid: f"{gid:.0f}"
        ),
        age("Age", "GmtCreateTime"),
        text("Id", "UserId", width=20, from_width=110, tone=Tone.QUIET),
    ),
    actions=(
        Action(
            name="create",
            key="n",
            title="New",
            help="Make a user, who is a developer in the default workspace.",
            operation="CreateUser",
            run=create,
            alone=True,
            form=(
                Field(name="name", title="Name", needed=True, check=checks.user_name),
                Field(
                    name="uid",
                    title="Unix uid",
                    check=checks.whole,
                    help="Left empty: that of the Unix user of this name, or a new one.",
                ),
                Field(name="gid", title="Unix gid", check=checks.whole),
            ),
            command=lambda scope, item, given: shell_command(
                "user", "add", given["name"], uid=given["uid"] or None, gid=given["gid"] or None
            ),
        ),
        Action(
            name="enable",
            key="s",
            title="Let in",
            help="Let them in again.",
            operation="UpdateUser",
            run=enable,
            blocked=lambda item: say("They are in already.") if item.get("Enabled") else "",
            command=lambda scope, item, given: shell_command("user", "enable", item["Name"]),
        ),
        Action(
            name="disable",
            key="x",
            title="Shut out",
            help="None of their keys, tokens and sessions works any more.",
            operation="UpdateUser",
            run=disable,
            form=(_SESSIONS,),
            loses=lambda item: say("{name} is shut out of everything at once.", name=item["Name"]),
            blocked=lambda item: (
                _not_owner(item) or ("" if item.get("Enabled") else say("They are out already."))
            ),
            command=lambda scope, item, given: shell_command(
                "user", "disable", item["Name"], sessions=given["sessions"]
            ),
        ),
        Action(
            name="delete",
            key="D",
            title="Delete",
            help="Delete them; their files stay.",
            operation="DeleteUser",
            run=delete,
            form=(_SESSIONS,),
            loses=lambda item: say(
                "{name} is lost for good, with all keys and tokens; their files stay.", name=item["Name"]
            ),
            blocked=_not_owner,
            shown=False,
            command=lambda scope, item, given: shell_command(
                "user", "remove", item["Name"], sessions=given["sessions"]
            ),
        ),
    ),
)
