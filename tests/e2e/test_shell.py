"""A shell in a notebook: at a terminal, in a pipe, through the gateway, and how it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from docker import APIClient

from tests.e2e.shell_user import a_shell
from tests.gateway.test_gateway_tls import a_certificate
from tests.installation import Installation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def train(workbench: Installation, light_image: str) -> str:
    """A notebook that runs, named train."""
    notebook_id = workbench.create("train", ImageUrl=light_image)
    workbench.until_status(notebook_id, "Running")
    return notebook_id


def run(workbench: Installation, *command: str, typed: bytes = b"", **environment: str):
    """A command in the notebook, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "workbench.cli", "notebook", "shell", "train", "--", *command],
        env=workbench.environment | environment,
        input=typed,
        capture_output=True,
        check=False,
    )


def runs(workbench: Installation, word: str) -> bool:
    """Whether a process in a notebook has this word in its command line."""
    docker = APIClient(workbench.settings.docker_host, version="auto")
    rows = [row for pod in workbench.pods() for row in docker.top(pod.container)["Processes"]]
    return any(word in row[-1] for row in rows)


@contextmanager
def a_pipe_to(workbench: Installation, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command in the notebook that goes on, with pipes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "notebook", "shell", "train", "--", *command],
        env=workbench.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_shell_has_a_terminal_of_the_same_size_and_follows_it(workbench: Installation, train: str) -> None:
    with a_shell(workbench, "train", rows=33, columns=99) as user:
        user.type("stty size; echo $TERM in $PWD as $HOME by $0\n")
        user.sees("33 99")
        user.sees("xterm-256color in /mnt/workspace as /mnt/workspace by bash")

        user.resize(41, 121)
        user.type("until [ \"$(stty size)\" = '41 121' ]; do sleep 0.1; done; echo fits: $((6 * 7))\n")
        user.sees("fits: 42")

        user.type("exit 7\n")
        assert user.exit_code() == 7
        assert user.has_terminal_back()


def test_what_is_typed_is_the_program_s_ctrl_c_too(workbench: Installation, train: str) -> None:
    with a_shell(workbench, "train") as user:
        user.type("sleep 4710\n")
        workbench.until(lambda: runs(workbench, "sleep 4710"), "it runs")
        user.type("\x03")
        user.type("echo status $?\n")
        user.sees("status 130")
        assert not runs(workbench, "sleep 4710")


def test_a_flood_can_be_stopped(workbench: Installation, train: str) -> None:
    with a_shell(workbench, "train") as user:
        user.type("yes\n")
        user.sees("y\r\ny\r\ny")
        user.type("\x03")
        user.type("echo back: $((6 * 7))\n")

        user.sees("back: 42")


def test_a_pipe_carries_bytes_as_they_are_and_keeps_stderr_apart(workbench: Installation, train: str) -> None:
    noise = bytes(range(256)) * 20_000

    done = run(workbench, "sh", "-c", "cat; echo oh >&2; exit 3", typed=noise)

    assert done.stdout == noise
    assert done.stderr == b"oh\n"
    assert done.returncode == 3


