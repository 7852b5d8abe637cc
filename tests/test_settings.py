"""Settings: where a value comes from, and how a wrong one is told."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from workbench.settings import BadSetting, Settings, load


def write(home: Path, text: str) -> dict[str, str]:
    """A home with this config.toml; the environment that names it."""
    (home / "config.toml").write_text(text)
    return {"WORKBENCH_HOME": str(home)}


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    in_file = write(tmp_path, "port = 1001")

    assert load({}, {}).port == 8580
    assert load({}, in_file).port == 1001
    assert load({}, {**in_file, "WORKBENCH_PORT": "1002"}).port == 1002
    assert load({"port": 1003}, {**in_file, "WORKBENCH_PORT": "1002"}).port == 1003
    assert load({"port": None}, in_file).port == 1001


def test_every_setting_can_be_given_in_the_environment() -> None:
    samples = {int: "7", float: "7.5", bool: "true", str: "debug", Path: "/tmp/elsewhere"}
    for setting in fields(Settings):
        kind = type(getattr(load({}, {}), setting.name))
        if setting.name in ("host", "mount_roots"):
            continue
        value = samples.get(kind, "/tmp/elsewhere")

        both_or_neither = {"WORKBENCH_TLS_CERTIFICATE": "/tls", "WORKBENCH_TLS_KEY": "/tls"}
        other_half = both_or_neither if setting.name.startswith("tls_") else {}

        given = load({}, {**other_half, f"WORKBENCH_{setting.name.upper()}": value})

        assert getattr(given, setting.name) != getattr(load({}, {}), setting.name) or kind is bool, (
            setting.name
        )


def test_proxy_and_certificates_follow_the_hosts_own_variables() -> None:
    host = {"https_proxy": "http://proxy:1", "PIP_CERT": "/etc/ca.crt", "DOCKER_HOST": "unix:///other.sock"}

    settings = load({}, host)

    assert (settings.https_proxy, settings.ca_bundle) == ("http://proxy:1", "/etc/ca.crt")
    assert settings.docker_host == "unix:///other.sock"
    assert load({}, {**host, "WORKBENCH_HTTPS_PROXY": ""}).https_proxy == ""


def test_mount_roots_are_named_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    table = write(tmp_path, '[mount_roots]\ndata = "/srv/data"')

    assert load({}, table).mount_roots == {"data": Path("/srv/data")}
    variable = {"WORKBENCH_MOUNT_ROOTS": "a=/srv/a,b=/srv/b"}
    assert load({}, variable).mount_roots == {"a": Path("/srv/a"), "b": Path("/srv/b")}


def test_everything_is_kept_below_the_home(tmp_path: Path) -> None:
    settings = load({"home": str(tmp_path)}, {})

    for path in (settings.database, settings.run, settings.socket, settings.gateway_socket, settings.logs):
        assert path.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("127.0.0.1", "http://127.0.0.1:8580"),
        ("::1", "http://[::1]:8580"),
        ("127.0.0.2", "http://127.0.0.2:8580"),
    ],
)
def test_the_endpoint_is_a_url_that_programs_can_use(host: str, endpoint: str) -> None:
    assert load({"host": host}, {}).endpoint == endpoint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 0", "port is 0"),
        ("port = 65536", "port is 65536"),
        ('port = "many"', "port is 'many'"),
        ("port = true", "port is True"),
        ('host = "here"', "host is 'here'"),
        ('host = "0.0.0.0"', "plain HTTP"),
        ('log_level = "loud"', "log_level is 'loud'"),
        ("workers = 0", "workers is 0"),
        ("stop_grace_s = -1", "stop_grace_s is -1"),
        ('mount_roots = {data = "srv"}', "mount_roots.data is srv"),
        ("colour = 1", "sets colour, which Workbench does not know"),
        ("port = ", "is not valid TOML"),
    ],
)
def test_a_wrong_value_is_told_with_its_name_and_where_it_stands(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        load({}, write(tmp_path, text))

    assert words in str(caught.value)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(BadSetting, match="WORKBENCH_EXPOSE"):
        load({}, {"WORKBENCH_EXPOSE": "perhaps"})


def test_listening_for_others_is_a_decision() -> None:
    assert load({"host": "0.0.0.0", "expose": True}, {}).endpoint == "http://127.0.0.1:8580"


def test_a_home_too_long_for_sockets_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="too long"):
        load({"home": str(tmp_path / ("x" * 100))}, {})


def test_every_setting_says_what_it_is() -> None:
    assert all(len(setting.metadata["help"]) > 10 for setting in fields(Settings))
