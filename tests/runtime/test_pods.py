"""Pods on a real engine, and what is left when something goes wrong in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker import APIClient

from tests.misbehaving_engine.proxy import MisbehavingEngine
from workbench.errors import EngineAway
from workbench.runtime import (
    Bind,
    ImageMissing,
    NameTaken,
    OtherGeneration,
    Pod,
    PodPlan,
    PodState,
    Runtime,
    StartRefused,
)

pytestmark = pytest.mark.docker

Plans = Callable[..., PodPlan]
Wait = Callable[[Pod], Pod]


@pytest.fixture
def image_with_volume(engine: APIClient, runtime: Runtime, a_plan: Plans) -> Iterator[str]:
    """The tiny image and a declared volume; made of a pod, and gone after the test."""
    pod = runtime.start_pod(a_plan(id="template"))
    image = engine.commit(pod.container, changes=["VOLUME /scratch"])["Id"]
    runtime.remove_pod(pod)
    yield image
    for pod in runtime.list_pods():
        runtime.remove_pod(pod)
    engine.remove_image(image)


def output(runtime: Runtime, pod: Pod) -> list[str]:
    return [line.text for line in runtime.logs(pod, follow=True)]


def test_a_pod_is_found_by_what_it_belongs_to(runtime: Runtime, a_plan: Plans) -> None:
    started = runtime.start_pod(a_plan(id="dsw-7", generation=3))

    assert started.state is PodState.RUNNING
    assert (started.kind, started.id, started.pod, started.generation) == ("notebook", "dsw-7", "main", 3)
    assert started.pid > 0
    assert started.started_at is not None
    assert runtime.find_pod("notebook", "dsw-7") == started
    assert runtime.list_pods() == [started]
    assert runtime.list_pods("job") == []
    assert runtime.find_pod("notebook", "dsw-8") is None


def test_two_homes_on_one_engine_never_see_each_other(runtime: Runtime, a_plan: Plans, home_id: str) -> None:
    runtime.start_pod(a_plan())
    same_first_letters = Runtime("unix:///var/run/docker.sock", home_id[:8] + "another")

    assert same_first_letters.list_pods() == []
    assert same_first_letters.find_pod("notebook", "dsw-1") is None
    with pytest.raises(NameTaken):
        same_first_letters.start_pod(a_plan())


def test_a_pod_has_no_privileges_and_its_owner_as_user(runtime: Runtime, a_plan: Plans) -> None:
    plan = a_plan("id; cat /proc/self/status", user="4321:4322", groups=("4400",))

    said = output(runtime, runtime.start_pod(plan))

    assert said[0] == "uid=4321 gid=4322 groups=4322,4400"
    status = dict(line.split(":\t", 1) for line in said[1:] if ":\t" in line)
    assert status["CapEff"] == status["CapBnd"] == "0" * 16
    assert status["NoNewPrivs"] == "1"


def test_a_pod_gets_what_the_plan_gives_and_no_more(
    runtime: Runtime, engine: APIClient, a_plan: Plans
) -> None:
    pod = runtime.start_pod(a_plan(memory_bytes=2**28, cpus=0.5, shm_bytes=2**25, pids=40))

    host = engine.inspect_container(pod.container)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["ShmSize"]) == (2**28, 2**28, 2**25)
    assert (host["NanoCpus"], host["PidsLimit"], host["Init"]) == (500_000_000, 40, True)
    assert host["Privileged"] is False
    assert host["RestartPolicy"]["Name"] == "no"


def test_a_read_only_bind_cannot_be_written(runtime: Runtime, a_plan: Plans, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine\n")
    tmp_path.chmod(0o777)
    plan = a_plan("cat /data/notes; touch /data/new", binds=(Bind(str(tmp_path), "/data", read_only=True),))

    said = output(runtime, runtime.start_pod(plan))

    assert said[0] == "mine"
    assert "Read-only file system" in said[1]


def test_a_bind_whose_source_is_missing_is_refused_and_never_made(
    runtime: Runtime, a_plan: Plans, tmp_path: Path
) -> None:
    with pytest.raises(StartRefused, match="make it again"):
        runtime.start_pod(a_plan(binds=(Bind(str(tmp_path / "gone"), "/data"),)))

    assert not (tmp_path / "gone").exists()
    assert runtime.list_pods() == []


def test_a_pod_without_a_network_reaches_nothing(runtime: Runtime, a_plan: Plans) -> None:
    said = output(runtime, runtime.start_pod(a_plan("ls /sys/class/net")))

    assert said == ["lo"]


def test_the_same_start_twice_gives_one_container(runtime: Runtime, a_plan: Plans) -> None:
    first = runtime.start_pod(a_plan())

    assert runtime.start_pod(a_plan()) == first
    assert runtime.list_pods() == [first]


def test_work_that_is_over_is_not_done_again_by_a_repeated_start(
    runtime: Runtime, a_plan: Plans, until_ended: Wait
) -> None:
    ended = until_ended(runtime.start_pod(a_plan("exit 3")))

    assert runtime.start_pod(a_plan("exit 3")) == ended
    assert ended.exit_code == 3


def test_a_new_start_waits_until_the_old_container_is_removed(runtime: Runtime, a_plan: Plans) -> None:
    old = runtime.start_pod(a_plan(generation=1))

    with pytest.raises(OtherGeneration):
        runtime.start_pod(a_plan(generation=2))

    runtime.remove_pod(old)
    assert runtime.start_pod(a_plan(generation=2)).generation == 2


@pytest.mark.parametrize(
    "step",
    [
        ("GET", "/containers/.*/json", 1),
        ("POST", "/containers/create", 1),
        ("POST", "/containers/.*/start", 1),
        ("GET", "/containers/.*/json", 2),
    ],
    ids=["look", "create", "start", "look again"],
)
@pytest.mark.parametrize("fault", [MisbehavingEngine.lose_request, MisbehavingEngine.lose_answer])
def test_a_start_interrupted_at_any_step_succeeds_when_repeated(
    unlucky: Runtime,
    sick: MisbehavingEngine,
    a_plan: Plans,
    fault: Callable[..., None],
    step: tuple[str, str, int],
) -> None:
    method, path, nth = step
    fault(sick, method, path, nth=nth)
    with pytest.raises(EngineAway):
        unlucky.start_pod(a_plan())

    pod = unlucky.start_pod(a_plan())

    assert pod.state is PodState.RUNNING
    assert unlucky.list_pods() == [pod]


def test_a_start_that_failed_leaves_no_container(
    unlucky: Runtime, sick: MisbehavingEngine, runtime: Runtime, a_plan: Plans
) -> None:
    sick.answer("POST", "/containers/.*/start", message="some device is broken")

    with pytest.raises(StartRefused, match="some device is broken"):
        unlucky.start_pod(a_plan())

    assert runtime.list_pods() == []


def test_a_failed_start_that_could_not_be_cleaned_up_is_by_the_next(
    unlucky: Runtime, sick: MisbehavingEngine, runtime: Runtime, a_plan: Plans
) -> None:
    sick.answer("POST", "/containers/.*/start")
    sick.lose_request("DELETE", "/containers/.*")
    with pytest.raises(EngineAway):
        unlucky.start_pod(a_plan())
    assert [pod.state for pod in runtime.list_pods()] == [PodState.CREATED]

    assert unlucky.start_pod(a_plan(generation=2)).state is PodState.RUNNING
    assert [pod.generation for pod in runtime.list_pods()] == [2]


def test_a_container_whose_start_may_be_under_way_is_started_and_not_replaced(
    unlucky: Runtime, sick: MisbehavingEngine, runtime: Runtime, a_plan: Plans
) -> None:
    sick.lose_request("POST", "/containers/.*/start")
    with pytest.raises(EngineAway):
        unlucky.start_pod(a_plan())
    [made] = runtime.list_pods()

    assert unlucky.start_pod(a_plan()).container == made.container


def test_an_engine_in_trouble_is_not_the_pods_fault(
    unlucky: Runtime, sick: MisbehavingEngine, a_plan: Plans
) -> None:
    sick.answer("POST", "/containers/.*/start", message="containerd: context deadline exceeded")

    with pytest.raises(EngineAway):
        unlucky.start_pod(a_plan())


def test_a_missing_image_is_told_by_name(runtime: Runtime, a_plan: Plans) -> None:
    with pytest.raises(ImageMissing, match="workbench-tests/none:1"):
        runtime.start_pod(a_plan(image="workbench-tests/none:1"))


def test_a_program_that_the_image_lacks_ends_the_pod_and_is_named_in_its_log(
    runtime: Runtime, a_plan: Plans, until_ended: Wait
) -> None:
    ended = until_ended(runtime.start_pod(a_plan(command=("no-such-program",))))

    assert ended.exit_code == 127
    assert "no-such-program" in output(runtime, ended)[0]


def test_a_working_directory_that_cannot_be_used_is_refused_in_plain_words(
    runtime: Runtime, a_plan: Plans
) -> None:
    with pytest.raises(StartRefused) as refused:
        runtime.start_pod(a_plan(workdir="/bin/sh"))

    assert "/bin/sh" in refused.value.message
    assert "create failed" not in refused.value.message
    assert runtime.list_pods() == []


def test_a_gpu_that_cannot_be_given_leaves_no_container(runtime: Runtime, a_plan: Plans) -> None:
    with pytest.raises(StartRefused):
        runtime.start_pod(a_plan(gpus=("GPU-00000000-0000-0000-0000-000000000000",)))

    assert runtime.list_pods() == []


def test_running_out_of_memory_is_told(runtime: Runtime, a_plan: Plans, until_ended: Wait) -> None:
    hungry = a_plan("head -c 200m /dev/zero | tail", memory_bytes=2**25)

    assert until_ended(runtime.start_pod(hungry)).oom_killed


def test_a_pod_that_ignores_the_stop_signal_is_killed_after_the_grace(
    runtime: Runtime, a_plan: Plans
) -> None:
    deaf = runtime.start_pod(a_plan("trap '' TERM; echo ready; sleep 600 & wait; sleep 600"))
    next(iter(runtime.logs(deaf, follow=True)))

    runtime.stop_pod(deaf, grace_s=1)

    ended = runtime.find_pod("notebook", "dsw-1")
    assert ended is not None
    assert (ended.state, ended.exit_code, ended.oom_killed) == (PodState.ENDED, 137, False)


def test_a_pod_may_choose_its_stop_signal(runtime: Runtime, a_plan: Plans) -> None:
    pod = runtime.start_pod(a_plan("trap 'exit 7' USR1; echo ready; sleep 600 & wait", stop_signal="SIGUSR1"))
    next(iter(runtime.logs(pod, follow=True)))

    runtime.stop_pod(pod, grace_s=30)

    ended = runtime.find_pod("notebook", "dsw-1")
    assert ended is not None
    assert ended.exit_code == 7


def test_stopping_and_removing_may_be_repeated(runtime: Runtime, a_plan: Plans) -> None:
    pod = runtime.start_pod(a_plan())

    runtime.stop_pod(pod, grace_s=0)
    runtime.stop_pod(pod, grace_s=0)
    runtime.remove_pod(pod)
    runtime.remove_pod(pod)
    runtime.stop_pod(pod, grace_s=0)

    assert runtime.list_pods() == []


def test_a_pod_removed_by_several_at_once_leaves_its_name_free(runtime: Runtime, a_plan: Plans) -> None:
    pod = runtime.start_pod(a_plan())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(runtime.remove_pod, [pod] * 4))

    assert runtime.start_pod(a_plan(generation=2)).state is PodState.RUNNING


def test_many_pods_may_be_started_at_once(runtime: Runtime, a_plan: Plans) -> None:
    with ThreadPoolExecutor(8) as pool:
        pods = list(pool.map(lambda number: runtime.start_pod(a_plan(id=f"dsw-{number}")), range(12)))

    assert sorted(runtime.list_pods(), key=lambda pod: pod.id) == sorted(pods, key=lambda pod: pod.id)


def test_a_network_that_is_gone_leaves_no_container(runtime: Runtime, a_plan: Plans) -> None:
    with pytest.raises(StartRefused, match="start again"):
        runtime.start_pod(a_plan(network="ws-gone"))

    assert runtime.list_pods() == []


def test_a_volume_that_the_image_declares_goes_with_its_pod(
    runtime: Runtime, engine: APIClient, a_plan: Plans, image_with_volume: str
) -> None:
    pod = runtime.start_pod(a_plan(image=image_with_volume))
    [volume] = [mount["Name"] for mount in engine.inspect_container(pod.container)["Mounts"]]

    runtime.remove_pod(pod)

    volumes = engine.volumes()["Volumes"] or []
    assert volume not in [each["Name"] for each in volumes]
