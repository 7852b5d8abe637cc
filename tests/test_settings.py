"""Settings: where a value comes from, and how a wrong one is told."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from workbench.settings import OTHER_VARIABLES, BadSetting, Settings, expect_files, load


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
        ("port = 0", "port is 0 in {home}/config.toml; a number from 1 to 65535 is wanted"),
        ("port = 8590.7", "port is 8590.7 in {home}/config.toml; a whole number is wanted"),
        ("port = []", "port is []"),
        ("expose = []", "expose is [] in {home}/config.toml; true or false is wanted"),
        ("domain = 5", "domain is 5 in {home}/config.toml; a text is wanted"),
        ("memory_overcommit = inf", "memory_overcommit is inf in {home}/config.toml; a number is wanted"),
        ("sample_s = nan", "sample_s is nan"),
        ("sample_s = 0", "sample_s is 0.0"),
        ("stop_grace_s = inf", "stop_grace_s is inf"),
        ("start_timeout_s = 1e300", "start_timeout_s is"),
        ("idle_gpu_percent = -5", "idle_gpu_percent is -5.0"),
        ("idle_gpu_percent = 101", "a number from 0 to 100 is wanted"),
        ("workers = 100000", "workers is 100000"),
        ("pids_limit = 0", "pids_limit is 0"),
        ('mount_roots = {workspace = "/srv"}', "mount_roots.workspace cannot be set"),
        ('mount_roots = {home = "/srv"}', "mount_roots.home cannot be set"),
        ('mount_roots = {"a/b" = "/srv"}', "mount_roots has the name 'a/b'"),
        ("mount_roots = {data = 5}", "a table of names and absolute paths"),
        ('mount_roots = "/srv"', "a table of names and absolute paths"),
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

    assert words.format(home=tmp_path) in str(caught.value)


def test_a_whole_number_may_be_written_as_any(tmp_path: Path) -> None:
    in_file = write(tmp_path, "port = 8590.0\nnotebook_cpus = 2\nexpose = 1")

    settings = load({}, in_file)

    assert (repr(settings.port), repr(settings.notebook_cpus), settings.expose) == ("8590", "2.0", True)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(BadSetting, match="WORKBENCH_EXPOSE"):
        load({}, {"WORKBENCH_EXPOSE": "perhaps"})


@pytest.mark.parametrize("name", ["port", "workers"])
def test_a_wrong_option_is_named(name: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name} is 'abc' in --{name}; a whole number is wanted"):
        load({name: "abc"}, {})


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(BadSetting, match=r"sets WORKBENCH_PROT, .* Is WORKBENCH_PORT meant"):
        load({}, {"WORKBENCH_PROT": "9000"})


def test_variables_of_clients_and_sessions_are_no_settings_and_no_mistake() -> None:
    assert load({}, {**dict.fromkeys(OTHER_VARIABLES, "1"), "PORT": "1"}) == load({}, {})


def test_certificates_to_trust_have_to_be_there(tmp_path: Path) -> None:
    there = tmp_path / "ca.pem"
    there.touch()

    expect_files(load({"ca_bundle": str(there)}, {}))
    expect_files(load({}, {}))
    with pytest.raises(BadSetting, match="no such file"):
        expect_files(load({}, {"SSL_CERT_FILE": f"{tmp_path}/none.pem"}))


def test_defaults_are_in_their_own_ranges() -> None:
    for setting in fields(Settings):
        default = getattr(load({}, {}), setting.name)
        if setting.metadata["least"] is not None:
            assert setting.metadata["least"] <= default <= setting.metadata["most"]
        else:
            assert not isinstance(default, int | float) or isinstance(default, bool), setting.name


def test_listening_for_others_is_a_decision() -> None:
    assert load({"host": "0.0.0.0", "expose": True}, {}).endpoint == "http://127.0.0.1:8580"


def test_a_home_too_long_for_sockets_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="too long"):
        load({"home": str(tmp_path / ("x" * 100))}, {})


def test_every_setting_says_what_it_is() -> None:
    assert all(len(setting.metadata["help"]) > 10 for setting in fields(Settings))
