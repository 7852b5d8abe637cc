"""Every trick that could open a notebook without its own secret, or from another's origin."""

from __future__ import annotations

import socket

import pytest

from tests.gateway.conftest import Site
from tests.gateway.raw_http import ask, read_reply, say, upgrade

pytestmark = pytest.mark.docker

COOKIE_A = "Cookie: workbench-session=cookie-of-dsw-a-0123456789"
TOKEN_A = "Authorization: token access_token-of-dsw-a-0123456789"
PLAIN = "127.0.0.1"


@pytest.fixture
def site(shared_site: Site) -> Site:
    """These tests only ask."""
    return shared_site


@pytest.mark.parametrize(
    "path",
    [
        "/notebook/dsw-b/lab",
        "/notebook/DSW-B/lab",
        "/notebook/dsw-b%2Flab",
        "/notebook/%64sw-b/lab",
        "/notebook/dsw-b;/lab",
        "/notebook/./dsw-b/lab",
        "/notebook//dsw-b/lab",
        "//notebook/dsw-b/lab",
        "/notebook/../notebook/dsw-b/lab",
        "/notebook%2Fdsw-b/lab",
        "/notebook/dsw-b/../dsw-a/lab",
        "/%6eotebook/dsw-b/lab",
        "/NOTEBOOK/dsw-b/lab",
        "/notebook\\dsw-b\\lab",
        "/notebook/dsw-a",
        "/notebook/",
        "/api/v1/jobs",
        "/workbench/v1/enter/dsw-b?ticket=t",
        "/openapi/x",
    ],
)
def test_an_origin_with_its_cookie_opens_no_other_path(site: Site, path: str) -> None:
    reply = ask(site.port, path, site.host("dsw-a"), COOKIE_A, TOKEN_A)

    assert reply.reached in ("", "dsw-a" if path == "/notebook/dsw-a" else "")


@pytest.mark.parametrize(
    "path",
    ["/notebook/dsw-a/../dsw-b/lab", "/notebook/dsw-a/..%2Fdsw-b/lab", "/notebook/dsw-a//notebook/dsw-b"],
)
def test_a_path_that_climbs_out_is_still_that_notebooks_affair(site: Site, path: str) -> None:
    reply = ask(site.port, path, site.host("dsw-a"), COOKIE_A)

    assert reply.reached == "dsw-a"
    assert reply.seen["path"] == path


@pytest.mark.parametrize(
    "host",
    [
        "dsw-b.localhost:{port}",
        "dsw-b.localhost",
        "DSW-B.LocalHost:{port}",
        "dsw-b.localhost.:{port}",
        "dsw-b.localhost:80",
        "dsw-a.dsw-b.localhost",
        "dsw-b.localhost:{port}, dsw-a.localhost",
        "dsw-a.localhost@dsw-b.localhost",
        "dsw-b.localhost\t",
        "127.0.0.1",
        "localhost",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/notebook/dsw-a/lab", "/notebook/dsw-b/lab"])
def test_a_cookie_of_one_opens_nothing_under_any_other_host(site: Site, host: str, path: str) -> None:
    assert ask(site.port, path, host.format(port=site.port), COOKIE_A).reached == ""


@pytest.mark.parametrize("host", ["dsw-a.localhost", "DSW-A.LOCALHOST:1", "dsw-a.localhost.:8580"])
def test_an_origin_is_the_same_however_its_name_is_spelt(site: Site, host: str) -> None:
    assert ask(site.port, "/notebook/dsw-a/lab", host, COOKIE_A).reached == "dsw-a"
    assert ask(site.port, "/notebook/dsw-a/lab", host, TOKEN_A).status == 401
    assert ask(site.port, "/api/v1/jobs", host).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        [TOKEN_A],
        ["Authorization: Bearer access_token-of-dsw-a-0123456789"],
        ["Authorization: token jupyter_token-of-dsw-b-0123456789"],
        ["Authorization: token cookie-of-dsw-b-0123456789"],
        ["Authorization: access_token-of-dsw-b-0123456789"],
        ["Authorization: Basic access_token-of-dsw-b-0123456789"],
        ["Authorization: token "],
        ["Authorization: token access_token-of-dsw-b-012345678"],
        ["Authorization: token access_token-of-dsw-b-0123456789x"],
        [TOKEN_A, "Authorization: token access_token-of-dsw-b-0123456789"],
        ["Cookie: workbench-session=cookie-of-dsw-b-0123456789"],
        ["Cookie: workbench-session="],
        [],
    ],
)
def test_a_program_without_the_right_token_gets_nothing(site: Site, headers: list[str]) -> None:
    assert ask(site.port, "/notebook/dsw-b/api", PLAIN, *headers).status in (400, 401)
    assert ask(site.port, "/notebook/dsw-b/api?token=access_token-of-dsw-a-0123456789", PLAIN).status == 401
    assert ask(site.port, "/notebook/dsw-b/api?token=", PLAIN).status == 401


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /notebook/dsw-a/lab HTTP/1.1", "Host: dsw-a.localhost", "Host: dsw-b.localhost"],
        ["GET /notebook/dsw-b/lab HTTP/1.1", "Host: dsw-a.localhost", "Host: dsw-b.localhost"],
        ["GET http://dsw-b.localhost/notebook/dsw-b/lab HTTP/1.1", "Host: dsw-a.localhost"],
        ["GET http://dsw-a.localhost/notebook/dsw-b/lab HTTP/1.1", "Host: dsw-b.localhost"],
        ["GET http://dsw-b.localhost/notebook/dsw-b/lab HTTP/1.1", "Host: dsw-b.localhost"],
        ["GET dsw-b.localhost/notebook/dsw-b/lab HTTP/1.1", "Host: dsw-a.localhost"],
        ["GET /notebook/dsw-b/lab HTTP/1.1"],
        ["GET /notebook/dsw-b/lab HTTP/1.0"],
        ["GET /notebook/dsw-b/lab"],
        ["CONNECT dsw-b.localhost:80 HTTP/1.1", "Host: dsw-b.localhost:80"],
        ["OPTIONS * HTTP/1.1", "Host: dsw-b.localhost"],
        ["GET /notebook/dsw-b/lab HTTP/1.1", "Host : dsw-b.localhost"],
        ["GET /notebook/dsw-b/lab HTTP/1.1", "Host: dsw-b.localhost", " X: folded"],
        ["PRI * HTTP/2.0"],
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_not_read(site: Site, lines: list[str]) -> None:
    reply = say(site.port, *lines, COOKIE_A, TOKEN_A)

    assert reply.reached == ""
    assert reply.status in (0, 400, 401, 404)


