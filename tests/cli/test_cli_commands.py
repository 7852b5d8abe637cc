"""The commands beside `notebook`: connection, status, images, service, completion."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from click.testing import CliRunner, Result

from tests.in_process_api import Api, instance, lines
from workbench.cli import workbench

CONNECTION = {
    "Endpoint": "http://127.0.0.1:8580",
    "AccessKeyId": "WBkey",
    "AccessKeySecret": "it's secret",
    "WorkspaceId": "1",
    "Home": "/home/me/.workbench",
}
STATUS = {
    "Version": "0.1.0",
    "Home": "/home/me/.workbench",
    "Endpoint": "http://127.0.0.1:8580",
    "StartedAt": "2026-01-02T03:04:05Z",
    "Pid": 42,
    "Engine": {"Answers": True, "Version": "20.10.24", "Message": ""},
    "Gateway": {"Answers": False, "Version": "", "Message": "Port 8580 is held by nginx (process 7)."},
    "Notebooks": {"Running": 2, "Stopped": 0},
    "Images": [{"Name": "notebook", "State": "Working", "Progress": "step 3 of 9"}],
    "Failures": [],
}


def run(api: Api, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(api.settings.home), *arguments])


def test_a_shell_can_take_over_the_connection(api: Api) -> None:
    api.answers["GetConnection"] = CONNECTION

    lines = run(api, "env").stdout.splitlines()
    exported = dict(line.removeprefix("export ").split("=", 1) for line in lines)

    assert shlex.split(exported["WORKBENCH_ACCESS_KEY_SECRET"]) == ["it's secret"]
    assert exported["ALIBABA_CLOUD_ACCESS_KEY_ID"] == exported["WORKBENCH_ACCESS_KEY_ID"] == "WBkey"
    assert exported["WORKBENCH_ENDPOINT"] == "http://127.0.0.1:8580"


def test_a_program_can_read_the_connection(api: Api) -> None:
    api.answers["GetConnection"] = CONNECTION

    assert json.loads(run(api, "env", "--format", "json").stdout) == {
        "endpoint": "http://127.0.0.1:8580",
        "access_key_id": "WBkey",
        "access_key_secret": "it's secret",
        "workspace_id": "1",
        "home": "/home/me/.workbench",
    }


def test_status_says_what_is_wrong_in_words(api: Api) -> None:
    api.answers["GetStatus"] = STATUS

    shown = run(api, "status").stdout

    assert "Docker 20.10.24" in shown
    assert "away: Port 8580 is held by nginx (process 7)." in shown
    assert "2 Running" in shown
    assert "0 Stopped" not in shown


@pytest.mark.parametrize("command", [["status"], ["notebook", "list"], ["env"], ["images", "list"]])
def test_without_a_daemon_every_command_says_how_to_start_it(command: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(workbench, ["--home", str(tmp_path), *command])

    assert result.exit_code == 3
    assert result.stderr == "Error: Workbench is not running; start it with `workbench up`.\n"


def test_a_build_shows_its_steps_and_ends_with_the_image(api: Api) -> None:
    image = {"Name": "base", "Reference": "workbench/base:1", "Progress": ""}
    states = iter([("Working", ""), ("Working", "step 1 of 2"), ("Present", "")])
    api.answers["BuildImage"] = {}
    api.answers["Watch"] = lines({"Kind": "image", "Id": "base"})
    api.answers["ListBuiltInImages"] = lambda fields: {
        "Images": [{**image, **dict(zip(("State", "Progress"), next(states), strict=True))}]
    }

    result = run(api, "images", "build")

    assert result.exit_code == 0
    assert "Working step 1 of 2" in result.stderr
    assert api.fields_of("BuildImage") == {"name": "base"}


def test_a_build_that_fails_says_why(api: Api) -> None:
    image = {"Name": "base", "Reference": "", "State": "Failed", "Progress": "The disk is full."}
    api.answers |= {"BuildImage": {}, "ListBuiltInImages": {"Images": [image]}, "Watch": lines()}

    result = run(api, "images", "build", "base")

    assert result.exit_code == 1
    assert "The disk is full." in result.stderr


def test_a_wrong_setting_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = 99999\n")

    result = CliRunner().invoke(workbench, ["--home", str(tmp_path), "status"])

    assert result.exit_code == 2
    assert "99999" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here")
def test_without_systemd_the_service_is_refused_and_the_way_out_is_named(api: Api) -> None:
    result = run(api, "install-service")

    assert result.exit_code == 6
    assert "workbench up" in result.stderr


@pytest.mark.parametrize("command", [["events", "--follow"], ["notebook", "logs", "first", "--follow"]])
def test_a_follower_says_that_the_daemon_ended_rather_than_that_all_was_said(
    api: Api, command: list[str]
) -> None:
    event = {"Number": 1, "Time": "", "Level": "", "Name": "one", "Reason": "", "Message": ""}
    one = instance()
    api.answers |= {
        "Watch": lines(endless=True),
        "ListEvents": lambda fields: {"Events": [event], "NextBefore": 0},
        "GetNotebookLogs": lines({"Text": "one"}, endless=True),
        "ListInstances": {"Instances": [one], "TotalCount": 1},
    }
    whole = [sys.executable, "-m", "workbench.cli", "--home", str(api.settings.home), *command]

    with subprocess.Popen(whole, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout
        assert "one" in process.stdout.readline()
        api.stop()
        _, said = process.communicate()

    assert process.returncode == 3
    assert said.startswith("Error: Workbench was stopped.")


def test_the_dashboard_without_a_terminal_says_what_to_do_instead(api: Api) -> None:
    result = run(api, "dashboard")

    assert result.exit_code == 2
    assert "needs a terminal" in result.stderr
    assert "--web" in result.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_a_shell_gets_its_completion_script(api: Api, shell: str) -> None:
    assert "_WORKBENCH_COMPLETE" in run(api, "completion", shell).stdout
