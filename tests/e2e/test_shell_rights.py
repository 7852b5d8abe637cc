"""Who gets into a notebook by a shell, and who has to leave."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.shell_user import a_shell
from tests.installation import Installation
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def train(workbench: Installation, light_image: str) -> str:
    """A notebook of the machine's owner that runs, named train."""
    notebook_id = workbench.create("train", ImageUrl=light_image, Accessibility="PUBLIC")
    workbench.until_status(notebook_id, "Running")
    status = operation("workbench", "GetStatus")
    workbench.until(lambda: workbench.client.call(status)["Gateway"]["Answers"], "the gateway answers")
    return notebook_id


def a_user(workbench: Installation, name: str, uid: int, role: str = "") -> dict[str, str]:
    """A new user, with a role in the default workspace or in none; what their commands need."""
    workbench.run("user", "add", name, "--uid", str(uid), "--gid", str(uid))
    workbench.run("member", "remove", name)
    if role:
        workbench.run("member", "add", name, "--role", role)
    token = workbench.json("token", "create", "--user", name)["token"]
    return {
        "WORKBENCH_ENDPOINT": f"http://localhost:{workbench.settings.port}",
        "WORKBENCH_TOKEN": token,
    }


def enter(
    workbench: Installation, notebook_id: str, proof: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench.cli", "notebook", "shell", notebook_id, "--", "echo", "inside"],
        env=workbench.environment | proof,
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("role", "uid", "outcome"),
    [
        ("PAI.WorkspaceAdmin", 2101, (0, "inside")),
        ("PAI.AlgoDeveloper", 2102, (5, "Your roles do not allow OpenNotebookShell")),
        ("PAI.AlgoOperator", 2103, (5, "Your roles do not allow OpenNotebookShell")),
        ("", 2104, (4, "There is no notebook")),
    ],
    ids=["administrator", "developer", "operator", "stranger"],
)
def test_only_its_maker_and_who_manages_the_workspace_get_in(
    workbench: Installation, train: str, role: str, uid: int, outcome: tuple[int, str]
) -> None:
    done = enter(workbench, train, a_user(workbench, f"user{uid}", uid, role))

    exit_code, said = outcome
    assert done.returncode == exit_code
    assert said in done.stdout + done.stderr


def disable(workbench: Installation, name: str) -> None:
    workbench.run("user", "disable", name, "--sessions", "keep")


def take_token(workbench: Installation, name: str) -> None:
    (token,) = workbench.json("token", "list", "--user", name)
    workbench.run("token", "delete", token["token_id"])


def take_out(workbench: Installation, name: str) -> None:
    workbench.run("member", "remove", name)


@pytest.mark.parametrize(
    ("shut_out", "uid", "said"),
    [
        (disable, 2201, "The user user2201 is disabled."),
        (take_token, 2202, "The token is unknown"),
        (take_out, 2203, "There is no notebook"),
    ],
)
def test_who_is_shut_out_leaves_shells_and_logs_at_once(
    workbench: Installation, train: str, shut_out, uid: int, said: str
) -> None:
    name = f"user{uid}"
    proof = a_user(workbench, name, uid, "PAI.WorkspaceAdmin")
    with a_shell(workbench, train, **proof) as user, a_followed_log(workbench, train, proof) as log:
        user.sees("$ ")
        assert "serving at" in (log.stdout.readline() if log.stdout else "")

        shut_out(workbench, name)

        user.sees(said)
        assert user.exit_code() != 0
        assert user.has_terminal_back()
        assert log.stderr
        assert said in log.stderr.read()


@contextmanager
def a_followed_log(
    workbench: Installation, notebook_id: str, proof: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "notebook", "logs", "-f", notebook_id],
        env=workbench.environment | proof,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_refusal_is_on_record(workbench: Installation, train: str) -> None:
    proof = a_user(workbench, "curious", 2301, "PAI.AlgoDeveloper")
    enter(workbench, train, proof)

    [line, *_] = workbench.run(
        "audit", "--user", "curious", "--operation", "OpenNotebookShell", "--json"
    ).stdout.splitlines()
    assert json.loads(line)["status"] == 403
