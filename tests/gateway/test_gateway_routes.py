"""No route can say more than where one notebook is and what opens it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.conftest import a_route
from workbench.gateway import BadRoute, NotebookRoute, Phase

ENDERS = [" ", "\n", "\r", "\t", ";", ":", "#", '"', "'", "\\", "%[", "@", "/", "\0", "é"]


@pytest.mark.parametrize("ender", ENDERS)
@pytest.mark.parametrize("name", ["id", "cookie", "access_token", "jupyter_token", "address"])
def test_nothing_that_ends_a_word_gets_into_a_route(name: str, ender: str) -> None:
    good = str(getattr(a_route(), name))
    for text in (f"{good}{ender}", f"{ender}{good}", f"{good}{ender}{good}"):
        with pytest.raises(BadRoute):
            a_route(**{name: text})


@given(st.text(max_size=50))
def test_a_secret_is_one_word_or_refused(text: str) -> None:
    try:
        route = a_route(cookie=text)
    except BadRoute:
        return
    assert len(route.record.split(":")) == 4
    assert len(route.record.split()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "Dsw-1"},
        {"id": "dsw-"},
        {"id": "x-1"},
        {"id": "dsw-1.localhost"},
        {"cookie": ""},
        {"access_token": "short"},
        {"jupyter_token": "x" * 129},
        {"address": "localhost"},
        {"address": "1.2.3"},
        {"address": "0:0::1"},
        {"address": "fe80::1%eth0"},
        {"address": ""},
        {"port": 0},
        {"port": 65536},
    ],
)
def test_what_is_no_route_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadRoute):
        a_route(**changes)


def test_no_message_tells_a_secret() -> None:
    with pytest.raises(BadRoute) as refused:
        a_route(cookie="a secret with spaces")
    assert "a secret" not in str(refused.value)


def test_only_a_ready_notebook_needs_an_address() -> None:
    secrets = {"cookie": "c" * 16, "access_token": "a" * 16, "jupyter_token": "j" * 16}

    assert NotebookRoute(id="dsw-1", phase=Phase.STOPPED, **secrets).server is None
    assert a_route(address="::1", port=80).server.endpoint == "[::1]:80"  # type: ignore[union-attr]
