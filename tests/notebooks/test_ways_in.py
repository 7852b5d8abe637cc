"""Where the gateway leads to a notebook, and that it never leads to what is another's by now."""

from __future__ import annotations

from dataclasses import replace

from tests.notebooks.examples import a_pod
from tests.notebooks.machine import Machine
from workbench.gateway import Gateway, Phase
from workbench.notebooks import reconcile
from workbench.notebooks.records import Status, Wanted
from workbench.notebooks.saving import save
from workbench.runtime import Pod, Runtime


class OneThatStops(Runtime):
    """An engine with one container, which ends as soon as it is asked to."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__("unix:///no-engine.sock", "home")
        self.led_there: list[bool] = []
        self._gateway = gateway

    def find_pod(self, kind: str, id: str, pod: str = "main") -> Pod | None:
        return a_pod()

    def stop_pod(self, pod: Pod, *, grace_s: int) -> None:
        route = self._gateway.route(pod.id)
        self.led_there.append(route is not None and route.phase is Phase.READY)


def test_the_gateway_hears_of_a_new_address(machine: Machine) -> None:
    before = machine.keep(status=Status.RUNNING, address="172.18.0.2")

    save(machine.parts, replace(before, address="172.18.0.9"))
    assert machine.route().address == "172.18.0.9"

    save(machine.parts, replace(machine.record(), address=""))
    assert machine.route().phase is Phase.STARTING


def test_nobody_is_led_to_a_container_that_is_about_to_end(machine: Machine) -> None:
    machine.keep(status=Status.RUNNING, address="172.18.0.2")
    machine.ask(machine.owner, "StopInstance", instance_id="dsw-1")
    engine = OneThatStops(machine.parts.gateway)

    reconcile(replace(machine.parts, runtime=engine), "dsw-1")

    assert engine.led_there == [False]


def test_a_full_disk_lets_no_notebook_run_on(machine: Machine) -> None:
    machine.keep(wanted=Wanted.STOPPED, status=Status.STOPPING)
    engine = OneThatStops(machine.parts.gateway)
    machine.fill_the_disk()

    reconcile(replace(machine.parts, runtime=engine), "dsw-1")

    assert engine.led_there == [False]
