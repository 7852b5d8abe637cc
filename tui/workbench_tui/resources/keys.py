"""Access keys, with which programs sign what they ask."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui.commands import shell_command
from workbench_tui.resource import (
    Action,
    Field,
    Item,
    Outcome,
    Resource,
    Scope,
    Values,
    age,
    pages,
    state,
    text,
)
from workbench_tui.texts import say


async def load(scope: Scope) -> Sequence[Item]:
    """One's own keys; the machine's owner sees everybody's."""
    return await pages(scope, "workbench", "ListAccessKeys", "AccessKeys")


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Make a key; this is the only time its secret is shown."""
    answer = await scope.call("workbench", "CreateAccessKey", UserId=await user_id(scope, given["user"]))
    lines = (
        f"export WORKBENCH_ACCESS_KEY_ID={answer['AccessKeyId']}",
        f"export WORKBENCH_ACCESS_KEY_SECRET={answer['AccessKeySecret']}",
    )
    return Outcome(said=say("The secret is shown only now."), secret="\n".join(lines))


async def enable(scope: Scope, item: Item, given: Values) -> Outcome:
    """Make it work again."""
    await scope.call("workbench", "UpdateAccessKey", access_key_id=item["AccessKeyId"], Enabled=True)
    return Outcome(said=say("{name} works again.", name=item["AccessKeyId"]))


async def disable(scope: Scope, item: Item, given: Values) -> Outcome:
    """Stop it from working."""
    await scope.call("workbench", "UpdateAccessKey", access_key_id=item["AccessKeyId"], Enabled=False)
    return Outcome(said=say("{name} does not work any more.", name=item["AccessKeyId"]))


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Delete it."""
    await scope.call("workbench", "DeleteAccessKey", access_key_id=item["AccessKeyId"])
    return Outcome(said=say("{name} is deleted.", name=item["AccessKeyId"]))


async def users(scope: Scope) -> Sequence[tuple[str, str]]:
    """Users by name."""
    return [(each["Name"], "") for each in await pages(scope, "workbench", "ListUsers", "Users")]


async def user_id(scope: Scope, name: str) -> str | None:
    """The id of a user; the caller's own, which is None, when no name is given."""
    if not name:
        return None
    found = await pages(scope, "workbench", "ListUsers", "Users", Name=name)
    return next((each["UserId"] for each in found if each["Name"] == name), name)


RESOURCE = Resource(
    name="keys",
    title="Access keys",
    aliases=("key", "accesskeys", "ak"),
    order=51,
    load=load,
    id=lambda item: str(item["AccessKeyId"]),
    label=lambda item: str(item["AccessKeyId"]),
    owner_id=lambda item: item.get("UserId", ""),
    empty="No key yet: press `n` to make one.",
    columns=(
        text("Key", "AccessKeyId", width=24),
        state("State", lambda item: "Enabled" if item.get("Enabled") else "Disabled", width=12),
        text("User", "UserName", width=12),
        age("Last used", "GmtLastUseTime"),
        age("Age", "GmtCreateTime"),
    ),
    actions=(
        Action(
            name="create",
            key="n",
            title="New",
            help="Make a key; its secret is shown once.",
            operation="CreateAccessKey",
            run=create,
            alone=True,
            form=(Field(name="user", title="User", help="Left empty: you.", options=users),),
            command=lambda scope, item, given: shell_command(
                "accesskey", "create", user=given["user"] or None
            ),
        ),
        Action(
            name="enable",
            key="s",
            title="Enable",
            help="Make it work again.",
            operation="UpdateAccessKey",
            run=enable,
            blocked=lambda item: say("It works already.") if item.get("Enabled") else "",
            command=lambda scope, item, given: shell_command("accesskey", "enable", item["AccessKeyId"]),
        ),
        Action(
            name="disable",
            key="x",
            title="Disable",
            help="Stop it from working, at once.",
            operation="UpdateAccessKey",
            run=disable,
            loses=lambda item: say("Programs with {name} are refused at once.", name=item["AccessKeyId"]),
            blocked=lambda item: "" if item.get("Enabled") else say("It does not work already."),
            command=lambda scope, item, given: shell_command("accesskey", "disable", item["AccessKeyId"]),
        ),
        Action(
            name="delete",
            key="D",
            title="Revoke",
            help="Delete it; programs that use it are refused at once.",
            operation="DeleteAccessKey",
            run=delete,
            loses=lambda item: say(
                "{name} is lost for good; programs with it are refused.", name=item["AccessKeyId"]
            ),
            shown=False,
            command=lambda scope, item, given: shell_command("accesskey", "delete", item["AccessKeyId"]),
        ),
    ),
)
