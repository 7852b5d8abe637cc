"""What the gateway's files say, and what a change of them is told by."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.conftest import a_route
from workbench.gateway import Phase, render
from workbench.settings import BadSetting, Settings, load

LOOPBACKS = ("127.0.0.1:8580", "[::1]:8580")


def some_settings(**changes: object) -> Settings:
    return dataclasses.replace(load({"home": "/srv/workbench"}, {}), **changes)  # type: ignore[arg-type]


def configuration(*routes: object, **changes: object) -> str:
    frame = render.frame(some_settings(**changes), LOOPBACKS)
    return render.with_routes(frame, routes)["haproxy.cfg"]  # type: ignore[arg-type]


def test_no_blank_is_left() -> None:
    files = render.with_routes(render.frame(some_settings(), LOOPBACKS), [a_route()])

    assert not [name for name, text in files.items() if re.search(r"@[A-Z_]+@", text)]


def test_every_server_has_no_weight_so_that_none_is_picked_in_anothers_stead() -> None:
    servers = re.findall(r"server dsw-\S+ .*", configuration(a_route("dsw-1"), a_route("dsw-2")))

    assert len(servers) == 2
    assert all(" weight 0 " in server for server in servers)


def test_secrets_are_in_the_map_alone() -> None:
    files = render.with_routes(render.frame(some_settings(), LOOPBACKS), [a_route()])

    assert [name for name, text in files.items() if "cookie-of-dsw-a" in text] == ["notebooks.map"]


def test_a_notebook_without_a_container_has_a_record_and_no_server() -> None:
    files = render.with_routes(render.frame(some_settings(), LOOPBACKS), [a_route(phase=Phase.STARTING)])

    assert "server dsw-a" not in files["haproxy.cfg"]
    assert "dsw-a starting:" in files["notebooks.map"]


def test_routes_change_no_generation_and_settings_do() -> None:
    frame = render.frame(some_settings(), LOOPBACKS)

    assert render.generation(frame) == render.generation(render.with_routes(frame, [a_route()]))
    assert render.generation(frame) != render.generation(render.frame(some_settings(), LOOPBACKS[:1]))
    assert render.generation(frame) != render.generation(
        render.frame(some_settings(domain="x.org"), LOOPBACKS)
    )


@pytest.mark.parametrize("domain", ["", "a b", "x.org\nglobal", "x.org)", ".org", "x..org", "*.x.org", "-x"])
def test_a_domain_that_is_none_is_refused(domain: str) -> None:
    with pytest.raises(BadSetting):
        configuration(domain=domain)


@given(st.text(max_size=30))
def test_a_domain_is_one_word_of_a_pattern_or_refused(domain: str) -> None:
    try:
        text = configuration(domain=domain)
    except BadSetting:
        return
    assert domain.lower().replace(".", "[.]") in text
    assert len(text.splitlines()) == len(configuration().splitlines())


@pytest.mark.parametrize(
    ("host", "ipv6", "addresses"),
    [
        ("127.0.0.1", True, ("127.0.0.1:80", "[::1]:80")),
        ("127.0.0.1", False, ("127.0.0.1:80",)),
        ("127.0.0.2", True, ("127.0.0.2:80",)),
        ("0.0.0.0", True, ("0.0.0.0:80",)),
        ("::1", True, ("[::1]:80",)),
    ],
)
def test_only_what_was_asked_for_is_listened_on(host: str, ipv6: bool, addresses: tuple[str, ...]) -> None:
    settings = some_settings(host=host, port=80, expose=host == "0.0.0.0")

    assert render.listens_on(settings, ipv6=ipv6) == addresses


def test_every_page_is_there_for_people_and_for_programs() -> None:
    files = render.frame(some_settings(), LOOPBACKS)
    for name in set(re.findall(r"pages/(\w+)[.]html", files["haproxy.cfg"])):
        assert "<title>" in files[f"pages/{name}.html"]
        body = json.loads(files[f"pages/{name}.json"])
        assert body.keys() == {"Code", "Message", "RequestId"}


def test_a_page_needs_nothing_from_elsewhere() -> None:
    pages = [text for name, text in render.frame(some_settings(), LOOPBACKS).items() if name.endswith("html")]

    assert not [page for page in pages if re.search(r"<script|src=|href=|url\(", page)]
