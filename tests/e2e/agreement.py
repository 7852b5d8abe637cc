"""Whether the records, the engine, the disk and HAProxy agree, once everything has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from tests.installation import Installation
from workbench.errors import Unavailable
from workbench.gateway.control import Control
from workbench.gateway.render import CONFIGURATION, NOTEBOOKS
from workbench.runtime import PodState
from workbench.wire.operations import operation

_AT_REST = {"Running", "Stopped", "Failed"}
_SETTLED_WITHIN_S = 240
_AGREED_WITHIN_S = 60


def statuses(installation: Installation) -> dict[str, str]:
    """The status of each notebook on record."""
    answer = installation.dsw("ListInstances", PageSize=1000)
    return {each["InstanceId"]: each["Status"] for each in answer["Instances"]}


def until_they_agree(installation: Installation) -> None:
    """Wait until nothing is under way any more; then nothing may be held in vain or missing."""
    installation.until(
        lambda: set(statuses(installation).values()) <= _AT_REST,
        "all notebooks are at rest",
        within_s=_SETTLED_WITHIN_S,
    )
    with suppress(AssertionError):
        installation.until(lambda: not disagreements(installation), "all agree", within_s=_AGREED_WITHIN_S)
    found = disagreements(installation)
    assert not found, found


def disagreements(installation: Installation) -> list[str]:
    """What is somewhere and should not be, or should be and is not. Empty when all is well."""
    return list(_disagreements(installation))


def _disagreements(installation: Installation) -> Iterator[str]:
    known = statuses(installation)
    running = {id for id, status in known.items() if status == "Running"}
    run = installation.settings.run

    pods = Counter(pod.id for pod in installation.pods())
    yield from _difference("containers", set(pods), running)
    yield from (f"{id} has {number} containers" for id, number in pods.items() if number > 1)
    yield from (f"{pod.name} is {pod.state}" for pod in installation.pods() if pod.state != PodState.RUNNING)
    yield from _difference("pins", _names(run / "pods"), {f"notebook-{id}-main" for id in running})
    yield from _difference("session files", _names(run / "sessions"), running)
    environments = _names(installation.settings.home / "notebooks")
    yield from (f"environment of {id}, which is gone" for id in environments - known.keys())
    networks = {network.name for network in installation.runtime.list_networks()}
    yield from _difference("networks", networks - {_workspace_network(installation)}, set())

    # Files first: HAProxy reads them when it starts anew.
    configuration = (run / "gateway" / CONFIGURATION).read_text()
    servers = {line.split()[1] for line in configuration.splitlines() if line.startswith("    server dsw-")}
    yield from _difference("servers in the gateway's file", servers, running)
    lines = (run / "gateway" / NOTEBOOKS).read_text().splitlines()
    yield from _difference(
        "records in the gateway's file", {line.split()[0] for line in lines if line[:1] != "#"}, known
    )
    try:
        control = Control(run / "gateway" / "master.sock")
        told = control.running(control.workers()[0])
    except Unavailable as error:
        yield f"{error}"
        return
    yield from _difference("servers HAProxy knows", set(told.servers), running)
    yield from _difference("records HAProxy knows", set(told.records), known)


def _difference(what: str, found: set[str], wanted: Collection[str]) -> Iterator[str]:
    if surplus := found - set(wanted):
        yield f"{what}, too many: {sorted(surplus)}"
    if missing := set(wanted) - found:
        yield f"{what}, missing: {sorted(missing)}"


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()} if folder.exists() else set()


def _workspace_network(installation: Installation) -> str:
    connection = installation.client.call(operation("workbench", "GetConnection"))
    return f"workspace-{connection['WorkspaceId']}"
