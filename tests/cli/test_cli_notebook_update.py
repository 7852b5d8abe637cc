"""`workbench notebook update`: what is named changes, all else stays, and it is all or nothing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.in_process_api import Api, instance
from workbench.cli import workbench
from workbench.cli.notebook import changed_environment, changed_mounts
from workbench.client.notebooks import LONGEST_IDLE_MINUTES, UNDER_WAY, Mount
from workbench.errors import InvalidInput
from workbench.notebooks.api.requests import idle_limit
from workbench.notebooks.records import Status

DATA = {"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "RO"}
HOME = {"Uri": "nas://home/x", "MountPath": "/mnt/x", "MountAccess": "RW"}


def run(api: Api, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(api.settings.home), "notebook", *arguments])


@pytest.fixture
def first(api: Api) -> Api:
    """A notebook that runs, with two variables and two mounts."""
    return with_first(api)


def with_first(api: Api, **changes: object) -> Api:
    one = instance(EnvironmentVariables={"A": "1", "B": "2"}, Datasets=[DATA, HOME], **changes)
    api.answers |= {
        "ListInstances": {"Instances": [one], "TotalCount": 1},
        "GetInstance": one,
        "UpdateInstance": {},
        "CreateInstanceShutdownTimer": {},
        "CreateIdleInstanceCuller": {},
    }
    return api


def asked(api: Api) -> dict[str, object]:
    fields = dict(api.fields_of("UpdateInstance"))
    fields.pop("instance_id")
    return fields


def changing(api: Api) -> list[str]:
    return [action for action, _ in api.calls if not action.startswith(("List", "Get"))]


def test_a_variable_is_added_beside_the_others(first: Api) -> None:
    assert run(first, "update", "first", "--env", "C=3", "--env", "A=new").exit_code == 0

    assert asked(first) == {"EnvironmentVariables": {"A": "new", "B": "2", "C": "3"}}


def test_a_variable_is_dropped_and_so_is_the_last_one(first: Api) -> None:
    run(first, "update", "first", "--unset-env", "A")
    assert asked(first) == {"EnvironmentVariables": {"B": "2"}}

    run(first, "update", "first", "--unset-env", "A", "--unset-env", "B")
    assert asked(first) == {"EnvironmentVariables": {}}


def test_a_mount_takes_the_place_of_the_one_at_its_path_and_stands_beside_the_others(first: Api) -> None:
    run(first, "update", "first", "--mount", "nas://workspace/new:/mnt/data", "--mount", "nas://home/y:/y")

    new = {"Uri": "nas://workspace/new", "MountPath": "/mnt/data", "MountAccess": "RW"}
    added = {"Uri": "nas://home/y", "MountPath": "/y", "MountAccess": "RW"}
    assert asked(first) == {"Datasets": [new, HOME, added]}


def test_a_mount_is_dropped_however_its_path_is_spelt(first: Api) -> None:
    run(first, "update", "first", "--unmount", "/mnt/data/")
    assert asked(first) == {"Datasets": [HOME]}

    run(first, "update", "first", "--unmount", "/mnt/data", "--unmount", "/mnt/x")
    assert asked(first) == {"Datasets": []}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--unset-env", "C"), "no variable 'C'. It has A, B."),
        (("--unmount", "/mnt"), "no mount at '/mnt'"),
    ],
)
def test_what_is_not_there_cannot_be_dropped(first: Api, options: tuple[str, ...], words: str) -> None:
    result = run(first, "update", "first", *options, "--cpu", "4")

    assert result.exit_code == 2
    assert words in result.stderr.replace("\n", " ")
    assert changing(first) == []


@given(st.dictionaries(st.sampled_from("ABC"), st.text()), st.dictionaries(st.sampled_from("ABC"), st.text()))
def test_what_is_given_holds_and_what_is_not_named_stays(before: dict[str, str], new: dict[str, str]) -> None:
    after = changed_environment(before, new, before.keys() - {"A"})

    assert after == {**{name: value for name, value in before.items() if name == "A"}, **new}
    mounts = [Mount(uri=f"nas://home/{value}", path=f"/{name}") for name, value in before.items()]
    assert changed_mounts(mounts, [], []) == mounts
    assert changed_mounts(mounts, [], [each.path for each in mounts]) == []


@pytest.mark.parametrize(
    "option",
    ["--name", "--image", "--cpu", "--memory", "--shm", "--gpu", "--gpu-type", "--unset-env", "--unmount"],
)
def test_an_empty_value_is_refused_rather_than_dropped(first: Api, option: str) -> None:
    result = run(first, "update", "first", option, "")

    assert result.exit_code == 2
    assert f"Invalid value for '{option}': it is empty." in result.stderr
    assert changing(first) == []


@pytest.mark.parametrize(
    "limit",
    [("--idle-minutes", str(LONGEST_IDLE_MINUTES + 1)), ("--shutdown-after", "99999999d")],
)
def test_a_limit_that_is_none_leaves_everything_as_it_was(first: Api, limit: tuple[str, str]) -> None:
    result = run(first, "update", "first", "--cpu", "4", *limit)

    assert result.exit_code == 2
    assert f"Invalid value for '{limit[0]}'" in result.stderr
    assert changing(first) == []


def test_a_shutdown_time_of_a_stopped_notebook_is_refused_before_anything_changes(api: Api) -> None:
    with_first(api, Status="Stopped")

    result = run(api, "update", "first", "--cpu", "4", "--shutdown-after", "8h")

    assert result.exit_code == 6
    assert "nothing was changed" in result.stderr
    assert changing(api) == []


@pytest.mark.parametrize(
    ("status", "options", "told"),
    [
        ("Running", ("--memory", "8"), True),
        ("Running", ("--unset-env", "A"), True),
        ("Running", ("--priority", "3", "--idle-minutes", "30"), False),
        ("Stopped", ("--memory", "8"), False),
    ],
)
def test_what_holds_only_from_the_next_start_is_told(
    api: Api, status: str, options: tuple[str, ...], told: bool
) -> None:
    with_first(api, Status=status)

    assert ("from its next start" in run(api, "update", "first", *options).stderr) is told


def test_the_limits_and_states_are_the_daemon_s() -> None:
    assert set(UNDER_WAY) < set(Status)
    assert idle_limit({"MaxIdleTimeInMinutes": LONGEST_IDLE_MINUTES}).minutes == LONGEST_IDLE_MINUTES
    with pytest.raises(InvalidInput):
        idle_limit({"MaxIdleTimeInMinutes": LONGEST_IDLE_MINUTES + 1})
