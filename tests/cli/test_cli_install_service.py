"""`workbench install-service`: the unit starts the very Workbench that runs now, with its settings."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from click.testing import CliRunner

from workbench.cli import workbench
from workbench.cli.install_service import AmbiguousHome, choose_home, settings_of, unit


def a_workbench(home: Path) -> Path:
    home.mkdir(parents=True)
    (home / "state.db").touch()
    return home


def test_the_unit_keeps_the_home_and_leaves_containers_alone() -> None:
    text = unit(python="/opt/my venv/bin/python", home=Path("/data/100%/wb"), for_user=False)

    assert 'ExecStart="/opt/my venv/bin/python" -m workbench.daemon' in text
    assert 'Environment="WORKBENCH_HOME=/data/100%%/wb"' in text
    assert "KillMode=process" in text
    assert "User=" not in text


def test_a_home_that_is_somebody_s_is_served_as_that_user() -> None:
    text = unit(python="/python", home=Path("/home/ada/.workbench"), for_user=False, user="ada")

    assert "[Service]\nUser=ada\n" in text


def test_sudo_takes_the_workbench_of_who_said_it_where_root_has_none(tmp_path: Path) -> None:
    root, ada = tmp_path / "root", tmp_path / "ada"

    assert choose_home(root, ada) == root
    assert choose_home(root, a_workbench(ada)) == ada
    with pytest.raises(AmbiguousHome, match="--home DIRECTORY install-service"):
        choose_home(a_workbench(root), ada)
    assert choose_home(root, tmp_path / "bob") == root
    assert choose_home(root, root) == root


def test_what_the_daemon_reads_in_an_environment_goes_into_the_unit() -> None:
    environ = {
        "WORKBENCH_PORT": "9000",
        "WORKBENCH_HTTPS_PROXY": "",
        "PIP_CERT": '/etc/"our" ca.pem',
        "WORKBENCH_ACCESS_KEY_SECRET": "secret",
        "WORKBENCH_HOME": "/elsewhere",
        "PATH": "/bin",
        "https_proxy": "http://ada:secret@proxy:3128",
    }

    settings, secret = settings_of(environ)
    text = unit(python="/python", home=Path("/home/wb"), for_user=True, environment=settings)

    assert 'Environment="WORKBENCH_PORT=9000"' in text
    assert 'Environment="WORKBENCH_HTTPS_PROXY="' in text
    assert r'Environment="PIP_CERT=/etc/\"our\" ca.pem"' in text
    assert 'Environment="WORKBENCH_HOME=/home/wb"' in text
    assert "secret" not in text
    assert "PATH" not in text
    assert secret == ["https_proxy"]


def test_the_unit_is_printed_with_what_it_would_hold(tmp_path: Path) -> None:
    environment = {"WORKBENCH_PORT": "9000", "http_proxy": "http://ada:secret@proxy:3128"}
    arguments = ["--home", str(tmp_path), "install-service", "--print", "--system"]

    result = CliRunner().invoke(workbench, arguments, env=environment)

    assert result.exit_code == 0
    assert 'Environment="WORKBENCH_PORT=9000"' in result.stdout
    assert f'Environment="WORKBENCH_HOME={tmp_path}"' in result.stdout
    assert "http_proxy holds a password" in result.stderr
    assert f"put it into {tmp_path}/config.toml" in result.stderr
    assert "secret" not in result.output
    owner = pwd.getpwuid(os.geteuid())
    assert (f"User={owner.pw_name}" in result.stdout) == (owner.pw_uid != 0)


def test_settings_that_cannot_be_used_go_into_no_unit(tmp_path: Path) -> None:
    arguments = ["--home", str(tmp_path), "install-service", "--print"]

    result = CliRunner().invoke(workbench, arguments, env={"WORKBENCH_PORT": "many"})

    assert result.exit_code == 2
    assert "port is 'many' in WORKBENCH_PORT" in result.stderr
    assert result.stdout == ""
