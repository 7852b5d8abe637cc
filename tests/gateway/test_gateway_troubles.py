"""What is said when the gateway cannot be there, and that it comes once it can."""

from __future__ import annotations

import socket

import pytest

from tests.gateway.conftest import Site, a_gateway, a_route, settle, until
from tests.gateway.raw_http import ask
from workbench.gateway import GatewayState
from workbench.runtime import Runtime
from workbench.settings import Settings

pytestmark = pytest.mark.docker


def test_a_taken_port_is_told_and_taken_as_soon_as_it_is_free(settings: Settings, runtime: Runtime) -> None:
    settings.gateway_socket.parent.mkdir(parents=True)
    gateway = a_gateway(settings, runtime)
    gateway.sync([])
    with socket.create_server(("127.0.0.1", settings.port)):

        def is_told() -> bool:
            gateway.reconcile()
            return "taken by" in gateway.status().message

        until(is_told, "told who has the port", within_s=400)  # its image is built before
        assert gateway.status().state is GatewayState.AWAY
        assert runtime.list_pods() == []

    settle(gateway)
    assert ask(settings.port, "/", "127.0.0.1").status == 200


def test_nothing_is_applied_before_the_routes_are_known(settings: Settings, runtime: Runtime) -> None:
    gateway = a_gateway(settings, runtime)
    gateway.reconcile()

    assert runtime.list_pods() == []
    assert not gateway.withdraw("dsw-a")
    assert not (settings.run / "gateway").exists()


def test_haproxy_has_no_complaint_about_its_configuration(site: Site) -> None:
    (pod,) = site.runtime.list_pods("gateway")
    lines = [line.text for line in site.runtime.logs(pod)]

    assert any("Loading success" in line for line in lines)
    assert not [line for line in lines if line.startswith(("[WARNING]", "[ALERT]"))]


def test_no_secret_is_in_the_gateways_log(site: Site) -> None:
    site.gateway.publish(a_route("dsw-d", "127.0.1.9", 1))
    for query in ("token=access_token-of-dsw-d-0123456789", "ticket=a-ticket"):
        ask(site.port, f"/notebook/dsw-d/x?{query}", "127.0.0.1")
        assert ask(site.port, f"/notebook/dsw-d/x?{query}", "127.0.0.1", "Accept: text/html").status in (
            401,
            503,
        )
    site.gateway.withdraw("dsw-d")
    (pod,) = site.runtime.list_pods("gateway")
    log = "\n".join(line.text for line in site.runtime.logs(pod))

    assert "/notebook/dsw-d/x" in log
    assert "0123456789" not in log
    assert "a-ticket" not in log


def test_a_gateway_that_is_stopped_frees_the_port(settings: Settings, runtime: Runtime) -> None:
    settings.gateway_socket.parent.mkdir(parents=True)
    gateway = a_gateway(settings, runtime)
    gateway.sync([])
    settle(gateway)
    gateway.stop()

    with socket.create_server(("127.0.0.1", settings.port)):
        assert not gateway.status().answers
