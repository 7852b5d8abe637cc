"""A user's dashboard is let in as a notebook is, and neither opens the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.gateway.conftest import Site, a_route, a_site
from tests.gateway.raw_http import ask, read_reply, upgrade
from tests.gateway.upstreams import a_notebook_at

pytestmark = pytest.mark.docker

NAME = "web-0123abcd"
COOKIE = f"Cookie: workbench-session=cookie-of-{NAME}-0123456789"
COOKIE_A = "Cookie: workbench-session=cookie-of-dsw-a-0123456789"
PAGE = f"/notebook/{NAME}/lab"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Three notebooks, and a dashboard on the loopback."""
    with ExitStack() as stack:
        site = stack.enter_context(a_site())
        port = stack.enter_context(a_notebook_at("127.0.0.1", NAME))
        assert site.gateway.publish(a_route(NAME, "127.0.0.1", port))
        yield site


def test_its_own_origin_opens_it_with_its_cookie_and_shows_it_its_key(site: Site) -> None:
    reply = ask(site.port, PAGE, site.host(NAME), COOKIE)

    assert reply.reached == NAME
    assert reply.got("authorization") == [f"token jupyter_token-of-{NAME}-0123456789"]
    assert reply.got("cookie") == [""] or reply.got("cookie") == []
    assert ask(site.port, PAGE, site.host(NAME)).status == 401


def test_a_link_is_exchanged_for_the_cookie_by_the_daemon(site: Site) -> None:
    reply = ask(site.port, f"{PAGE}?ticket=t", site.host(NAME))

    assert reply.seen["path"] == f"/workbench/v1/enter/{NAME}?ticket=t"


@pytest.mark.parametrize(
    ("path", "host", "cookie"),
    [
        (PAGE, NAME, COOKIE_A),
        (PAGE, "dsw-a", COOKIE),
        (PAGE, "dsw-a", COOKIE_A),
        ("/notebook/dsw-a/lab", NAME, COOKIE),
        ("/notebook/dsw-a/lab", NAME, COOKIE_A),
        ("/notebook/dsw-a/lab", "dsw-a", COOKIE),
        ("/api/v1/jobs", NAME, COOKIE),
        ("/workbench/v1/status", NAME, COOKIE),
        (PAGE, "web-0123abce", COOKIE),
        (PAGE, "web", COOKIE),
        (PAGE, f"{NAME}.dsw-a", COOKIE),
    ],
)
def test_neither_opens_the_other(site: Site, path: str, host: str, cookie: str) -> None:
    assert ask(site.port, path, site.host(host), cookie).reached == ""


@pytest.mark.parametrize("origin", ["http://dsw-a.localhost:{port}", "http://localhost:{port}", "null"])
def test_no_page_of_another_origin_types_into_it(site: Site, origin: str) -> None:
    header = f"Origin: {origin.format(port=site.port)}"
    reply, connection = upgrade(site.port, f"/notebook/{NAME}/ws", site.host(NAME), COOKIE, header)
    connection.close()

    assert reply.status == 403


def test_its_end_ends_what_is_connected(site: Site) -> None:
    own = f"Origin: http://{site.host(NAME)}"
    reply, connection = upgrade(site.port, f"/notebook/{NAME}/ws", site.host(NAME), COOKIE, own)
    assert reply.status == 101

    route = site.gateway.route(NAME)
    assert route

    site.gateway.withdraw(NAME)

    try:
        with connection:
            assert read_reply(connection).status == 0
        assert ask(site.port, PAGE, site.host(NAME), COOKIE).status == 404
        assert site.gateway.route(NAME) is None
    finally:
        assert site.gateway.publish(route)
