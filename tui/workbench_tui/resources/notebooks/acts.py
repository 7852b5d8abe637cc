"""What can be done with a notebook."""

from __future__ import annotations

from typing import Any

from workbench.errors import WorkbenchError
from workbench_tui.resource import Item, Outcome, Scope, Values
from workbench_tui.resources.notebooks.forms import created, resized
from workbench_tui.resources.notebooks.reading import idle_limit, name
from workbench_tui.texts import say

_LIMIT = ("MaxIdleTimeInMinutes", "CpuPercentThreshold", "GpuPercentThreshold")


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Ask for a notebook, one like `item` where there is one."""
    answer = await scope.call(
        "dsw", "CreateInstance", WorkspaceId=scope.workspace_id or None, **created(item, given)
    )
    new = {"instance_id": answer["InstanceId"]}
    if idle_limit(item):
        try:
            await scope.call("dsw", "CreateIdleInstanceCuller", **new, **_limit(item))
        except WorkbenchError:
            await scope.call("dsw", "DeleteInstance", **new)
            raise
    return Outcome(said=say("Notebook {name} is being made.", name=given["name"] or answer["InstanceId"]))


async def resize(scope: Scope, item: Item, given: Values) -> Outcome:
    """Change what it is given from its next start."""
    await scope.call("dsw", "UpdateInstance", instance_id=item["InstanceId"], **resized(item, given))
    return Outcome(said=say("{name} has its new size from its next start.", name=name(item)))


async def start(scope: Scope, item: Item, given: Values) -> Outcome:
    """Start it."""
    await scope.call("dsw", "StartInstance", instance_id=item["InstanceId"])
    return Outcome(said=say("{name} is starting.", name=name(item)))


async def stop(scope: Scope, item: Item, given: Values) -> Outcome:
    """Stop it."""
    await scope.call("dsw", "StopInstance", instance_id=item["InstanceId"])
    return Outcome(said=say("{name} is stopping. `s` starts it again.", name=name(item)))


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Delete it."""
    await scope.call("dsw", "DeleteInstance", instance_id=item["InstanceId"])
    return Outcome(said=say("{name} is being deleted.", name=name(item)))


async def open_in_browser(scope: Scope, item: Item, given: Values) -> Outcome:
    """A link that lets one browser in."""
    answer = await scope.call("workbench", "CreateNotebookTicket", instance_id=item["InstanceId"])
    return Outcome(said=say("This link opens {name} once.", name=name(item)), url=answer["Url"])


async def revoke(scope: Scope, item: Item, given: Values) -> Outcome:
    """Make worthless what lets anybody in."""
    await scope.call("workbench", "RevokeNotebookAccess", instance_id=item["InstanceId"])
    return Outcome(said=say("Nothing of before opens {name}. `w` makes a new link.", name=name(item)))


async def open_shell(scope: Scope, item: Item, given: Values) -> Outcome:
    """A shell in it, for as long as the user stays there."""
    return Outcome(program=("notebook", "shell", item["InstanceId"]))


async def limit_idling(scope: Scope, item: Item, given: Values) -> Outcome:
    """Set or lift the idle limit."""
    if (minutes := int(given["minutes"])) == 0:
        await scope.call("dsw", "DeleteIdleInstanceCuller", instance_id=item["InstanceId"])
        return Outcome(said=say("{name} is not stopped for idling any more.", name=name(item)))
    await scope.call(
        "dsw", "CreateIdleInstanceCuller", instance_id=item["InstanceId"], MaxIdleTimeInMinutes=minutes
    )
    return Outcome(
        said=say("{name} stops after {minutes} minutes without use.", name=name(item), minutes=minutes)
    )


async def snooze(scope: Scope, item: Item, given: Values) -> Outcome:
    """Set the idle limit that it has once more, as it counts from then."""
    limit = _limit(item)
    await scope.call("dsw", "CreateIdleInstanceCuller", instance_id=item["InstanceId"], **limit)
    return Outcome(
        said=say(
            "{name} is kept for {minutes} minutes more.",
            name=name(item),
            minutes=limit["MaxIdleTimeInMinutes"],
        )
    )


def _limit(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item["IdleInstanceCuller"].items() if name in _LIMIT}
