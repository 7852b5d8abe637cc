"""A running Workbench, asked what is used: by its owner, by a stranger, by PAI's client's operation,
and by Prometheus itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.light_image import ensure_light_image
from tests.installation import Installation
from tests.ports import free_port
from workbench.client import Client
from workbench.client.connection import Credentials
from workbench.wire.declared import undeclared
from workbench.wire.operations import operation

pytestmark = pytest.mark.docker

CONFIG = Path(__file__).resolve().parents[2] / "compose/observability/prometheus.yaml"


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(Path(tmp_path_factory.mktemp("home")), WORKBENCH_SAMPLE_S="1")
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


@pytest.fixture(scope="module")
def notebook(workbench: Installation) -> str:
    """A notebook that runs and was sampled twice."""
    image = ensure_light_image(workbench.settings, (workbench.settings.home / "id").read_text().strip())
    notebook_id = workbench.create("measured", ImageUrl=image)
    workbench.until_status(notebook_id, "Running")
    workbench.until(lambda: "CpusUsed" in pod(workbench, notebook_id), "it is sampled")
    return notebook_id


@pytest.fixture(scope="module")
def strangers_token(workbench: Installation) -> str:
    """The token of a user who is in no workspace."""
    user = workbench.client.call(
        operation("workbench", "CreateUser"), Name="eve", UnixUid=54321, UnixGid=54321
    )
    return token(workbench, UserId=user["UserId"])


def token(workbench: Installation, **fields: Any) -> str:
    return str(workbench.client.call(operation("workbench", "CreateToken"), **fields)["Token"])


def ask(client: Client, action: str, **fields: Any) -> dict[str, Any]:
    answer = client.call(operation("workbench", action), **fields)
    assert undeclared(operation("workbench", action), answer) == []
    return dict(answer)


def pod(workbench: Installation, notebook_id: str) -> dict[str, Any]:
    pods = ask(workbench.client, "GetLatestMetrics").get("Pods", [])
    return next((each for each in pods if each["Id"] == notebook_id), {})


def test_the_latest_says_what_the_machine_and_a_notebook_use(workbench: Installation, notebook: str) -> None:
    latest = ask(workbench.client, "GetLatestMetrics")

    assert latest["Problems"] == []
    assert latest["Machine"]["Cpus"] >= latest["Machine"]["CpusUsed"] >= 0
    assert {disk["Name"] for disk in latest["Machine"]["Disks"]} == {"home", "docker"}
    found = pod(workbench, notebook)
    assert (found["Name"], found["WorkspaceId"], found["Gpus"]) == ("measured", "1", [])
    assert found["MemoryBytes"] > 0


def test_what_was_used_over_time_stands_under_the_same_times(workbench: Installation, notebook: str) -> None:
    answer = ask(workbench.client, "QueryMetrics", Metric="memory_bytes", Step=1)

    lengths = {len(each[name]) for each in answer["Series"] for name in ("Mean", "Peak")}
    assert lengths == {len(answer["Times"])}
    mine = next(each for each in answer["Series"] if each["Id"] == notebook)
    known = [(mean, peak) for mean, peak in zip(mine["Mean"], mine["Peak"], strict=True) if mean]
    assert known
    assert all(0 < mean <= peak for mean, peak in known)


def test_pais_own_operation_tells_shares_of_what_the_notebook_has(
    workbench: Installation, notebook: str
) -> None:
    answer = workbench.dsw(
        "GetInstanceMetrics", instance_id=notebook, MetricType="MemoryUsage", TimeStep="15m"
    )

    assert undeclared(operation("dsw", "GetInstanceMetrics"), answer) == []
    (metrics,) = answer["PodMetrics"]
    assert all(each["Time"] % 900 == 0 and 0 < each["Value"] < 100 for each in metrics["Metrics"])


def test_nobody_scrapes_through_the_gateway_without_a_token(workbench: Installation, notebook: str) -> None:
    url = f"{workbench.settings.endpoint}/workbench/v1/metrics"

    assert httpx.get(url).status_code == 401
    allowed = httpx.get(url, headers={"Authorization": f"Bearer {token(workbench)}"})
    assert allowed.status_code == 200
    assert allowed.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f'id="{notebook}"' in allowed.text
    assert list(text_string_to_metric_families(allowed.text))


def test_on_the_machine_itself_the_usual_path_needs_none(workbench: Installation) -> None:
    transport = httpx.HTTPTransport(uds=str(workbench.settings.socket))

    with httpx.Client(transport=transport) as client:
        assert "workbench_node_cpus" in client.get("http://localhost/metrics").text


def test_a_stranger_sees_the_machine_and_nobodys_pods(
    workbench: Installation, notebook: str, strangers_token: str
) -> None:
    eve = Client(workbench.settings.endpoint, Credentials(token=strangers_token))

    latest = ask(eve, "GetLatestMetrics")
    kinds = {each["Kind"] for each in ask(eve, "QueryMetrics", Metric="cpus")["Series"]}
    text = httpx.get(
        f"{workbench.settings.endpoint}/workbench/v1/metrics",
        headers={"Authorization": f"Bearer {strangers_token}"},
    ).text

    assert (latest["Pods"], latest["Machine"]["Cpus"] > 0) == ([], True)
    assert kinds == {"node"}
    assert "workbench_pod_cpu_seconds_total{" not in text


def test_prometheus_itself_scrapes_it(workbench: Installation, notebook: str, tmp_path: Path) -> None:
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    (tmp_path / "token").write_text(token(workbench))
    (tmp_path / "targets.json").write_text(
        json.dumps([{"targets": [f"127.0.0.1:{workbench.settings.port}"]}])
    )
    text = CONFIG.read_text().replace("/run/workbench", str(tmp_path)).replace("15s", "1s")
    (tmp_path / "prometheus.yaml").write_text(text)

    with prometheus(tmp_path) as api:
        name = f'workbench_pod_memory_working_set_bytes{{id="{notebook}"}}'
        found: list[Any] = []

        def scraped() -> bool:
            found[:] = query(api, name)
            return bool(found)

        workbench.until(scraped, "Prometheus knows of the notebook")

    assert found[0]["metric"]["name"] == "measured"
    assert float(found[0]["value"][1]) > 0


def query(api: str, expression: str) -> list[Any]:
    try:
        answer = httpx.get(f"{api}/api/v1/query", params={"query": expression})
    except httpx.TransportError:
        return []  # it is still starting
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return []  # it listens before it can answer
    return list(answer.json().get("data", {}).get("result", []))


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """Prometheus with the configuration in this folder, until the block ends."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()