@pytest.mark.parametrize(
    "framing",
    [
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Content-Length: 4", "Content-Length: 40"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Content-Length: +4"],
    ],
)
def test_no_second_request_hides_in_the_body_of_a_first(site: Site, framing: list[str]) -> None:
    hidden = "0\r\n\r\nGET /notebook/dsw-b/lab HTTP/1.1\r\nHost: dsw-b.localhost\r\n\r\n"
    request = ["POST /notebook/dsw-a/x HTTP/1.1", "Host: dsw-a.localhost", COOKIE_A, "Connection: close"]
    reply = say(site.port, *request, *framing, body=hidden.encode())

    assert reply.reached in ("", "dsw-a")
    assert b"dsw-b.localhost" not in reply.body


def test_several_cookies_of_the_name_open_only_with_the_right_one_among_them(site: Site) -> None:
    cookies = "Cookie: workbench-session=tossed-by-a-sibling; workbench-session={}-0123456789"

    assert (
        ask(site.port, "/notebook/dsw-a/x", site.host("dsw-a"), cookies.format("cookie-of-dsw-a")).status
        == 200
    )
    assert (
        ask(site.port, "/notebook/dsw-a/x", site.host("dsw-a"), cookies.format("cookie-of-dsw-b")).status
        == 401
    )


@pytest.mark.parametrize(
    "origin",
    [
        "http://dsw-b.localhost:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}",
        "http://dsw-a.localhost:{port}.evil.org",
        "http://dsw-a.localhost",
        "http://dsw-a.localhost:1",
        "https://evil.org",
        "null",
        "",
        "http://dsw-b.localhost:{port}, http://dsw-a.localhost:{port}",
    ],
)
def test_another_origins_page_opens_no_websocket_and_posts_nothing(site: Site, origin: str) -> None:
    header = f"Origin: {origin.format(port=site.port)}"
    reply, connection = upgrade(site.port, "/notebook/dsw-a/ws", site.host("dsw-a"), COOKIE_A, header)
    connection.close()

    assert reply.status == 403
    assert (
        ask(site.port, "/notebook/dsw-a/x", site.host("dsw-a"), COOKIE_A, header, verb="POST").status == 403
    )


def test_two_origins_are_none(site: Site) -> None:
    origins = [f"Origin: http://{site.host('dsw-a')}", "Origin: http://evil.org"]

    assert ask(site.port, "/notebook/dsw-a/x", site.host("dsw-a"), COOKIE_A, *origins).status == 400


@pytest.mark.parametrize(
    ("mode", "destination", "verb", "status"),
    [
        ("navigate", "document", "GET", 200),
        ("navigate", "document", "POST", 403),
        ("navigate", "iframe", "GET", 403),
        ("no-cors", "image", "GET", 403),
        ("websocket", "websocket", "GET", 403),
    ],
)
def test_another_site_may_link_to_a_notebook_but_not_use_it(
    site: Site, mode: str, destination: str, verb: str, status: int
) -> None:
    headers = ["Sec-Fetch-Site: same-site", f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {destination}"]

    assert (
        ask(site.port, "/notebook/dsw-a/lab", site.host("dsw-a"), COOKIE_A, *headers, verb=verb).status
        == status
    )


@pytest.mark.parametrize("protocol", ["h2c", "websocket, h2c", "TLS/1.0"])
def test_no_connection_is_upgraded_to_anything_but_a_websocket(site: Site, protocol: str) -> None:
    headers = [COOKIE_A, "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AA"]
    reply = ask(site.port, "/notebook/dsw-a/x", site.host("dsw-a"), *headers)

    assert reply.status in (200, 400)
    assert reply.status == 400 or reply.got("upgrade") == []


@pytest.mark.parametrize("path", ["/api/v1/x", "/workbench/v1/watch", "/api/v1/notebooks/dsw-a/shell"])
def test_no_connection_to_the_daemon_is_upgraded_but_for_a_shell(site: Site, path: str) -> None:
    reply, connection = upgrade(site.port, path, PLAIN)
    connection.close()

    assert reply.reached == "daemon"
    assert reply.got("upgrade") == []

    reply, connection = upgrade(site.port, "/workbench/v1/notebooks/dsw-a/shell", PLAIN)
    connection.close()
    assert reply.status == 101


def test_one_connection_may_ask_for_two_notebooks_and_each_is_checked_anew(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        answers = []
        for name in ("dsw-a", "dsw-b", "dsw-a"):
            request = [f"GET /notebook/{name}/x HTTP/1.1", f"Host: {name}.localhost", COOKIE_A, "", ""]
            connection.sendall("\r\n".join(request).encode())
            answers.append(read_reply(connection).status)

    assert answers == [200, 401, 200]
