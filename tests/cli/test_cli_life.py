"""A whole life from the shell, with the real daemon and the real engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.ports import free_port

pytestmark = pytest.mark.docker

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="wb-"))
    try:
        yield path
    finally:
        subprocess.run([sys.executable, "-m", "workbench.cli", "--home", str(path), "down"], check=False)
        # The daemon's process closes its database a moment after its lock: a file may vanish meanwhile.
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def run(home: Path) -> Run:
    environment = {**os.environ, "WORKBENCH_HOME": str(home), "WORKBENCH_PORT": str(free_port())}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "workbench.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def status(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("status", "--json").stdout)
    return found


def pid_of_daemon(run: Run) -> int:
    return int(status(run)["Pid"])


def await_gateway(run: Run) -> None:
    deadline = time.monotonic() + 400
    while not status(run)["Gateway"]["Answers"]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def containers_of(home: Path) -> list[str]:
    mine = {"label": f"workbench.home={(home / 'id').read_text().strip()}"}
    return [each.name for each in docker.from_env().containers.list(all=True, filters=mine)]


def test_up_can_be_repeated_and_finds_the_daemon_that_runs(run: Run) -> None:
    assert run("up").returncode == 0
    first = pid_of_daemon(run)

    again = run("up")

    assert again.returncode == 0
    assert "runs already" in again.stderr
    assert pid_of_daemon(run) == first


def test_up_fails_where_nobody_could_reach_it_and_says_why(run: Run) -> None:
    result = run("up", "--host", "203.0.113.9", "--expose", "true")

    assert result.returncode == 1
    assert "This machine has no address 203.0.113.9" in result.stderr


def test_settings_of_a_daemon_that_runs_do_not_change(run: Run) -> None:
    assert run("up", "--workers", "3").returncode == 0

    assert "Not in force: --workers 4" in run("up", "--workers", "4").stderr
    assert "Not in force" not in run("up", "--workers", "3").stderr


def test_a_killed_daemon_is_replaced_and_down_leaves_nothing_running(run: Run, home: Path) -> None:
    run("up")
    await_gateway(run)
    killed = pid_of_daemon(run)
    os.kill(killed, signal.SIGKILL)

    assert run("status").returncode == 3
    assert run("up").returncode == 0
    assert pid_of_daemon(run) != killed
    assert run("down").returncode == 0

    assert containers_of(home) == []
    assert run("status").returncode == 3


def test_down_cleans_up_after_a_daemon_that_was_killed(run: Run, home: Path) -> None:
    run("up")
    await_gateway(run)
    os.kill(pid_of_daemon(run), signal.SIGKILL)

    assert run("down").returncode == 0
    assert containers_of(home) == []
