"""Bearer tokens, for programs that cannot sign."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import checks, values
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
    pages,
    text,
)
from workbench_tui.resources.keys import user_id, users
from workbench_tui.texts import say
from workbench_tui.tones import Word


async def load(scope: Scope) -> Sequence[Item]:
    """One's own tokens; the machine's owner sees everybody's."""
    return await pages(scope, "workbench", "ListTokens", "Tokens")


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Make a token; this is the only time it is shown."""
    answer = await scope.call(
        "workbench",
        "CreateToken",
        UserId=await user_id(scope, given["user"]),
        Description=given["description"],
        LifeInHours=float(given["hours"] or 24),
    )
    return Outcome(said=say("The token is shown only now."), secret=answer["Token"])


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Revoke it."""
    await scope.call("workbench", "DeleteToken", token_id=item["TokenId"])
    return Outcome(said=say("{name} is deleted.", name=item["TokenId"]))


RESOURCE = Resource(
    name="tokens",
    title="Tokens",
    aliases=("token",),
    order=52,
    load=load,
    id=lambda item: str(item["TokenId"]),
    label=lambda item: str(item.get("Description") or item["TokenId"]),
    owner_id=lambda item: item.get("UserId", ""),
    empty="No token yet: press `n` to make one.",
    columns=(
        text("Token", "TokenId", width=24),
        text("User", "UserId", width=18, from_width=100),
        Column(
            title="Expires",
            read=lambda item: item.get("GmtExpireTime", ""),
            show=lambda time: Word(values.clock(time)),
            width=19,
        ),
        age("Last used", "GmtLastUseTime"),
        age("Age", "GmtCreateTime", from_width=100),
        text("Description", "Description", width=0),
    ),
    actions=(
        Action(
            name="create",
            key="n",
            title="New",
            help="Make a token; it is shown once.",
            operation="CreateToken",
            run=create,
            alone=True,
            form=(
                Field(name="description", title="What for"),
                Field(name="hours", title="Hours it lives", check=checks.amount, start=lambda item: "24"),
                Field(name="user", title="User", help="Left empty: you.", options=users),
            ),
            command=lambda scope, item, given: shell_command(
                "token",
                "create",
                user=given["user"] or None,
                hours=given["hours"] or None,
                description=given["description"] or None,
            ),
        ),
        Action(
            name="delete",
            key="D",
            title="Revoke",
            help="Programs that use it are refused at once.",
            operation="DeleteToken",
            run=delete,
            loses=lambda item: say(
                "{name} is lost for good; programs with it are refused.", name=item["TokenId"]
            ),
            command=lambda scope, item, given: shell_command("token", "delete", item["TokenId"]),
        ),
    ),
)
