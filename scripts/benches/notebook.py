"""From the request to a JupyterLab that answers, in ratio to `docker run` of the same container.

Both are measured in turns, so that a busy machine is unfair to neither: ours from the request
to the first 200 of /lab through the gateway, Docker's from the start of its command to the first
200 of the container itself. Beside it: how soon Workbench is up, the daemon's memory, and how
long commands take.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import httpx
import psutil

from tests.e2e.light_image import ensure_light_image
from tests.installation import Installation
from workbench.notebooks.session import PORT
from workbench.wire.operations import operation

_ROUNDS = 5
_COMMANDS = 10
_SESSIONS = 50
_LOOK_EVERY_S = 0.01
_GIVE_UP_AFTER_S = 300
_SIZE = {"CPU": "2", "Memory": "2"}


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp(prefix="wb-bench-"))
    installation = Installation(folder / "home")
    try:
        for row in _rows(installation):
            print(row, flush=True)
    finally:
        installation.run("down", check=False)
        installation.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _rows(installation: Installation) -> Iterator[str]:
    yield _row("", "measured", "aim")
    installation.run("up")  # the first start also makes the database and the gateway's container
    installation.run("down")
    yield _row("workbench up, API ready", f"{_seconds(lambda: installation.run('up')):.2f} s", "2 s")
    yield _row("daemon's memory at rest", f"{_memory_mib(installation):.0f} MiB", "120 MiB")

    model = _create(installation, "model")
    installation.until_status(model, "Running", within_s=1800)
    ours, plain = _in_turns(lambda: _ours(installation), lambda: _docker_run(installation, model))
    yield _row("request to /lab, ours", f"{ours:.2f} s", "")
    yield _row("request to /lab, docker run", f"{plain:.2f} s", "")
    yield _row("ratio", f"{ours / plain:.2f}", "1.10")
    installation.dsw("DeleteInstance", instance_id=model)

    bare = _command_seconds("-c", "pass", environment=installation.environment)
    for words in (["--help"], ["notebook", "list"]):
        command = _command_seconds("-m", "workbench.cli", *words, environment=installation.environment)
        yield _row(f"workbench {' '.join(words)}", f"{command:.2f} s", "0.5 s")
        yield _row("  in ratio to python -c pass", f"{command / bare:.1f}", "")

    _run_many(installation)
    yield _row(f"daemon's memory, {_SESSIONS} sessions", f"{_memory_mib(installation):.0f} MiB", "")


def _row(what: str, measured: str, aim: str) -> str:
    return f"{what:32}{measured:>12}{aim:>10}"


def _in_turns(*measures: Callable[[], float]) -> list[float]:
    """The median of each, measured one after the other and again."""
    rounds = [[measure() for measure in measures] for _ in range(_ROUNDS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def _ours(installation: Installation) -> float:
    begun = time.perf_counter()
    notebook = _create(installation, f"bench{time.time_ns()}")
    token = installation.dsw("GetToken", InstanceId=notebook)["Token"]
    _until_200(f"{installation.settings.endpoint}/notebook/{notebook}/lab", token)
    seconds = time.perf_counter() - begun
    installation.dsw("DeleteInstance", instance_id=notebook)
    installation.until_status(notebook, "")
    return seconds


def _docker_run(installation: Installation, model: str) -> float:
    """`docker run` of the model's container, with all its options but the name and the labels."""
    engine = docker.APIClient(installation.settings.docker_host, version="auto")
    pod = next(each for each in installation.pods() if each.id == model)
    running = engine.inspect_container(pod.container)
    token = (installation.settings.run / "sessions" / model / "token").read_text()
    command = ["docker", "run", "--detach", *_options(running), running["Image"], *running["Config"]["Cmd"]]

    begun = time.perf_counter()
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    networks = engine.inspect_container(made)["NetworkSettings"]["Networks"]
    address = next(each["IPAddress"] for each in networks.values())
    _until_200(f"http://{address}:{PORT}/notebook/{model}/lab", token)
    seconds = time.perf_counter() - begun
    engine.remove_container(made, force=True)
    return seconds


def _options(running: dict[str, Any]) -> Iterator[str]:
    config, host = running["Config"], running["HostConfig"]
    yield from ("--init", f"--user={config['User']}", f"--workdir={config['WorkingDir']}")
    yield from (f"--network={host['NetworkMode']}", f"--memory={host['Memory']}")
    yield from (f"--memory-swap={host['MemorySwap']}", f"--shm-size={host['ShmSize']}")
    yield from (f"--cpus={host['NanoCpus'] / 1e9:g}", f"--pids-limit={host['PidsLimit']}")
    yield from (f"--log-driver={host['LogConfig']['Type']}", "--cap-drop=ALL")
    yield from (f"--log-opt={name}={value}" for name, value in host["LogConfig"]["Config"].items())
    yield from (f"--security-opt={each}" for each in host["SecurityOpt"])
    yield from (f"--group-add={each}" for each in host["GroupAdd"] or ())
    yield from (f"--env={each}" for each in config["Env"])
    for mount in host["Mounts"]:
        access = ",readonly" if mount.get("ReadOnly") else ""
        yield f"--mount=type=bind,source={mount['Source']},target={mount['Target']}{access}"


def _until_200(url: str, token: str) -> None:
    deadline = time.monotonic() + _GIVE_UP_AFTER_S
    with httpx.Client(headers={"Authorization": f"token {token}"}, trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # nobody listens there yet
            time.sleep(_LOOK_EVERY_S)
    raise TimeoutError(f"{url} did not answer within {_GIVE_UP_AFTER_S} s")


def _run_many(installation: Installation) -> None:
    home_id = (installation.settings.home / "id").read_text().strip()
    image = ensure_light_image(installation.settings, home_id)
    made = [
        _create(
            installation, f"many{number}", ImageUrl=image, RequestedResource={"CPU": "0.1", "Memory": "0.125"}
        )
        for number in range(_SESSIONS)
    ]
    for each in made:
        installation.until_status(each, "Running", within_s=600)


def _create(installation: Installation, name: str, **fields: Any) -> str:
    wanted = {"InstanceName": name, "RequestedResource": _SIZE, **fields}
    return str(installation.dsw("CreateInstance", **wanted)["InstanceId"])


def _memory_mib(installation: Installation) -> float:
    pid = installation.client.call(operation("workbench", "GetStatus"))["Pid"]
    return float(psutil.Process(pid).memory_info().rss / 2**20)


def _command_seconds(*arguments: str, environment: Mapping[str, str]) -> float:
    """The median over a few runs of Python with these arguments."""

    def run() -> None:
        subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)

    return statistics.median(_seconds(run) for _ in range(_COMMANDS))


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
