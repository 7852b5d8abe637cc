"""Lists of notebooks: what is found, in which order, and by whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.notebooks.examples import NOW, a_notebook
from workbench import workspaces
from workbench.notebooks import records, search
from workbench.notebooks.api import filters
from workbench.notebooks.records import Status
from workbench.notebooks.search import Holding
from workbench.notebooks.session import KIND
from workbench.store import Store

GIB = 2**30
HOLDING = {"dsw-b": Holding("NVIDIA A10", 24 * GIB), "dsw-c": Holding("NVIDIA A100", 40 * GIB)}
"""Beta and gamma hold a card now; delta asked for an instance and holds none."""


@pytest.fixture
def filled(store: Store) -> Store:
    """Alpha and beta of user 1 and gamma of user 2, all in workspace 1; delta of user 2 in workspace 2."""
    notebooks = [
        a_notebook(
            id="dsw-a",
            name="alpha",
            cpus=0.5,
            memory_bytes=GIB,
            gpu_memory_bytes=8 * GIB,
            gpu_model="A100",
            status=Status.RUNNING,
        ),
        a_notebook(
            id="dsw-b",
            name="Beta_100%",
            cpus=2,
            gpus=1,
            created_at=NOW + timedelta(seconds=0.5),
            priority=5,
        ),
        a_notebook(
            id="dsw-c",
            name="gamma",
            user_id="2",
            accessibility="PUBLIC",
            image="mine/torch:2",
            preemptible=True,
        ),
        a_notebook(
            id="dsw-d",
            name="delta",
            user_id="2",
            workspace_id="2",
            gpu_instance="3g.20gb",
            status=Status.FAILED,
        ),
    ]
    with store.transaction() as db:
        for each in notebooks:
            records.insert(db, each)
        running = {"kind": KIND, "id": "dsw-b", "name": "Beta_100%", "workspace_id": "1", "user_id": "1"}
        db.table("work").insert({**running, "pool": "big", "cpus": 2, "memory_bytes": GIB, "gpus": 1})
        workspaces.put_tags(db, KIND, "dsw-a", "1", {"team": "red", 'odd "key"': "1"})
        workspaces.put_tags(db, KIND, "dsw-b", "1", {"team": "red", "size": "big"})
    return store


def found(store: Store, seen_in: Any = None, **fields: Any) -> list[str]:
    """The names on the first page of ten, by name unless asked otherwise."""
    query = filters.query({"SortBy": "InstanceName", "Order": "ASC", **fields}, seen_in, HOLDING)
    with store.reading() as db:
        page, total = search.find(db, query, offset=0, limit=10)
    assert total == len(page)
    return [each.name for each in page]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["Beta_100%", "alpha", "delta", "gamma"]),
        ({"InstanceName": "ALPH"}, ["alpha"]),
        ({"InstanceName": "_100%"}, ["Beta_100%"]),
        ({"InstanceName": "%"}, ["Beta_100%"]),
        ({"InstanceId": "dsw-c"}, ["gamma"]),
        ({"Status": "Running, Failed"}, ["alpha", "delta"]),
        ({"Status": "running,SaveFailed"}, ["alpha"]),
        ({"Accessibility": "public"}, ["gamma"]),
        ({"ImageName": "torch"}, ["gamma"]),
        ({"WorkspaceId": "2"}, ["delta"]),
        ({"CreateUserId": "2", "Accessibility": "PUBLIC"}, ["gamma"]),
        ({"AcceleratorType": "gpu"}, ["Beta_100%", "alpha", "delta"]),
        ({"AcceleratorType": "CPU"}, ["gamma"]),
        ({"MinGpu": "1000"}, ["Beta_100%", "delta"]),
        ({"MaxGpu": "999"}, ["alpha", "gamma"]),
        ({"MaxCpu": "500"}, ["alpha"]),
        ({"MinCpu": "501", "MaxCpu": "2000"}, ["Beta_100%", "delta", "gamma"]),
        ({"MaxMemory": "1"}, ["alpha"]),
        ({"CreateTimeAfter": "2026-05-04T12:00:00Z"}, ["Beta_100%"]),
        ({"CreateTimeBefore": "2026-05-04T11:59:59Z"}, ["alpha", "delta", "gamma"]),
        ({"CreateTimeBefore": "2026-05-04T12:00:00Z"}, ["Beta_100%", "alpha", "delta", "gamma"]),
        ({"Labels": {"team": "red"}}, ["Beta_100%", "alpha"]),
        ({"Labels": {"team": "red", "size": "big"}}, ["Beta_100%"]),
        ({"Labels": {'odd "key"': "1"}}, ["alpha"]),
        ({"Labels": {"team": "blue"}}, []),
        ({"Tag": [{"Key": "size"}]}, ["Beta_100%"]),
        ({"Tag": [{"Key": "team"}, {"Key": "size", "Value": "big"}]}, ["Beta_100%"]),
        ({"Tag": [{"Key": "team", "Value": ""}]}, []),
        ({"Tag": [{"Key": "workbench.preemptible"}]}, ["gamma"]),
        ({"Labels": {"workbench.preemptible": "true"}}, ["gamma"]),
        ({"Labels": {"workbench.preemptible": "false", "team": "red"}}, ["Beta_100%", "alpha"]),
        ({"Tag": [{"Key": "workbench.gpu_memory"}]}, ["alpha"]),
        ({"Labels": {"workbench.gpu_memory": "8", "team": "red"}}, ["alpha"]),
        ({"Labels": {"workbench.gpu_memory": "8192Mi"}}, ["alpha"]),
        ({"Labels": {"workbench.gpu_memory": "16"}}, []),
        ({"Labels": {"workbench.gpu_memory": "much"}}, []),
        ({"InstanceName": "' OR '1'='1"}, []),
        ({"GpuType": "a100"}, ["alpha", "gamma"]),
        ({"GpuType": "3g.20gb"}, ["delta"]),
        ({"GpuType": "' OR '1'='1"}, []),
        ({"MinGpuMemory": "9"}, ["Beta_100%", "gamma"]),
        ({"MinGpuMemory": "8", "MaxGpuMemory": "24"}, ["Beta_100%", "alpha"]),
        ({"MaxGpuMemory": "0"}, ["delta"]),
        ({"ResourceId": "big"}, ["Beta_100%"]),
        ({"ResourceId": "small"}, []),
        ({"ResourceId": "ALL"}, ["Beta_100%", "alpha", "delta", "gamma"]),
        ({"PaymentType": "PayAsYouGo"}, ["Beta_100%", "alpha", "delta", "gamma"]),
        ({"PaymentType": "Subscription"}, []),
        ({"OversoldType": "ForbiddenQuotaOverSold"}, ["Beta_100%", "alpha", "delta", "gamma"]),
        ({"OversoldType": "AcceptQuotaOverSold"}, []),
    ],
)
def test_filters_narrow_the_list(filled: Store, fields: dict[str, Any], names: list[str]) -> None:
    assert found(filled, **fields) == names


@pytest.mark.parametrize(
    ("seen_in", "names"),
    [
        ({}, []),
        ({"1": None}, ["Beta_100%", "alpha", "gamma"]),
        ({"1": "1"}, ["Beta_100%", "alpha", "gamma"]),
        ({"1": "2"}, ["gamma"]),
        ({"1": "1", "2": None}, ["Beta_100%", "alpha", "delta", "gamma"]),
    ],
)
def test_nobody_finds_what_they_may_not_see(filled: Store, seen_in: Any, names: list[str]) -> None:
    assert found(filled, seen_in) == names
    assert "delta" not in found(filled, {"1": "1"}, WorkspaceId="2")


@pytest.mark.parametrize("sort_by", search.ORDERS)
def test_pages_hold_everything_once_in_any_order(filled: Store, sort_by: str) -> None:
    for order in ("ASC", "desc"):
        query = filters.query({"SortBy": sort_by, "Order": order}, None)
        with filled.reading() as db:
            pages = [search.find(db, query, offset=offset, limit=2) for offset in (0, 2, 4)]

        assert [len(page) for page, _ in pages] == [2, 2, 0]
        assert {total for _, total in pages} == {4}
        assert {each.id for page, _ in pages for each in page} == {"dsw-a", "dsw-b", "dsw-c", "dsw-d"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"SortBy": "Colour"}, "SortBy is 'Colour'"),
        ({"Order": "up"}, "Order is 'up'"),
        ({"Status": "Running,Resting"}, "Status is 'Resting'; Creating or"),
        ({"Accessibility": "SECRET"}, "Accessibility is 'SECRET'; PRIVATE or PUBLIC is wanted"),
        ({"MinCpu": "few"}, "MinCpu is 'few'"),
        ({"MinCpu": "nan"}, "MinCpu is 'nan'"),
        ({"MaxGpu": "1e999"}, "MaxGpu is '1e999'"),
        ({"CreateTimeAfter": "yesterday"}, "'yesterday'"),
        ({"AcceleratorType": "TPU"}, "AcceleratorType is 'TPU'"),
        ({"MinGpuMemory": "much"}, "MinGpuMemory is 'much'"),
        ({"PaymentType": "Barter"}, "PaymentType is 'Barter'; PayAsYouGo or PostPaid or"),
        ({"OversoldType": "Maybe"}, "OversoldType is 'Maybe'"),
    ],
)
def test_a_list_that_cannot_be_made_is_refused_by_the_value(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Exception, match=words):
        filters.query(fields, None)


def test_the_newest_comes_first_when_nothing_is_said(filled: Store) -> None:
    with filled.transaction() as db:
        records.insert(db, a_notebook(id="dsw-e", name="new", created_at=NOW + timedelta(hours=1)))

    with filled.reading() as db:
        page, _ = search.find(db, filters.query({}, None), offset=0, limit=1)

    assert page[0].name == "new"
