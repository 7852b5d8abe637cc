"""One network for each workspace."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from docker import APIClient

from tests.misbehaving_engine.proxy import MisbehavingEngine
from tests.runtime.conftest import DOCKER
from workbench.errors import EngineAway
from workbench.runtime import NetworkInUse, PodPlan, Runtime

pytestmark = pytest.mark.docker

Plans = Callable[..., PodPlan]


def output(runtime: Runtime, plan: PodPlan) -> list[str]:
    return [line.text for line in runtime.logs(runtime.start_pod(plan), follow=True)]


def test_however_many_ask_at_once_there_is_one_network(
    runtime: Runtime, engine: APIClient, home_id: str
) -> None:
    with ThreadPoolExecutor(8) as pool:
        networks = list(pool.map(lambda _: runtime.ensure_network("ws-1"), range(8)))

    assert len(set(networks)) == 1
    assert engine.networks(names=[f"workbench-{home_id[:8]}-ws-1"])[0]["Id"] == networks[0].network
    assert runtime.list_networks() == [networks[0]]


@pytest.mark.parametrize("fault", [MisbehavingEngine.lose_request, MisbehavingEngine.lose_answer])
def test_making_a_network_may_be_interrupted_and_repeated(
    unlucky: Runtime, sick: MisbehavingEngine, fault: Callable[..., None]
) -> None:
    fault(sick, "POST", "/networks/create")
    with pytest.raises(EngineAway):
        unlucky.ensure_network("ws-1")

    network = unlucky.ensure_network("ws-1")

    assert unlucky.list_networks() == [network]
    assert network.gateway


def test_pods_of_one_network_find_each_other_by_name_and_others_do_not(
    runtime: Runtime, a_plan: Plans
) -> None:
    runtime.ensure_network("ws-1")
    runtime.ensure_network("ws-2")
    first = runtime.start_pod(a_plan(id="one", hostname="node-0", network="ws-1"))

    neighbour = output(runtime, a_plan("getent hosts node-0", id="two", network="ws-1"))
    stranger = output(runtime, a_plan("getent hosts node-0 || echo unknown", id="three", network="ws-2"))

    assert neighbour[0].split()[0] == first.address
    assert stranger == ["unknown"]


def test_a_network_is_removed_once_nobody_is_on_it(runtime: Runtime, a_plan: Plans) -> None:
    runtime.ensure_network("ws-1")
    pod = runtime.start_pod(a_plan(network="ws-1"))
    with pytest.raises(NetworkInUse):
        runtime.remove_network("ws-1")

    runtime.remove_pod(pod)
    runtime.remove_network("ws-1")
    runtime.remove_network("ws-1")

    assert runtime.list_networks() == []


def test_a_home_whose_pods_are_all_stopped_still_counts_as_one_that_uses_the_engine(runtime: Runtime) -> None:
    runtime.ensure_network("ws-1")

    assert Runtime(DOCKER, "another").shares_engine()
