"""PAI's official DSW client, as it is, against a real Workbench through the gateway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from alibabacloud_pai_dsw20220101 import models as dsw
from alibabacloud_tea_openapi.utils import Utils
from darabonba.exceptions import DaraException

from tests.e2e.official_client import CheckingClient, official_client
from tests.installation import Installation

pytestmark = pytest.mark.docker

SMALL = dsw.CreateInstanceRequestRequestedResource(cpu="0.5", memory="0.25")


@pytest.fixture(autouse=True)
def _no_cloud_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def gateway(workbench: Installation) -> str:
    """The one port, once it answers."""
    endpoint = workbench.settings.endpoint

    def answers() -> bool:
        try:
            return httpx.get(f"{endpoint}/workbench/v1/health").is_success
        except httpx.TransportError:
            return False

    workbench.until(answers, "the gateway answers", within_s=600)
    return endpoint


@pytest.fixture
def client(workbench: Installation, gateway: str) -> CheckingClient:
    return official_client(workbench)


@pytest.fixture
def create(client: CheckingClient, light_image: str) -> Callable[..., str]:
    def create(name: str, **fields: Any) -> str:
        good = {"image_url": light_image, "requested_resource": SMALL, "instance_name": name}
        answer = client.create_instance(dsw.CreateInstanceRequest(**{**good, **fields})).body
        assert answer.success
        assert answer.request_id
        return str(answer.instance_id)

    return create


@pytest.fixture(scope="module")
def three(workbench: Installation, gateway: str, light_image: str) -> list[str]:
    """Three notebooks of different sizes, at rest: alpha and beta blue, gamma red."""
    client = official_client(workbench)
    made = []
    for name, cpu, memory, colour in (
        ("alpha", "0.5", "0.25", "blue"),
        ("beta", "1", "1", "blue"),
        ("gamma", "2", "2", "red"),
    ):
        request = dsw.CreateInstanceRequest(
            instance_name=name,
            image_url=light_image,
            requested_resource=dsw.CreateInstanceRequestRequestedResource(cpu=cpu, memory=memory),
            labels=[dsw.CreateInstanceRequestLabels(key="colour", value=colour)],
        )
        made.append(client.create_instance(request).body.instance_id)
    for each in made:
        workbench.until_status(each, "Running")
        client.stop_instance(each, dsw.StopInstanceRequest())
    for each in made:
        workbench.until_status(each, "Stopped")
    return made


def until(workbench: Installation, client: CheckingClient, instance_id: str, status: str) -> Any:
    """Wait for a status as an SDK user does, by asking; the instance then."""

    def instance() -> Any:
        return client.get_instance(instance_id, dsw.GetInstanceRequest()).body

    workbench.until(lambda: instance().status == status, f"{instance_id} is {status}")
    return instance()


def refusal(call: Callable[[], object]) -> Any:
    """The exception that a call ends in."""
    with pytest.raises(DaraException) as caught:
        call()
    return caught.value


def test_a_notebook_lives_its_life_by_the_official_client(
    workbench: Installation, client: CheckingClient, create: Callable[..., str]
) -> None:
    notebook = create("life", environment_variables={"COLOUR": "blue"})
    running = until(workbench, client, notebook, "Running")
    assert running.instance_name == "life"
    assert running.environment_variables == {"COLOUR": "blue"}
    assert running.requested_resource.shared_memory == "0.125"

    client.stop_instance(notebook, dsw.StopInstanceRequest())
    until(workbench, client, notebook, "Stopped")
    bigger = dsw.UpdateInstanceRequestRequestedResource(cpu="1", memory="0.5")
    client.update_instance(
        notebook, dsw.UpdateInstanceRequest(requested_resource=bigger, instance_name="life2")
    )
    client.start_instance(notebook)
    again = until(workbench, client, notebook, "Running")
    assert (again.instance_name, again.requested_resource.memory) == ("life2", "0.5")

    client.delete_instance(notebook)
    workbench.until_status(notebook, "")
    assert refusal(lambda: client.get_instance(notebook, dsw.GetInstanceRequest())).code == "InstanceNotFound"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "Stopped", "instance_name": "a"}, {"alpha", "beta", "gamma"}),
        ({"instance_name": "ALPH"}, {"alpha"}),
        ({"labels": {"colour": "blue"}}, {"alpha", "beta"}),
        ({"min_cpu": "1000", "max_cpu": "1000"}, {"beta"}),
        ({"min_memory": "1", "labels": {"colour": "red"}}, {"gamma"}),
        ({"max_memory": "0.5", "status": "Stopped"}, {"alpha"}),
        ({"accelerator_type": "GPU"}, set()),
        ({"accelerator_type": "CPU", "instance_name": "mm"}, {"gamma"}),
        ({"image_name": "no such image"}, set()),
        ({"create_time_after": "2099-01-01T00:00:00Z"}, set()),
        ({"status": "Failed,Queuing"}, set()),
    ],
)
def test_lists_are_filtered(
    client: CheckingClient, three: list[str], filters: dict[str, Any], expected: set[str]
) -> None:
    found = client.list_instances(dsw.ListInstancesRequest(**filters)).body

    assert {each.instance_name for each in found.instances} == expected
    assert found.total_count == len(expected)


def test_lists_are_sorted_and_cut_into_pages(client: CheckingClient, three: list[str]) -> None:
    def page(number: int, **asked: Any) -> list[str]:
        request = dsw.ListInstancesRequest(
            page_number=number, page_size=2, labels={"colour": "blue"}, status="Stopped", **asked
        )
        answer = client.list_instances(request).body
        assert answer.total_count == 2
        return [each.instance_name for each in answer.instances]

    assert page(1, sort_by="InstanceName", order="DESC") == ["beta", "alpha"]
    assert page(1, sort_by="gmtcreatetime", order="asc") == ["alpha", "beta"]
    assert page(2, sort_by="InstanceName", order="ASC") == []


def test_what_happened_is_told(client: CheckingClient, three: list[str]) -> None:
    events = client.get_instance_events(three[0], dsw.GetInstanceEventsRequest()).body.events
    periods = client.get_lifecycle(three[0], dsw.GetLifecycleRequest(order="ASC")).body.lifecycle

    assert "Created by" in events[0]
    assert any("Stop asked for by" in each for each in events)
    statuses = [piece.status for period in periods for piece in period]
    assert statuses[0] == "Creating"
    assert statuses[-3:] == ["Running", "Stopping", "Stopped"]


def test_a_shutdown_timer_is_set_read_and_taken_back_and_stops_the_notebook(
    workbench: Installation, client: CheckingClient, create: Callable[..., str]
) -> None:
    notebook = create("timed")
    until(workbench, client, notebook, "Running")
    late = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    client.create_instance_shutdown_timer(notebook, dsw.CreateInstanceShutdownTimerRequest(due_time=late))
    assert client.get_instance_shutdown_timer(notebook).body.due_time == late
    client.delete_instance_shutdown_timer(notebook)
    assert not client.get_instance_shutdown_timer(notebook).body.due_time

    soon = dsw.CreateInstanceShutdownTimerRequest(remaining_time_in_ms=1000)
    client.create_instance_shutdown_timer(notebook, soon)

    stopped = until(workbench, client, notebook, "Stopped")
    assert "shutdown time" in stopped.reason_message


def test_an_idle_limit_is_set_read_and_taken_back(client: CheckingClient, three: list[str]) -> None:
    limit = dsw.CreateIdleInstanceCullerRequest(max_idle_time_in_minutes=30, cpu_percent_threshold=20)
    client.create_idle_instance_culler(three[0], limit)
    kept = client.get_idle_instance_culler(three[0]).body
    assert (kept.max_idle_time_in_minutes, kept.cpu_percent_threshold) == (30, 20)

    client.delete_idle_instance_culler(three[0])
    assert client.get_idle_instance_culler(three[0]).body.max_idle_time_in_minutes is None

    nonsense = dsw.CreateIdleInstanceCullerRequest(max_idle_time_in_minutes=0)
    assert "from 1" in refusal(lambda: client.create_idle_instance_culler(three[0], nonsense)).message


def test_labels_are_added_and_dropped(client: CheckingClient, three: list[str]) -> None:
    size = dsw.UpdateInstanceLabelsRequestLabels(key="size", value="small")
    client.update_instance_labels(three[0], dsw.UpdateInstanceLabelsRequest(labels=[size]))
    client.delete_instance_labels(three[0], dsw.DeleteInstanceLabelsRequest(label_keys="size"))

    labels = client.get_instance(three[0], dsw.GetInstanceRequest()).body.labels

    assert [(each.key, each.value) for each in labels] == [("colour", "blue")]


def test_sizes_with_names_are_listed(client: CheckingClient) -> None:
    specs = client.list_ecs_specs(dsw.ListEcsSpecsRequest(accelerator_type="CPU", page_size=100)).body

    assert specs.total_count == len(specs.ecs_specs) > 0
    assert {each.accelerator_type for each in specs.ecs_specs} == {"CPU"}


def test_a_wrong_secret_gets_pais_signature_error(workbench: Installation, gateway: str) -> None:
    client = official_client(workbench, access_key_secret="wrong")

    error = refusal(lambda: client.list_instances(dsw.ListInstancesRequest()))

    assert (error.status_code, error.code) == (400, "SignatureDoesNotMatch")


def test_an_unknown_key_is_named(workbench: Installation, gateway: str) -> None:
    client = official_client(workbench, access_key_id="LTAI-nobody")

    error = refusal(lambda: client.list_instances(dsw.ListInstancesRequest()))

    assert (error.status_code, error.code) == (404, "InvalidAccessKeyId.NotFound")
    assert "LTAI-nobody" in error.message


def test_a_clock_that_is_wrong_is_said(client: CheckingClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Utils, "get_timestamp", staticmethod(lambda: "2020-01-02T03:04:05Z"))

    error = refusal(lambda: client.list_instances(dsw.ListInstancesRequest()))

    assert (error.status_code, error.code) == (400, "InvalidTimeStamp.Expired")
    assert "clock" in error.message


def test_a_name_is_taken_once(create: Callable[..., str], three: list[str]) -> None:
    error = refusal(lambda: create("alpha"))

    assert (error.status_code, error.code) == (409, "InstanceNameAlreadyExists")


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"cpu": "9999"}, "NotEnoughResources", "9999 CPUs wanted, this machine has"),
        ({"memory": "99999"}, "NotEnoughResources", "memory wanted, this machine has"),
        ({"gpu": "1"}, "NotEnoughGPUs", "1 GPU wanted, this machine has 0"),
        ({"memory": "much"}, "InvalidParameter", "'much'"),
        ({"memory": "1", "shared_memory": "2"}, "InvalidParameter", "SharedMemory is 2 GiB"),
    ],
)
def test_what_this_machine_can_never_give_is_refused_and_nothing_is_kept(
    client: CheckingClient, create: Callable[..., str], fields: dict[str, str], code: str, words: str
) -> None:
    size = dsw.CreateInstanceRequestRequestedResource(**fields)

    error = refusal(lambda: create("impossible", requested_resource=size))

    assert error.code == code
    assert words in error.message
    found = client.list_instances(dsw.ListInstancesRequest(instance_name="impossible")).body
    assert found.total_count == 0


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("nas://etc/passwd", "nas://etc/ is no directory that may be mounted here"),
        ("nas://workspace/../..", "'workspace/../..' has a . or .. in it"),
        ("file:///etc", "file:// is not a kind of storage"),
    ],
)
def test_a_mount_outside_the_allowed_roots_is_refused(
    create: Callable[..., str], uri: str, words: str
) -> None:
    mount = dsw.CreateInstanceRequestDatasets(uri=uri, mount_path="/mnt/data")

    error = refusal(lambda: create("curious", datasets=[mount]))

    assert error.status_code == 400
    assert words in error.message


def test_an_image_that_nobody_has_fails_in_words(
    workbench: Installation, client: CheckingClient, create: Callable[..., str]
) -> None:
    notebook = create("unknown-image", image_url="registry.invalid/no/such:image")

    failed = until(workbench, client, notebook, "Failed")

    assert failed.reason_code == "ImageUnavailable"
    assert "registry.invalid/no/such:image" in failed.reason_message
    client.delete_instance(notebook)
    workbench.until_status(notebook, "")


def test_operations_that_one_machine_has_no_use_for_are_refused_in_words(client: CheckingClient) -> None:
    error = refusal(lambda: client.create_instance_snapshot("dsw-1", dsw.CreateInstanceSnapshotRequest()))

    assert error.status_code in (400, 501)
    assert "CreateInstanceSnapshot" in error.message
