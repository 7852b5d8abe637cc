"""Where the gateway leads to a notebook, and that it never leads to what is another's by now."""

from __future__ import annotations

from dataclasses import replace

from tests.notebooks.examples import a_pod
from tests.notebooks.machine import Machine
from workbench import notebooks
from workbench.gateway import Gateway, Phase
from workbench.notebooks import access, reconcile, records, rules
from workbench.notebooks.records import Status, Wanted
from workbench.notebooks.saving import save
from workbench.runtime import Pod, Runtime
from workbench.workspaces import Role


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


def test_the_gateway_hears_of_a_notebook_that_was_stopped_before_it_began(machine: Machine) -> None:
    size = {"CPU": "0.1", "Memory": "0.1"}
    made = machine.ask(machine.owner, "CreateInstance", InstanceName="brief", RequestedResource=size)
    machine.ask(machine.owner, "StopInstance", instance_id=made["InstanceId"])
    stopping = machine.record(made["InstanceId"])

    save(machine.parts, rules.settled(stopping, machine.now()))

    assert machine.route(stopping.id).phase is Phase.STOPPED


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


def test_what_comes_too_late_gives_no_old_secret_back(machine: Machine) -> None:
    before = machine.keep(status=Status.RUNNING, address="172.18.0.2")
    ada = machine.join("ada", 2001, Role.ADMIN)
    machine.ask(machine.owner, "UpdateUser", user_id=ada.user_id, Enabled=False)
    changed = machine.route()

    access.lead(machine.parts, replace(before, address="172.18.0.9"))

    assert machine.route() == changed
    assert machine.route().cookie != notebooks.route(machine.parts.vault, before).cookie


def test_nothing_leads_to_what_is_off_the_record(machine: Machine) -> None:
    before = machine.keep(status=Status.RUNNING, address="172.18.0.2")
    with machine.parts.store.transaction() as db:
        records.forget(db, before.id)
    machine.parts.gateway.withdraw(before.id)

    access.lead(machine.parts, before)

    assert machine.parts.gateway.route(before.id) is None


def test_a_link_gives_the_cookie_that_is_on_record_whatever_the_gateway_knows_yet(machine: Machine) -> None:
    before = machine.keep(status=Status.RUNNING, address="172.18.0.2")
    with machine.parts.store.transaction() as db:
        changed = access.change_locks(db, machine.parts.vault, before)
    url = machine.ask(machine.owner, "CreateNotebookTicket", instance_id="dsw-1")["Url"]

    entered = machine.answer(
        machine.owner, "EnterNotebook", instance_id="dsw-1", ticket=url.partition("=")[2]
    )

    assert machine.parts.vault.open(changed.cookie) in entered.cookie
