"""Two hundred notebooks asked for at the same moment, on a machine that has room for twenty."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.agreement import disagreements, statuses
from tests.installation import Installation
from workbench.client import Client
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

MANY, ROOM = 200, 20


def ask_all(what: Any, of: Any) -> list[Any]:
    """The answers to as many requests at once; any refusal is raised."""
    with ThreadPoolExecutor(MANY) as clients:
        return list(clients.map(what, of))


def counts(workbench: Installation) -> Counter[str]:
    return Counter(statuses(workbench).values())


def test_a_burst_loses_nothing_and_whoever_waits_comes_to_their_turn(
    workbench: Installation, light_image: str
) -> None:
    cpus = workbench.json("node")["Cpus"] * workbench.settings.cpu_overcommit / ROOM
    size = {"CPU": f"{cpus:g}", "Memory": "0.125"}

    patient = Client(workbench.settings.socket, timeout_s=300)  # all of them wait for the last

    def create(number: int) -> str:
        answer = patient.call(
            operation("dsw", "CreateInstance"),
            InstanceName=f"burst{number}",
            RequestedResource=size,
            ImageUrl=light_image,
        )
        return str(answer["InstanceId"])

    def delete(id: str) -> None:
        patient.call(operation("dsw", "DeleteInstance"), instance_id=id)

    made = ask_all(create, range(MANY))

    assert len(set(made)) == MANY
    workbench.until(
        lambda: counts(workbench) == {"Running": ROOM, "Queuing": MANY - ROOM},
        "the room is taken",
        within_s=300,
    )
    queue = workbench.json("queue")
    assert [each["Position"] for each in queue] == list(range(1, MANY - ROOM + 1))
    assert all("CPUs" in each["Reason"] for each in queue)

    first = {each for each, status in statuses(workbench).items() if status == "Running"}
    ask_all(delete, first)
    next_ones = {each["Id"] for each in queue[:ROOM]}

    workbench.until(
        lambda: {each for each, status in statuses(workbench).items() if status == "Running"} == next_ones,
        "the next ones run",
        within_s=300,
    )
    ask_all(delete, set(made) - first)
    workbench.until(lambda: not statuses(workbench), "all are gone", within_s=300)
    workbench.until(lambda: not disagreements(workbench), "nothing is left", within_s=300)
