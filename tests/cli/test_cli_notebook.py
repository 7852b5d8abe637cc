"""`workbench notebook`, run against the real server with chosen answers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE

import pytest
from click.testing import CliRunner, Result

from tests.in_process_api import Api, instance, lines
from workbench.cli import workbench
from workbench.client.notebooks import STATES
from workbench.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from workbench.notebooks.records import Status

TICKET = {"Url": "http://dsw-1.localhost:8580/notebook/dsw-1/lab?ticket=t"}


def run(api: Api, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(api.settings.home), *arguments])


def with_one(api: Api, **changes: object) -> None:
    api.answers["ListInstances"] = {"Instances": [instance(**changes)], "TotalCount": 1}
    api.answers["GetInstance"] = instance(**changes)


def test_a_list_is_a_row_a_notebook(api: Api) -> None:
    with_one(api)

    result = run(api, "notebook", "list")

    assert result.stdout.splitlines() == [
        "NAME   ID     STATUS   CPU  MEMORY  GPU  IDLE   REASON",
        "first  dsw-1  Running  2    4 GiB   0    7 min",
    ]


def test_how_long_a_notebook_without_a_limit_is_idle_is_shown_and_a_list_asks_nothing_more(api: Api) -> None:
    with_one(api, IdleInstanceCuller=None)
    api.answers["GetIdleInstanceCuller"] = {"InstanceId": "dsw-1", "IdleTimeInMinutes": 12}

    assert "12 min" in run(api, "notebook", "show", "first").stdout
    api.calls.clear()
    assert "12 min" not in run(api, "notebook", "list").stdout
    assert [action for action, _ in api.calls] == ["ListInstances"]

    api.answers["GetIdleInstanceCuller"] = NotFound("It went meanwhile.")
    assert "first" in run(api, "notebook", "show", "first").stdout


def test_a_list_for_programs_is_json(api: Api) -> None:
    with_one(api, Status="Stopped")

    rows = json.loads(run(api, "notebook", "list", "--json", "--status", "Stopped").stdout)

    assert [(row["id"], row["status"]) for row in rows] == [("dsw-1", "Stopped")]
    assert api.fields_of("ListInstances")["Status"] == "Stopped"


def test_a_workspace_is_named_as_everywhere(api: Api) -> None:
    with_one(api)
    spaces = [{"WorkspaceName": "Vision", "WorkspaceId": "17"}]
    api.answers |= {
        "ListWorkspaces": {"Workspaces": spaces, "TotalCount": 1},
        "CreateInstance": {"InstanceId": "dsw-1"},
    }

    for given in ("vision", "17"):
        run(api, "notebook", "list", "--workspace", given)
        assert api.fields_of("ListInstances")["WorkspaceId"] == "17"
        run(api, "notebook", "create", "--workspace", given)
        assert api.fields_of("CreateInstance")["WorkspaceId"] == "17"
    assert run(api, "notebook", "list", "--workspace", "none").exit_code == 4


def test_states_are_asked_for_in_capitals_or_not_and_there_are_no_others(api: Api) -> None:
    with_one(api)

    run(api, "notebook", "list", "--status", "running, FAILED")
    assert api.fields_of("ListInstances")["Status"] == "Running,Failed"

    refused = run(api, "notebook", "list", "--status", "runing")
    assert refused.exit_code == 2
    assert "'runing' is no state" in refused.stderr
    assert set(STATES) == set(Status)


def test_a_list_that_a_filter_emptied_does_not_say_that_there_is_nothing(api: Api) -> None:
    api.answers["ListInstances"] = {"Instances": [], "TotalCount": 0}

    result = run(api, "notebook", "list", "--status", "Failed")

    assert result.stderr == "No notebook matches; `workbench notebook list` shows all.\n"


@pytest.mark.parametrize(
    "command",
    [
        ["workspace", "show", ""],
        ["member", "list", "--workspace", ""],
        ["notebook", "list", "--workspace", ""],
        ["notebook", "create", "--workspace", " "],
        ["notebook", "show", ""],
        ["events", "--workspace", ""],
        ["audit", "--workspace", ""],
        ["token", "delete", ""],
        ["accesskey", "delete", ""],
        ["accesskey", "create", "--user", ""],
        ["user", "remove", ""],
        ["pool", "drain", ""],
        ["gpu", "cordon", ""],
        ["images", "build", ""],
        ["tag", "add", "notebook", "", "A=1"],
    ],
)
def test_an_empty_name_is_refused_and_never_stands_for_another(api: Api, command: list[str]) -> None:
    result = run(api, *command)

    assert result.exit_code == 2
    assert "it is empty" in result.stderr
    assert api.calls == []


def test_an_empty_list_says_how_to_begin_and_leaves_the_pipe_empty(api: Api) -> None:
    api.answers["ListInstances"] = {"Instances": [], "TotalCount": 0}

    result = run(api, "notebook", "list")

    assert result.stdout == ""
    assert "workbench notebook create" in result.stderr


def test_create_passes_on_what_was_asked_and_prints_the_id(api: Api) -> None:
    api.answers |= {"CreateInstance": {"InstanceId": "dsw-1"}, "CreateInstanceShutdownTimer": {}}

    result = run(
        api, "notebook", "create", "--name", "first", "--memory", "8", "--gpu", "1", "--env", "A=b=c",
        "--mount", "nas://workspace/data:/mnt/data:ro", "--shutdown-after", "8h", "--pool", "big",
    )  # fmt: skip

    assert result.stdout == "dsw-1\n"
    asked = api.fields_of("CreateInstance")
    assert asked["RequestedResource"] == {"Memory": "8", "GPU": "1"}
    assert asked["EnvironmentVariables"] == {"A": "b=c"}
    assert asked["ResourceId"] == "big"
    assert asked["Datasets"][0]["MountAccess"] == "RO"
    assert api.fields_of("CreateInstanceShutdownTimer")["RemainingTimeInMs"] == 8 * 3_600_000


def test_create_with_wait_shows_the_way_and_prints_the_url(api: Api) -> None:
    api.answers["CreateInstance"] = {"InstanceId": "dsw-1"}
    api.answers["GetInstance"] = instance(Status="EnvPreparing", ReasonMessage="Building the image, step 2.")
    api.answers["Watch"] = lines({"Status": "Starting", "Message": ""}, {"Status": "Running", "Message": ""})
    api.answers["CreateNotebookTicket"] = TICKET

    result = run(api, "notebook", "create", "--name", "first", "--wait")

    assert result.stdout.splitlines() == ["dsw-1", TICKET["Url"]]
    assert "EnvPreparing (Building the image, step 2.)" in result.stderr


def test_a_notebook_that_fails_while_waited_for_is_a_failure_with_its_reason(api: Api) -> None:
    with_one(api, Status="Failed", ReasonMessage="It ended with exit code 1.")
    api.answers |= {"StartInstance": {}, "Watch": lambda fields: lines()}
    api.answers["GetNotebookLogs"] = lambda fields: lines({"Text": "one"})

    result = run(api, "notebook", "start", "first", "--wait")

    assert result.exit_code == 1
    assert "It ended with exit code 1." in result.stderr
    assert "workbench notebook logs" in result.stderr


def test_a_notebook_that_never_began_is_not_said_to_have_a_log(api: Api) -> None:
    with_one(api, Status="Failed", ReasonMessage="Image x/y was not found.")
    api.answers |= {"StartInstance": {}, "Watch": lambda fields: lines()}
    api.answers["GetNotebookLogs"] = lambda fields: lines()

    result = run(api, "notebook", "start", "first", "--wait")

    assert "Image x/y was not found." in result.stderr
    assert "workbench notebook logs" not in result.stderr


def test_json_of_a_create_that_fails_while_waited_for_keeps_the_id(api: Api) -> None:
    with_one(api, Status="Failed", ReasonMessage="Image x/y was not found.")
    api.answers |= {"CreateInstance": {"InstanceId": "dsw-1"}, "Watch": lambda fields: lines()}
    api.answers["GetNotebookLogs"] = lambda fields: lines()

    result = run(api, "notebook", "create", "--wait", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"id": "dsw-1", "url": ""}


@pytest.mark.parametrize(
    ("limit", "shutdown", "said"),
    [
        (30, "", "first is kept for 30 minutes more.\n"),
        (None, "", "first has no idle limit that would stop it.\n"),
        (
            None,
            "2026-01-02T03:04:05Z",
            "first has no idle limit that would stop it; it stops at 2026-01-02T03:04:05Z all the same.\n",
        ),
    ],
)
def test_a_snooze_says_what_still_stops_it(api: Api, limit: int | None, shutdown: str, said: str) -> None:
    with_one(api, InstanceShutdownTimer={"DueTime": shutdown} if shutdown else None)
    api.answers["GetIdleInstanceCuller"] = {"MaxIdleTimeInMinutes": limit} if limit else {}
    api.answers["CreateIdleInstanceCuller"] = {}

    assert run(api, "notebook", "snooze", "first").stderr == said


@pytest.mark.parametrize(("asked", "listed"), [("8", "8 GiB"), ("512Mi", "512Mi")])
def test_a_share_of_a_gpu_is_shown_as_one(api: Api, asked: str, listed: str) -> None:
    with_one(api, Labels=[{"Key": "workbench.gpu_memory", "Value": asked}])

    assert f"  {listed} " in run(api, "notebook", "list").stdout.splitlines()[1]
    assert f"{listed} of one\n" in run(api, "notebook", "show", "first").stdout


def test_help_spells_a_mount_as_it_is_typed(api: Api) -> None:
    assert "URI:PATH[:ro]" in run(api, "notebook", "create", "--help").stdout


@pytest.mark.parametrize("code", ["InvalidAccessKeyId.Inactive", "InvalidBearerToken"])
def test_a_key_of_the_environment_that_works_no_more_names_the_way_without_one(
    api: Api, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.answers["ListInstances"] = Unauthenticated("The key is disabled.", code=code)
    assert "unset WORKBENCH_ENDPOINT" not in run(api, "notebook", "list").stderr

    monkeypatch.setenv("WORKBENCH_ENDPOINT", api.settings.endpoint)
    result = run(api, "notebook", "list")

    assert result.exit_code == 5
    assert "`unset WORKBENCH_ENDPOINT`" in result.stderr


@pytest.mark.parametrize(
    ("command", "operation", "last"),
    [
        ("start", "StartInstance", "Running"),
        ("stop", "StopInstance", "Stopped"),
        ("delete", "DeleteInstance", ""),
    ],
)
def test_start_stop_and_delete_wait_for_their_end(api: Api, command: str, operation: str, last: str) -> None:
    with_one(api, Status="Stopping")
    api.answers |= {operation: {}, "Watch": lambda fields: lines({"Status": last, "Message": ""})}

    result = run(api, "notebook", command, "first", "--wait")

    assert result.exit_code == 0
    assert api.fields_of(operation) == {"instance_id": "dsw-1"}


def test_open_prints_a_link_that_works_once(api: Api) -> None:
    with_one(api)
    api.answers["CreateNotebookTicket"] = TICKET

    assert run(api, "notebook", "open", "first", "--print").stdout == TICKET["Url"] + "\n"


def test_revoke_says_how_to_get_in_again(api: Api) -> None:
    with_one(api)
    api.answers["RevokeNotebookAccess"] = {}

    assert "workbench notebook open" in run(api, "notebook", "revoke", "first").stderr
    assert api.fields_of("RevokeNotebookAccess") == {"instance_id": "dsw-1"}


def test_show_tells_a_reader_all_that_is_known(api: Api) -> None:
    with_one(api, Status="Failed", ReasonMessage="Out of memory.", ResourceId="big")

    shown = run(api, "notebook", "show", "first").stdout

    assert "Failed (Out of memory.)" in shown
    assert "4 GiB" in shown
    assert "big" in shown


def test_logs_are_the_lines_and_nothing_else(api: Api) -> None:
    with_one(api)
    api.answers["GetNotebookLogs"] = lines({"Text": "one"}, {"Text": "two"})

    assert run(api, "notebook", "logs", "first", "--tail", "2", "--follow").stdout == "one\ntwo\n"
    assert api.fields_of("GetNotebookLogs") == {"instance_id": "dsw-1", "Follow": True, "Tail": 2}


def test_an_update_of_nothing_is_a_mistake(api: Api) -> None:
    with_one(api)

    assert run(api, "notebook", "update", "first").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("There is no notebook."), 4),
        (Forbidden("Guests may not do this."), 5),
        (InvalidInput("The signature does not fit.", code="SignatureDoesNotMatch"), 5),
        (Conflict("It is being deleted."), 6),
    ],
)
def test_the_exit_code_tells_the_kind_of_refusal(api: Api, error: Exception, code: int) -> None:
    with_one(api)
    api.answers["GetInstance"] = error

    result = run(api, "notebook", "show", "first")

    assert result.exit_code == code
    assert result.stderr == f"Error: {error}\n"
    assert result.stdout == ""


def test_what_breaks_inside_points_to_the_log_line_and_shows_no_traceback(api: Api) -> None:
    with_one(api)
    api.answers["GetInstance"] = ZeroDivisionError("secret detail")

    result = run(api, "notebook", "show", "first")

    assert result.exit_code == 1
    assert "at request" in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret detail" not in result.stderr


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell runs in the background ignores SIGINT, and so does what it starts: these tests, say."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_follower_quietly(api: Api) -> None:
    with_one(api)
    api.answers["GetNotebookLogs"] = lines({"Text": "one"}, endless=True)
    command = ["--home", str(api.settings.home), "notebook", "logs", "first", "--follow"]

    with subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *command], stdout=PIPE, stderr=PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "one\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    assert process.returncode == 130
    assert said == "\nInterrupted.\n"


def test_names_are_completed_for_the_shell(api: Api) -> None:
    with_one(api)
    words = f"workbench --home {api.settings.home} notebook stop f"
    environment = {"_WORKBENCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "5"}

    result = CliRunner().invoke(workbench, prog_name="workbench", env=environment)

    assert "plain,first" in result.output
