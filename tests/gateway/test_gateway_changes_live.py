"""What one notebook's coming and going does to it, and does not do to the others."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.gateway.conftest import Site, a_gateway, a_route, settle, until
from tests.gateway.raw_http import PATIENCE_S, Reply, ask, read_exactly, upgrade
from tests.gateway.upstreams import a_notebook_at
from workbench.gateway import Gateway, Phase

pytestmark = pytest.mark.docker


def cookie(id: str = "dsw-a") -> str:
    return f"Cookie: workbench-session=cookie-of-{id}-0123456789"


def visit(site: Site, id: str, *headers: str) -> Reply:
    return ask(site.port, f"/notebook/{id}/lab", site.host(id), *(headers or [cookie(id)]))


def changed(site: Site, id: str = "dsw-a", **changes: object) -> bool:
    return site.gateway.publish(dataclasses.replace(site.routes[id], **changes))  # type: ignore[arg-type]


def reload(site: Site, times: int = 1) -> None:
    """A daemon that was started again with other settings."""
    for at in range(times):
        other = dataclasses.replace(site.settings, domain=("example.org", "localhost")[at % 2])
        gateway = a_gateway(other, site.runtime)
        gateway.sync(site.routes.values())
        settle(gateway)


@contextmanager
def a_websocket(site: Site, id: str) -> Iterator[object]:
    """An open websocket; call what is given to see whether it still is."""
    _, connection = upgrade(site.port, f"/notebook/{id}/ws", site.host(id), cookie(id))

    def is_open() -> bool:
        try:
            connection.sendall(b"ping")
            return read_exactly(connection, 4) == b"ping"
        except ConnectionError:
            return False

    with connection:
        assert is_open()
        yield is_open


@contextmanager
def keep_alive_load(site: Site, id: str) -> Iterator[dict[str, int]]:
    """Clients that ask and post over and over, on one connection or on many."""
    counted = {"answered": 0, "failed": 0}
    over = threading.Event()

    def work(requests_a_connection: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
        headers = {"Authorization": f"token access_token-of-{id}-0123456789"}
        for turn in itertools.count():
            if over.is_set():
                break
            if turn % requests_a_connection == 0:
                connection.close()
            for verb, body in (("GET", None), ("POST", b"x" * 2000)):
                try:
                    connection.request(verb, f"/notebook/{id}/x", body, headers)
                    answer = connection.getresponse()
                    answer.read()
                    counted["answered" if answer.status == 200 else "failed"] += 1
                except (OSError, http.client.HTTPException):
                    counted["failed"] += 1
                    connection.close()
        connection.close()

    threads = [threading.Thread(target=work, args=(each,)) for each in (1, 1, 10_000, 10_000)]
    for thread in threads:
        thread.start()
    try:
        yield counted
    finally:
        over.set()
        for thread in threads:
            thread.join()


def leaving(gateway: Gateway) -> int:
    """How many processes only finish what is open, as they are now."""
    gateway.reconcile()
    return gateway.status().leaving


def test_a_notebook_is_reached_as_soon_as_it_is_published(site: Site) -> None:
    route = site.routes["dsw-c"]
    assert site.gateway.withdraw("dsw-c")
    assert visit(site, "dsw-c").status == 404

    assert site.gateway.publish(route)
    assert visit(site, "dsw-c").reached == "dsw-c"


def test_a_notebook_that_starts_or_is_stopped_has_a_page_that_looks_again(site: Site) -> None:
    for phase in (Phase.STARTING, Phase.STOPPED):
        assert changed(site, phase=phase)
        page = visit(site, "dsw-a", cookie(), "Accept: text/html")

        assert page.status == 503
        assert b'http-equiv="refresh"' in page.body
        assert visit(site, "dsw-a").status == 503
        assert visit(site, "dsw-a", "X: y").status == 401

    assert changed(site)
    assert visit(site, "dsw-a").reached == "dsw-a"


def test_a_container_at_another_address_is_found_there(site: Site) -> None:
    elsewhere = site.routes["dsw-b"]

    assert changed(site, address=elsewhere.address, port=elsewhere.port)
    assert visit(site, "dsw-a").reached == "dsw-b"


def test_a_container_may_have_an_address_of_either_family(site: Site) -> None:
    with a_notebook_at("::1", "dsw-c") as port:
        assert changed(site, "dsw-c", address="::1", port=port)
        assert visit(site, "dsw-c").reached == "dsw-c"
        site.gateway.withdraw("dsw-c")
        assert changed(site, "dsw-c", address="::1", port=port)
        assert visit(site, "dsw-c").reached == "dsw-c"


def test_a_domain_of_ones_own_gives_each_notebook_an_origin_under_it(site: Site) -> None:
    reload(site)

    assert ask(site.port, "/notebook/dsw-a/lab", "dsw-a.example.org", cookie()).reached == "dsw-a"
    assert ask(site.port, "/notebook/dsw-a/lab", "dsw-a.localhost", cookie()).status == 401


@pytest.mark.parametrize("how", ["withdrawn", "stopped", "new cookie", "new token", "after a reload"])
def test_whoever_is_shut_out_is_shut_out_at_once(site: Site, how: str) -> None:
    with a_websocket(site, "dsw-a") as is_open, a_websocket(site, "dsw-b") as other_is_open:
        match how:
            case "withdrawn":
                assert site.gateway.withdraw("dsw-a")
            case "stopped":
                assert changed(site, phase=Phase.STOPPED)
            case "new cookie":
                assert changed(site, cookie="another-cookie-0123456789")
            case "new token":
                assert changed(site, access_token="another-token-0123456789")
            case "after a reload":
                reload(site, 2)
                assert is_open()
                assert site.gateway.withdraw("dsw-a")

        assert not is_open()
        assert other_is_open()


def test_a_connection_left_to_an_old_process_learns_of_a_withdrawal(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
    request = ("GET", "/notebook/dsw-a/x", None, {"Authorization": "token access_token-of-dsw-a-0123456789"})
    connection.request(*request)
    connection.getresponse().read()
    reload(site, 2)
    site.gateway.withdraw("dsw-a")
    connection.request(*request)

    assert connection.getresponse().status == 404
    connection.close()


def test_nothing_of_another_notebook_fails_while_notebooks_come_and_go(site: Site) -> None:
    with a_websocket(site, "dsw-a") as is_open, keep_alive_load(site, "dsw-a") as counted:
        for _ in range(10):
            assert site.gateway.withdraw("dsw-c")
            assert site.gateway.publish(site.routes["dsw-c"])
        reload(site, 4)
        assert is_open()
        until(lambda: counted["answered"] > 100, "many are answered")

    assert counted["failed"] == 0


def test_a_gateway_that_was_killed_is_back_with_all_it_knew(site: Site) -> None:
    site.gateway.publish(a_route("dsw-d", phase=Phase.STOPPED))
    (pod,) = site.runtime.list_pods("gateway")
    os.kill(pod.pid, 9)
    site.settle()

    assert visit(site, "dsw-b").reached == "dsw-b"
    assert visit(site, "dsw-d").status == 503


def test_a_restarted_daemon_changes_nothing_of_what_is_open(site: Site) -> None:
    (pod,) = site.runtime.list_pods("gateway")
    until(lambda: leaving(site.gateway) == 0, "nothing is left of its start")
    with a_websocket(site, "dsw-a") as is_open:
        again = a_gateway(site.settings, site.runtime)
        again.reconcile()
        again.sync(site.routes.values())
        settle(again)

        assert is_open()
        assert site.runtime.list_pods("gateway") == [pod]
        assert leaving(again) == 0


def test_another_port_is_moved_to_and_open_websockets_stay(site: Site, settings: object) -> None:
    moved = dataclasses.replace(site.settings, port=settings.port)  # type: ignore[attr-defined]
    with a_websocket(site, "dsw-a") as is_open:
        gateway = a_gateway(moved, site.runtime)
        gateway.sync(site.routes.values())
        settle(gateway)

        assert is_open()
        until(lambda: leaving(gateway) == 1, "one process left, for what is open")
    assert ask(moved.port, "/", "127.0.0.1").status == 200


def test_a_configuration_that_haproxy_refuses_leaves_all_as_it_was(site: Site) -> None:
    broken = a_gateway(dataclasses.replace(site.settings, domain="example.org"), site.runtime)
    broken._frame = {**broken._frame, "haproxy.cfg": broken._frame["haproxy.cfg"] + "\nnonsense\n"}
    good = (site.settings.run / "gateway" / "haproxy.cfg").read_text()

    with keep_alive_load(site, "dsw-a") as counted:
        broken.sync(site.routes.values())
        settle(broken)

    assert counted["failed"] == 0
    assert "nonsense" in broken.status().message
    assert (site.settings.run / "gateway" / "haproxy.cfg").read_text() == good
    assert broken.withdraw("dsw-b")
    assert visit(site, "dsw-b").status == 404


def test_five_hundred_notebooks_are_nothing_special(site: Site) -> None:
    many = {f"dsw-{at}": a_route(f"dsw-{at}", "127.0.2.1", 1000 + at) for at in range(500)}
    assert site.gateway.sync([*site.routes.values(), *many.values()])
    reload(site, 2)
    assert visit(site, "dsw-7").status == 404
    assert site.gateway.sync([*site.routes.values(), *many.values()])
    assert visit(site, "dsw-a").reached == "dsw-a"
    assert visit(site, "dsw-7").status == 503
