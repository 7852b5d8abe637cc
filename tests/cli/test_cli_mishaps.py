"""Whatever comes from a shell or a machine: a command ends in a line that says it, never in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.in_process_api import Api
from workbench.cli import daemon_process
from workbench.daemon.lock import only_daemon_of
from workbench.settings import BadSetting, Settings, UnusableHome, load


def run(
    *arguments: str | bytes, environment: Mapping[str, str] | None = None, redirected: str = ""
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a shell starts it."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirected}', "sh", sys.executable, "-m", "workbench.cli", *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str], code: int) -> str:
    """What it said, and no more than a message and a hint."""
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    return ended.stderr


@pytest.fixture
def foreign() -> Iterator[Settings]:
    """A home as a daemon leaves it, with settings that are nobody else's business."""
    with tempfile.TemporaryDirectory(prefix="wb-") as path:
        home = Path(path)
        (home / "config.toml").write_text("port = 9000\n")
        (home / "config.toml").chmod(0o600)
        with only_daemon_of(home, home / "run"):
            (home / "run" / "daemon.lock").chmod(0o600)
            for each in (home, home / "run"):
                each.chmod(0o711)
            yield Settings(home=home)


@contextmanager
def another_user() -> Iterator[None]:
    before = os.geteuid()
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@needs_root
def test_the_home_of_another_user_is_told_as_such(foreign: Settings) -> None:
    with another_user():
        with pytest.raises(UnusableHome, match="belongs to another user"):
            daemon_process.pid(foreign)  # what `up` and `down` ask first
        with (
            pytest.raises(UnusableHome, match="belongs to another user"),
            only_daemon_of(foreign.home, foreign.run),
        ):
            pass


@needs_root
def test_settings_that_only_another_user_may_read_do_not_stop_a_client(foreign: Settings) -> None:
    with another_user():
        assert load({"home": foreign.home}, {}).port == 8580

    (foreign.home / "config.toml").chmod(0o000)
    os.chown(foreign.home, 65534, 65534)
    with another_user(), pytest.raises(BadSetting, match="cannot be read"):
        load({"home": foreign.home}, {})


def test_a_home_that_cannot_be_written_is_said_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    settings.home.mkdir()
    settings.logs.touch()
    settings.run.touch()

    with pytest.raises(UnusableHome, match=r"logs cannot be written.*--home"):
        daemon_process.launch(settings, os.environ)
    assert "run cannot be written" in said(run("--home", str(settings.home), "daemon"), 1)


def test_a_home_of_nobody_is_refused() -> None:
    assert "no such user" in said(run("--home", "~nobody-has-this-name/x", "status"), 2)


@pytest.mark.parametrize("command", [("notebook", "show"), ("accesskey", "delete"), ("token", "delete")])
def test_an_argument_that_is_no_text_is_refused(api: Api, command: tuple[str, ...]) -> None:
    ended = run("--home", str(api.settings.home), *command, b"\xff")

    assert "is not text" in said(ended, 2)
    assert api.calls == []


@pytest.mark.parametrize("days", ["nan", "inf", "1e10"])
def test_a_number_that_is_none_is_refused(days: str) -> None:
    assert "Invalid value for '--days'" in said(run("audit", "--days", days), 2)


@pytest.mark.parametrize("command", ["up", "daemon"])
@pytest.mark.parametrize("host", ["tcp://127.0.0.1:xx", "tcp://127.0.0.1:99999", "tcp://[::1"])
def test_an_engine_s_address_that_is_none_is_refused(host: str, command: str, tmp_path: Path) -> None:
    ended = run("--home", str(tmp_path / "home"), command, environment={"DOCKER_HOST": host})

    assert "tcp://host:port is wanted" in said(ended, 2)


def test_a_result_that_cannot_be_written_is_a_failure() -> None:
    assert said(run("--help", redirected=">/dev/full"), 1) == "Error: No space left on device.\n"


def test_a_closed_stdout_takes_nothing_and_breaks_nothing(api: Api) -> None:
    api.answers["ListRoles"] = {"Roles": ["PAI.Guest"], "Permissions": []}

    assert "PAI.Guest" in said(run("--home", str(api.settings.home), "roles", redirected=">&-"), 0)
    assert run("--version", redirected=">&- 2>&- <&-").returncode == 0


def test_ctrl_c_while_the_command_loads_is_an_interruption(tmp_path: Path) -> None:
    # The first thing that loads is click: here one that is interrupted on the way.
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"

    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import workbench.cli"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said(ended, 130) == "\nInterrupted.\n"
