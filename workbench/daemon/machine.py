"""Operations on the machine as a whole, which PAI has none for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from workbench import __version__, notebooks, workspaces
from workbench.errors import Forbidden, NotFound, Unavailable
from workbench.parts import Handler, Parts, Route
from workbench.runtime.images import BuiltIn, Failed, Present, Working
from workbench.telemetry import Change
from workbench.wire.call import Call, Caller, Stream
from workbench.wire.operations import operation
from workbench.wire.times import to_wire

Answer = Mapping[str, Any]


class NoSuchImage(NotFound):
    """Workbench builds no image of this name."""

    code = "ImageNotFound"


def routes(parts: Parts, shut_down: Callable[[bool], None]) -> tuple[Route, ...]:
    """The operations, with what only the daemon's own process knows.

    Args:
        shut_down: Ends the daemon, and the sessions too if its argument says so. Returns at once.
    """
    started_at = to_wire(parts.now())

    def status(parts: Parts, call: Call) -> Answer:
        with parts.store.reading() as db:
            by_status = notebooks.by_status(db)
        gateway = parts.gateway.status()
        return {
            "Version": __version__,
            "Home": str(parts.settings.home),
            "Endpoint": parts.settings.endpoint,
            "StartedAt": started_at,
            "Pid": os.getpid(),
            "Caller": {
                "UserId": call.caller.user_id,
                "Name": call.caller.name,
                "MachineOwner": call.caller.owner,
            },
            "Engine": _engine(parts),
            "Gateway": {
                "Answers": gateway.answers,
                "State": gateway.state,
                "Message": gateway.message,
            },
            "Notebooks": by_status,
            "Images": _images(parts),
            "Failures": [
                {"Kind": kind, "Id": id, "Failures": failures}
                for (kind, id), failures in parts.queue.failures().items()
                if call.caller.owner
            ],
        }

    def end(parts: Parts, call: Call) -> Answer:
        workspaces.require_on_machine(call.caller, call.operation.action)
        shut_down(call.fields.get("Sessions", False))
        return {}

    answers: Mapping[str, Handler] = {
        "GetStatus": status,
        "GetConnection": connection,
        "Watch": watch,
        "ListBuiltInImages": list_images,
        "BuildImage": build_image,
        "Shutdown": end,
    }
    return tuple(Route(operation("workbench", name), answer) for name, answer in answers.items())


def connection(parts: Parts, call: Call) -> Answer:
    """GetConnection: what the caller's own programs need to connect."""
    workspaces.refuse_to_tokens(call.caller, call.operation.action)
    with parts.store.reading() as db:
        key = workspaces.usable_key(db, parts.vault, call.caller.user_id)
        workspace = workspaces.default_workspace(db)
    if key is None:
        raise NotFound(
            "You have no access key that is enabled.", hint="`workbench accesskey create` makes one."
        )
    return {
        "Endpoint": parts.settings.endpoint,
        "AccessKeyId": key.access_key_id,
        "AccessKeySecret": key.secret,
        "WorkspaceId": workspace.workspace_id,
        "Home": str(parts.settings.home),
    }


def watch(parts: Parts, call: Call) -> Stream:
    """Watch: changes of what the caller may see, from now on, one a line."""
    return Stream(_changes(parts, call.fields, call.caller))


def list_images(parts: Parts, call: Call) -> Answer:
    """ListBuiltInImages."""
    return {"Images": _images(parts)}


def build_image(parts: Parts, call: Call) -> Answer:
    """BuildImage: see to it that a built-in image is there; Watch tells how far it is."""
    name = call.fields["name"]
    known = {each.name for each in parts.images.list()}
    if name not in known:
        raise NoSuchImage(
            f"Workbench has no image {name!r} to build.", hint=f"There are {', '.join(sorted(known))}."
        )
    parts.images.retry(name)
    parts.images.ensure(name)
    return {"Image": next(_image(each) for each in parts.images.list() if each.name == name)}


async def _changes(
    parts: Parts, fields: Mapping[str, Any], caller: Caller
) -> AsyncIterator[Mapping[str, Any]]:
    async for change in parts.live.follow():
        if fields.get("Kind", change.kind) != change.kind or fields.get("Id", change.id) != change.id:
            continue
        if not await asyncio.to_thread(_may_hear, parts, caller, change):
            continue
        yield {
            "Kind": change.kind,
            "Id": change.id,
            "Status": change.status,
            "Message": await asyncio.to_thread(_message, parts, caller, change),
        }


def _may_hear(parts: Parts, caller: Caller, change: Change) -> bool:
    """Asked for each change: a stream lives long, and roles are taken away meanwhile."""
    if change.only_for is not None and not caller.owner and caller.user_id not in change.only_for:
        return False
    try:
        with parts.store.reading() as db:
            if not workspaces.user(db, caller.user_id).enabled:
                return False
            if change.workspace_id:
                private = bool(change.private_to)
                owner = change.private_to
                workspaces.require(db, caller, change.workspace_id, "ListInstances", owner, private=private)
    except (Forbidden, NotFound):
        return False
    return True


def _message(parts: Parts, caller: Caller, change: Change) -> str:
    return notebooks.heard_by(parts, caller, change) if change.kind == notebooks.KIND else change.message


def _engine(parts: Parts) -> Answer:
    try:
        return {"Answers": True, "Version": parts.runtime.engine().version, "Message": ""}
    except Unavailable as error:
        return {"Answers": False, "Version": "", "Message": str(error)}


def _images(parts: Parts) -> list[Answer]:
    try:
        return [_image(each) for each in parts.images.list()]
    except Unavailable:
        return []  # the engine is away, which the status says beside


def _image(image: BuiltIn) -> Answer:
    row: dict[str, Any] = {
        "Name": image.name,
        "Reference": image.reference,
        "State": type(image.status).__name__,
        "Progress": "",
        "SizeBytes": 0,
        "CreatedAt": "",
    }
    match image.status:
        case Present() as present:
            row |= {"SizeBytes": present.size_bytes, "CreatedAt": to_wire(present.created_at)}
        case Working(text):
            row["Progress"] = text
        case Failed(reason, hint):
            row["Progress"] = f"{reason} {hint}".strip()
    return row
