"""When somebody was last at work in a shell of a pod, on a real engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from workbench.runtime import Pod, PodPlan, Runtime
from workbench.runtime.shells import ShellPlan

pytestmark = pytest.mark.docker


def greet(runtime: Runtime, pod: Pod) -> bytes:
    async def output() -> bytes:
        shell = await runtime.begin_shell(pod, ShellPlan(command=("sh", "-c", "echo hello")))
        return b"".join([data async for _, data in shell.output()])

    return asyncio.run(output())


def test_use_is_known_as_long_as_the_pod_is_there(runtime: Runtime, a_plan: Callable[..., PodPlan]) -> None:
    pod = runtime.start_pod(a_plan("sleep 600"))
    assert runtime.shell_used(pod.kind, pod.id) is None

    assert greet(runtime, pod) == b"hello\n"
    assert runtime.shell_used(pod.kind, pod.id) is not None

    runtime.remove_pod(pod)
    assert runtime.shell_used(pod.kind, pod.id) is None
