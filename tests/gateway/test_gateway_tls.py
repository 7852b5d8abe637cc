"""The one port with a certificate: TLS or nothing."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gateway.conftest import a_gateway, a_home, a_route, a_runtime, settle
from tests.gateway.raw_http import PATIENCE_S
from tests.gateway.upstreams import a_daemon_at, a_notebook_at
from workbench.gateway import Gateway, certificate, render
from workbench.gateway.control import Control
from workbench.notebooks.access import browser_url
from workbench.settings import BadSetting, Settings, load

COOKIE = "workbench-session=cookie-of-dsw-a-0123456789"


def a_certificate(folder: Path) -> dict[str, str]:
    """Settings with a certificate for localhost and its subdomains, signed by itself."""
    paths = {"tls_certificate": str(folder / "tls.crt"), "tls_key": str(folder / "tls.key")}
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,DNS:*.localhost"),
            *("-out", paths["tls_certificate"], "-keyout", paths["tls_key"]),
        ],
        check=True,
        capture_output=True,
    )
    return paths


def test_an_endpoint_with_a_certificate_is_https_and_so_is_each_notebooks_origin(tmp_path: Path) -> None:
    settings = load({"home": tmp_path, "domain": "lab.example.org", **a_certificate(tmp_path)}, {})

    assert settings.endpoint == "https://lab.example.org:8580"
    assert browser_url(settings, "dsw-a").startswith("https://dsw-a.lab.example.org:8580/")


def test_with_a_certificate_others_may_reach_the_port(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="plain HTTP"):
        load({"home": tmp_path, "host": "0.0.0.0"}, {})

    load({"home": tmp_path, "host": "0.0.0.0", **a_certificate(tmp_path)}, {})


@pytest.mark.parametrize("missing", ["tls_certificate", "tls_key"])
def test_a_certificate_without_its_key_is_refused(tmp_path: Path, missing: str) -> None:
    with pytest.raises(BadSetting, match="both are wanted"):
        load({"home": tmp_path, **a_certificate(tmp_path), missing: ""}, {})


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = (a_certificate(tmp_path / name) for name in ("one", "other"))
    settings = load({"home": tmp_path, **one, "tls_key": other["tls_key"]}, {})

    with pytest.raises(BadSetting, match="cannot be used"):
        certificate.combined(settings)
    with pytest.raises(BadSetting, match="cannot be used"):
        certificate.combined(replace(settings, tls_key=str(tmp_path / "nowhere")))


def test_another_certificate_is_another_configuration(tmp_path: Path) -> None:
    settings = load({"home": tmp_path}, {})
    plain, one, other = (render.frame(settings, ["127.0.0.1:1"], each) for each in ("", "one", "other"))

    assert len({render.generation(each) for each in (plain, one, other)}) == 3
    assert render.addresses(one[render.CONFIGURATION]) == ("127.0.0.1:1",)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Gateway]]:
    """A gateway with a certificate, a notebook and a daemon behind it."""
    with ExitStack() as stack:
        plain = stack.enter_context(a_home())
        settings = replace(plain, **a_certificate(tmp_path_factory.mktemp("tls")))
        runtime = stack.enter_context(a_runtime())
        settings.gateway_socket.parent.mkdir(parents=True)
        stack.enter_context(a_daemon_at(settings.gateway_socket))
        port = stack.enter_context(a_notebook_at("127.0.1.1", "dsw-a"))
        gateway = a_gateway(settings, runtime)
        gateway.sync([a_route("dsw-a", "127.0.1.1", port)])
        settle(gateway)
        yield settings, gateway


def ask(settings: Settings, path: str, **headers: str) -> tuple[int, str]:
    """Ask as a client that trusts this certificate and no other."""
    trust = ssl.create_default_context(cafile=settings.tls_certificate)
    connection = http.client.HTTPSConnection("localhost", settings.port, context=trust, timeout=PATIENCE_S)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.docker
def test_daemon_and_notebook_are_reached_by_a_client_that_trusts_the_certificate(
    site: tuple[Settings, Gateway],
) -> None:
    settings, _ = site
    assert ask(settings, "/api/v1/workspaces")[0] == 200

    status, body = ask(
        settings, "/notebook/dsw-a/lab", host=f"dsw-a.localhost:{settings.port}", cookie=COOKIE
    )
    assert (status, json.loads(body)["name"]) == (200, "dsw-a")


@pytest.mark.docker
def test_a_page_of_the_notebooks_own_origin_may_act_there_and_another_may_not(
    site: tuple[Settings, Gateway],
) -> None:
    settings, _ = site
    host = f"dsw-a.localhost:{settings.port}"
    path = "/notebook/dsw-a/api/kernels"

    assert ask(settings, path, host=host, cookie=COOKIE, origin=f"https://{host}")[0] == 200
    assert ask(settings, path, host=host, cookie=COOKIE, origin="https://elsewhere.org")[0] == 403


@pytest.mark.docker
def test_nothing_is_answered_in_the_clear(site: tuple[Settings, Gateway]) -> None:
    settings, _ = site
    connection = http.client.HTTPConnection("localhost", settings.port, timeout=PATIENCE_S)
    connection.request("GET", "/api/v1/workspaces")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()


@pytest.mark.docker
def test_the_key_is_readable_to_nobody_else(site: tuple[Settings, Gateway]) -> None:
    settings, _ = site
    file = settings.run / "gateway" / render.CERTIFICATE

    assert file.stat().st_mode & 0o077 == 0
    assert "PRIVATE KEY" in file.read_text()


@pytest.mark.docker
def test_a_gateway_that_runs_with_tls_is_left_as_it_is(site: tuple[Settings, Gateway]) -> None:
    settings, gateway = site
    before = worker_of(settings)
    gateway.publish(a_route("dsw-b", "127.0.1.1", 1))
    settle(gateway)

    assert gateway.status().message == ""
    assert worker_of(settings) == before


def worker_of(settings: Settings) -> int:
    """The process that answers; a reload begins another."""
    return Control(settings.run / "gateway" / "master.sock").workers()[0].pid


def renew(settings: Settings, folder: Path) -> None:
    """Put another certificate and its key where the settings say."""
    for name, path in a_certificate(folder).items():
        Path(path).replace(getattr(settings, name))


@pytest.mark.docker
def test_a_renewed_certificate_is_taken_and_connections_go_on(
    site: tuple[Settings, Gateway], tmp_path: Path
) -> None:
    settings, gateway = site
    trust = ssl.create_default_context(cafile=settings.tls_certificate)
    before = http.client.HTTPSConnection("localhost", settings.port, context=trust, timeout=PATIENCE_S)
    before.request("GET", "/api/v1/workspaces")
    before.getresponse().read()

    renew(settings, tmp_path)
    settle(gateway)

    assert ask(settings, "/api/v1/workspaces")[0] == 200
    before.request("GET", "/api/v1/workspaces")
    assert before.getresponse().status == 200


@pytest.mark.docker
def test_a_certificate_that_cannot_be_used_leaves_the_old_one_and_is_told(
    site: tuple[Settings, Gateway], tmp_path: Path
) -> None:
    settings, gateway = site
    in_use = tmp_path / "in-use.crt"
    in_use.write_text(Path(settings.tls_certificate).read_text())
    Path(settings.tls_certificate).write_text("half of a certif")

    try:
        settle(gateway)
        assert ask(replace(settings, tls_certificate=str(in_use)), "/api/v1/workspaces")[0] == 200
        assert "cannot be used" in gateway.status().message
    finally:
        renew(settings, tmp_path)
        settle(gateway)
    assert ask(settings, "/api/v1/workspaces")[0] == 200
    assert gateway.status().message == ""


@pytest.mark.docker
def test_a_daemon_that_comes_back_to_a_bad_certificate_goes_on_with_the_one_in_use(tmp_path: Path) -> None:
    with a_home() as plain, a_runtime() as runtime:
        settings = replace(plain, **a_certificate(tmp_path))
        settings.gateway_socket.parent.mkdir(parents=True)
        before = a_gateway(settings, runtime)
        before.sync([])
        settle(before)
        in_use = tmp_path / "in-use.crt"
        Path(settings.tls_certificate).rename(in_use)

        again = a_gateway(settings, runtime)
        again.sync([])
        settle(again)

        assert ask(replace(settings, tls_certificate=str(in_use)), "/")[0] == 200
        assert "It goes on with the certificate from before." in again.status().message
