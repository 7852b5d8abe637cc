"""`workbench up` and `down` where something is missing: said clearly, nothing half-started."""

from __future__ import annotations

import fcntl
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.in_process_api import Api, instance
from workbench.cli import workbench
from workbench.cli.up import choose
from workbench.client.notebooks import NotebookView
from workbench.settings import as_texts, load


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    """A socket where something says that it is a Docker engine, and no more."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "engine.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"unix://{tmp_path / 'engine.sock'}"
        server.shutdown()
        thread.join()


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(home), *arguments])


def a_view(name: str, status: str) -> NotebookView:
    return NotebookView.from_answer(instance(InstanceName=name, Status=status))


@pytest.fixture
def running(api: Api) -> Iterator[Api]:
    """What `up` finds where a daemon runs: its lock, its settings, its answers."""
    settings = load({"home": api.settings.home, "port": 8600}, {})
    settings.in_force.write_text(json.dumps(as_texts(settings)))
    with (settings.run / "daemon.lock").open("w") as lock:
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield api


def a_status(state: str, message: str = "") -> dict[str, object]:
    gateway = {"Answers": state == "Answers", "State": state, "Message": message}
    return {"Endpoint": "http://127.0.0.1:8600", "Pid": 42, "Gateway": gateway}


def test_it_runs_only_where_it_can_be_reached(running: Api) -> None:
    running.answers["GetStatus"] = a_status("Answers")
    reached = run(running.settings.home, "up")
    running.answers["GetStatus"] = a_status("Away", "Port 8600 on 127.0.0.1 is taken by nginx (process 7).")
    held = run(running.settings.home, "up")

    assert (reached.exit_code, held.exit_code) == (0, 1)
    assert "Workbench runs already: http://127.0.0.1:8600" in reached.stderr
    assert "nobody reaches it at http://127.0.0.1:8600. Port 8600 on 127.0.0.1 is taken by" in held.stderr
    assert "kill 42" in held.stderr
    assert "Workbench runs already" not in held.stderr


def test_a_gateway_that_starts_is_waited_for(running: Api) -> None:
    looks = iter([*[a_status("Starting", "It is starting.")] * 3, *[a_status("Answers")] * 9])
    running.answers["GetStatus"] = lambda fields: next(looks)

    assert run(running.settings.home, "up").exit_code == 0


def test_an_image_that_is_built_is_not_waited_for_and_told(running: Api) -> None:
    running.answers["GetStatus"] = a_status("Building", "Its image is on the way: step 3 of 9.")

    result = run(running.settings.home, "up")

    assert result.exit_code == 0
    assert "Its image is on the way: step 3 of 9." in result.stderr
    assert "Browsers get in once it is there" in result.stderr


def test_an_option_that_does_not_hold_any_more_is_told_and_how_it_would(running: Api) -> None:
    running.answers["GetStatus"] = a_status("Answers")

    other = run(running.settings.home, "up", "--port", "9999", "--workers", "8")
    same = run(running.settings.home, "up", "--port", "8600")

    assert (other.exit_code, same.exit_code) == (0, 0)
    assert "Not in force: --port 9999. Settings are read when the daemon starts." in other.stderr
    assert "kill 42" in other.stderr
    assert "Not in force" not in same.stderr


def test_without_an_engine_nothing_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"

    result = run(home, "up", "--docker-host", f"unix://{tmp_path}/none.sock")

    assert result.exit_code == 1
    assert "Docker engine" in result.stderr
    assert not home.exists()


def test_a_socket_of_something_else_is_not_taken_for_an_engine(tmp_path: Path) -> None:
    result = run(tmp_path, "up", "--docker-host", f"unix://{tmp_path}")

    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_a_daemon_that_cannot_start_says_why(tmp_path: Path, engine: str) -> None:
    home = tmp_path / "home"
    (home / "state.db").mkdir(parents=True)

    result = run(home, "up", "--docker-host", engine)

    assert result.exit_code == 1
    assert "The daemon ended with exit code 1." in result.stderr
    assert str(home / "state.db") in result.stderr


def test_a_setting_that_is_wrong_is_found_before_anything_starts(tmp_path: Path) -> None:
    result = run(tmp_path / "home", "up", "--port", "many")

    assert result.exit_code == 2
    assert "port is 'many' in --port; a whole number is wanted" in result.stderr
    assert "WORKBENCH_PORT" not in result.stderr
    assert not (tmp_path / "home").exists()


def test_the_daemon_in_the_foreground_names_a_wrong_option_too(tmp_path: Path) -> None:
    result = run(tmp_path / "home", "daemon", "--port", "many")

    assert result.exit_code == 2
    assert "port is 'many' in --port" in result.stderr


def test_certificates_that_are_not_there_are_found_before_anything_starts(
    tmp_path: Path, engine: str
) -> None:
    for command in ("up", "daemon"):
        arguments = ["--home", str(tmp_path / "home"), command, "--docker-host", engine]
        result = subprocess.run(
            [sys.executable, "-m", "workbench.cli", *arguments, "--ca-bundle", f"{tmp_path}/none.pem"],
            capture_output=True,
            text=True,
            check=False,
        )

        assert result.returncode in (1, 2)
        assert "none.pem, and there is no such file" in result.stderr
        assert not (tmp_path / "home").exists()


def test_down_is_no_error_where_nothing_runs(tmp_path: Path) -> None:
    result = run(tmp_path / "home", "down")

    assert result.exit_code == 0
    assert not (tmp_path / "home").exists()


def test_down_is_no_error_where_the_engine_was_ended_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'docker_host = "unix://{tmp_path}/none.sock"\n')

    result = run(tmp_path, "down")

    assert result.exit_code == 0
    assert "Nothing to stop" in result.stderr


def test_purge_without_an_engine_removes_nothing_and_says_what_to_start(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    (tmp_path / "config.toml").write_text(f'docker_host = "unix://{tmp_path}/none.sock"\n')

    result = run(tmp_path, "down", "--purge", "--yes")

    assert result.exit_code == 1
    assert "Docker engine" in result.stderr
    assert "INFO" not in result.stderr
    assert (tmp_path / "state.db").exists()


def test_purge_never_removes_a_directory_that_is_not_workbench_s(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    result = run(tmp_path, "down", "--purge", "--yes")

    assert result.exit_code == 2
    assert (tmp_path / "thesis.txt").exists()


def test_purge_asks_first(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()

    result = CliRunner().invoke(workbench, ["--home", str(tmp_path), "down", "--purge"], input="n\n")

    assert result.exit_code == 1
    assert (tmp_path / "state.db").exists()


def test_the_notebook_shown_is_one_that_runs_else_the_first() -> None:
    stopped, running = a_view("first", "Stopped"), a_view("other", "Running")

    assert choose([stopped, running]) == running
    assert choose([a_view("other", "Stopped"), stopped]) == stopped
    assert choose([a_view("first", "Deleting")]) is None
    assert choose([]) is None


@given(
    st.lists(st.tuples(st.sampled_from(["first", "a"]), st.sampled_from(["Running", "Stopped", "Failed"])))
)
def test_a_running_notebook_is_shown_whenever_there_is_one(rows: list[tuple[str, str]]) -> None:
    chosen = choose([a_view(*row) for row in rows])

    assert (chosen is not None and chosen.status == "Running") == any(row[1] == "Running" for row in rows)
