"""What reaches a notebook or the daemon, and what is taken off or put on underway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.conftest import Site, a_route, until
from tests.gateway.raw_http import ask, read_exactly, say, upgrade

pytestmark = pytest.mark.docker

COOKIE = "Cookie: workbench-session=cookie-of-dsw-a-0123456789"
TOKEN = "access_token-of-dsw-a-0123456789"
JUPYTERS = ["token jupyter_token-of-dsw-a-0123456789"]
PLAIN = "127.0.0.1"
_GRAIN = timedelta(seconds=1)
"""How exactly it is known when something was sent, where HAProxy answers at once."""


@pytest.fixture
def site(shared_site: Site) -> Site:
    """These tests only ask."""
    return shared_site


def test_a_browser_reaches_its_notebook_by_the_cookie_of_that_origin(site: Site) -> None:
    reply = ask(site.port, "/notebook/dsw-a/lab?x=1", site.host("dsw-a"), COOKIE)

    assert reply.reached == "dsw-a"
    assert reply.seen["path"] == "/notebook/dsw-a/lab?x=1"
    assert reply.got("host") == [site.host("dsw-a")]


@pytest.fixture
def quiet(site: Site) -> Iterator[str]:
    """A notebook to which no other test sends anything."""
    beside = site.routes["dsw-b"]
    assert site.gateway.publish(a_route("dsw-quiet", beside.address, beside.port))
    try:
        yield "dsw-quiet"
    finally:
        site.gateway.withdraw("dsw-quiet")


def test_it_is_known_when_something_was_last_sent_and_what_only_reads_does_not_count(
    site: Site, quiet: str
) -> None:
    path, its_cookie = f"/notebook/{quiet}/api/kernels", COOKIE.replace("dsw-a", quiet)
    for verb in ("GET", "OPTIONS"):
        assert ask(site.port, path, site.host(quiet), its_cookie, verb=verb).reached == "dsw-b"
    assert quiet not in site.gateway.inputs()

    before = datetime.now(UTC)
    ask(site.port, "/notebook/dsw-a/api/contents/a.py", site.host("dsw-a"), COOKIE, verb="PUT", body=b"{}")

    after = datetime.now(UTC)
    until(lambda: before - _GRAIN < site.gateway.inputs()["dsw-a"] < after + _GRAIN, "known when")
    assert ask(site.port, path, site.host(quiet), COOKIE, verb="POST", body=b"{}").status == 401
    assert quiet not in site.gateway.inputs(), "a stranger's attempt"


def test_a_link_to_the_bare_origin_leads_into_the_notebook(site: Site) -> None:
    reply = ask(site.port, "/", site.host("dsw-a"))

    assert reply.status == 302
    assert "location: /notebook/dsw-a/lab\r\n" in reply.head


def test_jupyter_gets_its_own_token_and_none_of_what_opened_the_gateway(site: Site) -> None:
    both = f"{COOKIE}; _xsrf=2; workbench-session=another"
    reply = ask(site.port, f"/notebook/dsw-a/api?token={TOKEN}&x=1&ticket=t", site.host("dsw-a"), both)

    assert reply.got("authorization") == JUPYTERS
    assert reply.got("cookie") == ["_xsrf=2"]
    assert reply.seen["path"] == "/notebook/dsw-a/api?x=1"


def test_jupyters_own_cookies_live_on_the_notebooks_origin(site: Site) -> None:
    assert "set-cookie: _xsrf=1" in ask(site.port, "/notebook/dsw-a/lab", site.host("dsw-a"), COOKIE).head


@pytest.mark.parametrize("header", [f"Authorization: token {TOKEN}", f"Authorization: Bearer {TOKEN}", ""])
def test_a_program_reaches_the_notebook_by_its_token_on_the_plain_path(site: Site, header: str) -> None:
    query = "" if header else f"?token={TOKEN}"
    reply = ask(site.port, f"/notebook/dsw-a/api{query}", PLAIN, *([header] if header else []))

    assert reply.reached == "dsw-a"
    assert reply.got("authorization") == JUPYTERS
    assert reply.seen["path"].rstrip("?") == "/notebook/dsw-a/api"


def test_nothing_of_a_notebook_is_remembered_or_run_on_the_plain_origin(site: Site) -> None:
    header = f"Authorization: token {TOKEN}"
    reply = ask(site.port, "/notebook/dsw-a/lab", PLAIN, header, "Cookie: dashboard=secret")

    assert "set-cookie" not in reply.head
    assert "content-security-policy: sandbox" in reply.head
    assert reply.got("cookie") == []


def test_what_a_client_says_about_who_forwarded_it_is_dropped(site: Site) -> None:
    lies = ["X-Forwarded-For: 8.8.8.8", "X-Forwarded-Host: evil", "X-Real-IP: 8.8.8.8", "X-Scheme: https"]
    reply = ask(site.port, "/notebook/dsw-a/lab", site.host("dsw-a"), COOKIE, *lies, "Forwarded: for=8.8.8.8")

    assert reply.got("x-forwarded-for") == ["127.0.0.1"]
    assert not {"x-forwarded-host", "x-real-ip", "x-scheme", "forwarded"} & {
        n for n, _ in reply.seen["headers"]
    }


@pytest.mark.parametrize(
    "path", ["/api/v1/jobs/a%2Fb?x=%20", "/api/v2/x", "/openapi/x", "/workbench/v1/status"]
)
def test_the_api_goes_to_the_daemon_with_the_host_and_path_that_were_signed(site: Site, path: str) -> None:
    reply = ask(site.port, path, "Pai.Example.ORG:99", "Authorization: acs x", verb="PUT", body=b"{}")

    assert (reply.reached, reply.seen["path"], reply.seen["body"]) == ("daemon", path, "{}")
    assert reply.got("host") == ["Pai.Example.ORG:99"]
    assert reply.got("authorization") == ["acs x"]
    assert "set-cookie" not in reply.head


def test_a_remote_call_is_posted_to_the_root(site: Site) -> None:
    assert ask(site.port, "/", PLAIN, verb="POST", body=b"a=b").reached == "daemon"
    assert json.loads(ask(site.port, "/", PLAIN).body)["Name"] == "Workbench"


def test_a_dead_daemon_gives_an_error_that_pais_clients_can_read(site: Site) -> None:
    aside = site.settings.gateway_socket.rename(site.settings.run / "aside")
    try:
        reply = ask(site.port, "/api/v1/jobs", PLAIN)
    finally:
        aside.rename(site.settings.gateway_socket)

    assert reply.status == 503
    body = json.loads(reply.body)
    assert body["Code"] == "ServiceUnavailable"
    assert len(body["RequestId"]) == 36
    assert body["RequestId"].isupper()


def test_a_ticket_is_exchanged_by_the_daemon_for_a_cookie_of_that_origin(site: Site) -> None:
    reply = ask(site.port, "/notebook/dsw-a/lab?ticket=abc&token=x", site.host("dsw-a"))

    assert (reply.status, reply.reached) == (303, "daemon")
    assert reply.seen["path"] == "/workbench/v1/enter/dsw-a?ticket=abc"
    assert "set-cookie: workbench-session=given" in reply.head


def test_a_link_that_was_used_before_still_works_where_its_cookie_is(site: Site) -> None:
    assert ask(site.port, "/notebook/dsw-a/lab?ticket=used", site.host("dsw-a"), COOKIE).reached == "dsw-a"


def test_a_used_ticket_gets_the_page_that_says_how_to_make_a_new_link(site: Site) -> None:
    reply = ask(site.port, "/notebook/dsw-a/lab?ticket=used", site.host("dsw-a"))

    assert reply.status == 401
    assert b"workbench notebook open" in reply.body


def test_a_websocket_passes_both_ways(site: Site) -> None:
    origin = f"Origin: http://{site.host('dsw-a')}"
    reply, connection = upgrade(site.port, "/notebook/dsw-a/ws", site.host("dsw-a"), COOKIE, origin)
    with connection:
        connection.sendall(b"hello")

        assert reply.status == 101
        assert read_exactly(connection, 5) == b"hello"


def test_the_gateway_listens_on_both_loopbacks_and_beyond_them_on_none(site: Site) -> None:
    assert say(site.port, "GET / HTTP/1.1", "Host: x", host="::1").status == 200
    with pytest.raises(OSError, match="refused"):
        say(site.port, "GET / HTTP/1.1", "Host: x", host="127.0.0.5")
