"""What a notebook asks the scheduler for, and what it makes of the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.notebooks.examples import NOW, a_notebook
from tests.notebooks.test_notebook_session import ALICE
from workbench.node import Gpu, MigInstance
from workbench.notebooks import place, session
from workbench.notebooks.records import Notebook, Status
from workbench.notebooks.search import Holding
from workbench.runtime import PodPlan
from workbench.scheduler import Grant, Granted, Holder, Share, Slice, Whole
from workbench.settings import load

GIB = 2**30
CARDS = tuple(
    Gpu(index=index, uuid=f"GPU-{index}", name="A100", memory_bytes=40 * GIB, minor=index)
    for index in range(2)
)


def plan(notebook: Notebook, grant: Grant) -> PodPlan:
    return session.plan(
        notebook,
        image="sha256:1",
        user_name="alice",
        context=ALICE,
        grant=grant,
        gpus=CARDS,
        binds=(),
        network="workspace-1",
        settings=load({}, {}),
    )


@pytest.mark.parametrize(
    ("fields", "cards"),
    [
        ({}, None),
        ({"gpus": 2, "gpu_model": "A100"}, Whole(2, "A100")),
        ({"gpu_memory_bytes": 8 * GIB}, Share(8 * GIB)),
        ({"gpu_instance": "1g.5gb"}, Slice("1g.5gb")),
    ],
)
def test_it_asks_for_what_its_owner_asked_for(fields: dict[str, object], cards: object) -> None:
    request = place.request(a_notebook(priority=4, **fields), "alice", NOW)

    assert request.pods[0].cards == cards
    assert (request.priority, request.owner, request.words) == (4, "alice", "notebook mine of alice")


def test_one_with_a_shutdown_time_is_known_to_end() -> None:
    due = NOW + timedelta(hours=1)

    assert place.request(a_notebook(), "alice", NOW).ends_by(NOW) is None
    for begun in (NOW, NOW + timedelta(minutes=50)):
        assert place.request(a_notebook(shutdown_at=due), "alice", NOW).ends_by(begun) == due


def test_a_later_look_asks_for_the_very_same() -> None:
    notebook = a_notebook(shutdown_at=NOW + timedelta(hours=1))
    first, later = (place.request(notebook, "alice", NOW + timedelta(minutes=m)) for m in (0, 7))

    assert replace(later, asked_at=first.asked_at) == first


def test_a_session_is_told_how_many_cards_it_has_and_the_engine_which() -> None:
    made = plan(a_notebook(gpus=2), Grant(("GPU-0", "GPU-1")))

    assert made.gpus == ("GPU-0", "GPU-1")
    assert "export NVIDIA_VISIBLE_DEVICES=0,1; exec" in made.command[2]
    assert "NVIDIA_VISIBLE_DEVICES" not in made.environment


def test_a_share_is_told_to_frameworks_by_their_own_variables() -> None:
    environment = plan(a_notebook(), Grant(("GPU-1",), 10 * GIB)).environment

    assert environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.250"
    assert environment["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=10240M"
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def test_a_lost_card_marks_a_notebook_that_runs_on_and_the_mark_goes_with_the_trouble() -> None:
    running = a_notebook(status=Status.RUNNING)

    marked = place.marked(running, Granted((), lost="GPU-0: It fell off the bus."), (), NOW)

    assert (marked.status, marked.reason_code) == (Status.RUNNING, "GPULost")
    assert "fell off the bus" in marked.reason
    assert place.marked(marked, Granted(()), (), NOW).reason_code == ""
    assert place.marked(running, Granted(()), (), NOW) == running


def test_a_card_that_it_can_open_no_more_marks_a_notebook_and_what_is_known_of_a_card_goes_first() -> None:
    running = a_notebook(status=Status.RUNNING)

    marked = place.marked(running, Granted(()), ["/dev/nvidia1"], NOW)
    assert (marked.status, marked.reason_code) == (Status.RUNNING, "GPULost")
    assert "can open /dev/nvidia1 any more" in marked.reason
    assert "stop and start it" in marked.reason
    assert place.marked(marked, Granted(()), (), NOW).reason_code == ""

    fell_off = place.marked(running, Granted((), lost="It fell off the bus."), ["/dev/nvidia1"], NOW)
    assert "/dev/nvidia1" not in fell_off.reason


def test_who_has_to_make_way_is_told_for_whom_and_how_long_there_is_to_save() -> None:
    running = a_notebook(status=Status.RUNNING)
    leaving = Granted((), leave="job x of alice (priority 7)", leaves_by=NOW + timedelta(minutes=1))

    marked = place.marked(running, leaving, (), NOW)

    assert (marked.status, marked.reason_code) == (Status.RUNNING, "Preempting")
    assert "stops at 12:01:00 UTC to make way for job x of alice (priority 7): save" in marked.reason
    assert place.marked(marked, Granted(()), (), NOW).reason == "", "it may stay after all"


def test_a_session_that_sees_a_card_it_was_not_given_is_stopped() -> None:
    given = Grant(("GPU-1",))

    assert place.strangers(frozenset({1}), given, CARDS) == ""
    assert place.strangers(None, given, CARDS) == "", "it could not be looked at"
    assert "/dev/nvidia0, /dev/nvidia1" in place.strangers(frozenset({0, 1}), given, CARDS)
    assert "none" in place.strangers(frozenset(), given, CARDS)
    assert place.strangers(frozenset({0}), Grant(), CARDS)


def test_what_a_notebook_holds_is_named_by_its_cards_and_counted_by_memory() -> None:
    def holder(id: str, memory_bytes: int = 0) -> Holder:
        return Holder("notebook", id, "n", "alice", "1", "2", memory_bytes, NOW)

    parts = (MigInstance("MIG-1", "1g.10gb", 10 * GIB),)
    cut = Gpu(index=2, uuid="GPU-2", name="H100", divided=True, instances=parts)
    holders = {
        "GPU-0": [holder("dsw-1")],
        "GPU-1": [holder("dsw-2", 8 * GIB), holder("dsw-3", 4 * GIB)],
        "MIG-1": [holder("dsw-1")],
    }

    held = place.holding(holders, [*CARDS, cut])

    assert held["dsw-1"] == Holding("A100 H100 1g.10gb", 10 * GIB)
    assert held["dsw-2"] == Holding("A100", 8 * GIB)


def test_an_instance_is_seen_as_the_card_that_it_is_a_part_of() -> None:
    divided = Gpu(index=0, uuid="GPU-0", minor=0, divided=True, instances=(MigInstance("MIG-1", "1g.5gb"),))

    assert place.strangers(frozenset({0}), Grant(("MIG-1",)), [divided]) == ""