def test_a_shell_reads_its_commands_from_a_pipe_or_a_file(
    workbench: Installation, train: str, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("echo $((6 * 7))\n")
    command = [sys.executable, "-m", "workbench.cli", "notebook", "shell", "train"]

    with script.open() as file:
        done = subprocess.run(command, env=workbench.environment, stdin=file, capture_output=True, check=True)

    assert done.stdout == b"42\n"
    assert run(workbench, "sh", typed=b"echo $((6 * 7))\n").stdout == b"42\n"


def test_closed_streams_are_no_streams(workbench: Installation, train: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m workbench.cli notebook shell train -- cat <&- 2>&-"

    done = subprocess.run(command, shell=True, env=workbench.environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_command_that_is_not_there_says_so(workbench: Installation, train: str) -> None:
    done = run(workbench, "no-such-command")

    assert done.returncode == 127
    assert b"no-such-command: not found" in done.stderr


def test_it_runs_as_the_notebook_s_user_with_its_rights_and_no_more(
    workbench: Installation, train: str
) -> None:
    (pod,) = [each for each in workbench.pods() if each.id == train]
    docker = APIClient(workbench.settings.docker_host, version="auto")
    user = docker.inspect_container(pod.container)["Config"]["User"]

    assert run(workbench, "sh", "-c", "echo $(id -u):$(id -g)").stdout.decode().strip() == user
    assert b"NoNewPrivs:\t1" in run(workbench, "cat", "/proc/self/status").stdout
    assert run(workbench, "printenv", "NVIDIA_VISIBLE_DEVICES").stdout == b"void\n"
    assert int(run(workbench, "sh", "-c", "umask").stdout, 8) == 0o002


@pytest.mark.parametrize("at_terminal", [True, False], ids=["at a terminal", "in a pipe"])
def test_a_client_that_is_killed_leaves_nothing_behind(
    workbench: Installation, train: str, at_terminal: bool
) -> None:
    if at_terminal:
        with a_shell(workbench, "train") as user:
            user.type("sleep 4711 & sleep 4712\n")
            workbench.until(lambda: runs(workbench, "sleep 4712"), "it runs")
            user.process.send_signal(signal.SIGKILL)
    else:
        with a_pipe_to(workbench, "sh", "-c", "sleep 4711 & sleep 4712"):
            workbench.until(lambda: runs(workbench, "sleep 4712"), "it runs")

    workbench.until(lambda: not runs(workbench, "sleep 471"), "all of it is gone", within_s=300)


def test_a_killed_client_is_noticed_while_the_program_reads_nothing(
    workbench: Installation, train: str
) -> None:
    with a_pipe_to(workbench, "sleep", "4713") as process:
        assert process.stdin
        os.set_blocking(process.stdin.fileno(), False)
        workbench.until(lambda: runs(workbench, "sleep 4713"), "it runs")
        workbench.until(lambda: process.stdin.raw.write(b"x" * 65536) is None, "nobody takes any more")

    workbench.until(lambda: not runs(workbench, "sleep 4713"), "it is gone", within_s=300)


def test_a_program_that_does_not_mind_being_hung_up_is_ended_all_the_same(
    workbench: Installation, train: str
) -> None:
    with a_pipe_to(workbench, "sh", "-c", "trap '' HUP; sleep 4714"):
        workbench.until(lambda: runs(workbench, "sleep 4714"), "it runs")

    workbench.until(lambda: not runs(workbench, "sleep 4714"), "it is gone")


def test_a_shell_that_does_not_answer_can_be_left(workbench: Installation, train: str) -> None:
    with a_shell(workbench, "train", "--", "sleep", "4715") as user:
        workbench.until(lambda: runs(workbench, "sleep 4715"), "it runs")
        user.type("\r~.")

        assert user.exit_code() == 130
        assert user.has_terminal_back()
    workbench.until(lambda: not runs(workbench, "sleep 4715"), "it is gone")


def test_work_in_a_shell_counts_as_use_of_the_notebook(workbench: Installation, train: str) -> None:
    began = datetime.now(UTC)
    run(workbench, "echo", "at work")

    workbench.dsw("StartInstance", instance_id=train)  # it runs: this only has it looked at
    workbench.until(lambda: last_active(workbench, train) > began, "it counts as used")


def last_active(workbench: Installation, notebook_id: str) -> datetime:
    with closing(sqlite3.connect(workbench.settings.database)) as db:
        [time] = db.execute("SELECT last_active FROM notebooks WHERE id = ?", [notebook_id]).fetchone()
    return datetime.fromisoformat(time)


def test_a_notebook_that_stops_ends_its_shells(workbench: Installation, light_image: str) -> None:
    other = workbench.create("brief", ImageUrl=light_image)
    workbench.until_status(other, "Running")
    with a_shell(workbench, "brief") as user:
        user.sees("$ ")
        workbench.run("notebook", "stop", "brief", "--wait")

        assert user.exit_code() == 137
        assert user.has_terminal_back()

    done = workbench.run("notebook", "shell", "brief", check=False)
    assert done.returncode == 6
    assert "`workbench notebook start brief`" in done.stderr
    workbench.run("notebook", "delete", "brief", "--wait")


def test_a_shell_goes_through_the_gateway_with_a_key_or_a_token(workbench: Installation, train: str) -> None:
    remote = f"http://localhost:{workbench.settings.port}"
    workbench.until_reached()
    key = workbench.json("accesskey", "create")
    by_key = {
        "WORKBENCH_ACCESS_KEY_ID": key["access_key_id"],
        "WORKBENCH_ACCESS_KEY_SECRET": key["access_key_secret"],
    }
    by_token = {"WORKBENCH_TOKEN": workbench.json("token", "create")["token"]}

    for proof in (by_key, by_token):
        with a_shell(workbench, "train", rows=35, columns=90, WORKBENCH_ENDPOINT=remote, **proof) as user:
            user.type("stty size; exit 5\n")
            user.sees("35 90")
            assert user.exit_code() == 5
    refused = run(workbench, "true", WORKBENCH_ENDPOINT=remote, WORKBENCH_TOKEN="wbt_guessed")
    assert refused.returncode == 5


def test_a_shell_goes_through_tls(light_image: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = a_certificate(tmp_path_factory.mktemp("tls"))
    environment = {f"WORKBENCH_{name.upper()}": path for name, path in paths.items()}
    secure = Installation(tmp_path_factory.mktemp("home"), **environment)
    try:
        secure.start()
        secure.until_status(secure.create("train", ImageUrl=light_image), "Running")
        secure.until_reached()
        done = run(
            secure,
            *("echo", "inside"),
            WORKBENCH_ENDPOINT=f"https://LOCALHOST:{secure.settings.port}",
            WORKBENCH_TOKEN=secure.json("token", "create")["token"],
            SSL_CERT_FILE=paths["tls_certificate"],
        )
    finally:
        secure.remove()

    assert done.stdout == b"inside\n", done.stderr


def test_both_ends_of_a_shell_are_on_record(workbench: Installation, train: str) -> None:
    before = on_record(workbench, train, "openNotebookShell")
    run(workbench, "true")

    [mine] = on_record(workbench, train, "openNotebookShell").keys() - before.keys()
    workbench.until(lambda: mine in on_record(workbench, train, "closeNotebookShell"), "its end is on record")
    opened = on_record(workbench, train, "openNotebookShell")[mine]
    closed = on_record(workbench, train, "closeNotebookShell")[mine]
    assert opened["resource_id"] == closed["resource_id"] == train
    assert opened["workspace_id"]


def on_record(workbench: Installation, notebook_id: str, event: str) -> dict[str, dict[str, str]]:
    """What is on record of such an event, by the request it belongs to."""
    command = ("audit", "--limit", "1000", "--resource", notebook_id, "--json")
    entries = [json.loads(line) for line in workbench.run(*command).stdout.splitlines()]
    return {each["request_id"]: each for each in entries if each["event"] == event}


def test_a_daemon_that_is_stopped_says_so_and_gives_the_terminal_back(
    workbench: Installation, train: str
) -> None:
    with a_shell(workbench, "train") as user:
        user.type("sleep 4716\n")
        workbench.until(lambda: runs(workbench, "sleep 4716"), "it runs")
        assert workbench.process
        workbench.process.terminate()
        workbench.process.wait()

        user.sees("Workbench was stopped, and the shell with it.")
        assert user.exit_code() == 3
        assert user.has_terminal_back()
    workbench.until(lambda: not runs(workbench, "sleep 4716"), "what ran in it is gone")
    workbench.start()


def test_a_daemon_that_is_killed_gives_the_terminal_back_and_its_successor_cleans_up(
    workbench: Installation, train: str
) -> None:
    with a_shell(workbench, "train") as user:
        user.type("sleep 4717\n")
        workbench.until(lambda: runs(workbench, "sleep 4717"), "it runs")
        workbench.kill()

        user.sees("The connection to Workbench broke")
        assert user.exit_code() == 3
        assert user.has_terminal_back()
    workbench.start()

    workbench.until(lambda: not runs(workbench, "sleep 4717"), "it is gone")
    assert runs(workbench, "jupyter")
