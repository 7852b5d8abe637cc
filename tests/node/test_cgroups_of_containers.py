from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import docker
import pytest

from tests.tiny_image import ensure_tiny_image
from workbench.node.group_counters import find_group

pytestmark = pytest.mark.docker


@pytest.fixture
def container() -> Iterator[Any]:
    fill = "x=$(head -c 30000000 /dev/zero | tr '\\0' 'x')"
    script = f"{fill}; for i in $(seq 300000); do :; done; echo done; sleep 300"
    container = docker.from_env().containers.run(
        ensure_tiny_image(), ["sh", "-c", script], detach=True, init=True, network_mode="none"
    )
    try:
        next(line for line in container.logs(stream=True, follow=True) if line.strip() == b"done")
        container.reload()
        yield container
    finally:
        container.remove(force=True, v=True)


def test_the_files_tell_of_a_container_what_it_used(container: Any) -> None:
    pid = container.attrs["State"]["Pid"]
    told = container.stats(stream=False)

    used = find_group(pid).read()
    assert used.cpu_seconds == pytest.approx(told["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, rel=0.2)
    assert 25e6 < used.memory_bytes < 500e6
