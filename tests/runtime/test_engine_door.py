"""What a user hears when the engine is away, and that it is found again."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.misbehaving_engine.proxy import MisbehavingEngine
from workbench.errors import EngineAway
from workbench.runtime import Engine, Runtime


def test_an_engine_that_is_not_there_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(EngineAway, match="systemctl start docker"):
        Runtime(f"unix://{tmp_path}/none.sock", "home").list_pods()


def test_an_engine_that_never_answers_is_away(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute.sock"))
        mute.listen()

        with pytest.raises(EngineAway, match="did not answer"):
            Engine(f"unix://{tmp_path}/mute.sock", answer_within_s=0.1).facts()


def test_a_user_without_permission_is_told_which_group_to_join(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as locked:
        locked.bind(str(tmp_path / "locked.sock"))
        locked.listen()
        (tmp_path / "locked.sock").chmod(0)

        with without_privileges(), pytest.raises(EngineAway, match="usermod -aG docker"):
            Runtime(f"unix://{tmp_path}/locked.sock", "home").list_pods()


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may open every socket: be nobody for a moment."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.docker
def test_an_engine_that_comes_back_is_used_again(sick: MisbehavingEngine, unlucky: Runtime) -> None:
    assert unlucky.list_pods() == []
    sick.refuse()
    with pytest.raises(EngineAway):
        unlucky.list_pods()

    sick.accept()

    assert unlucky.list_pods() == []


@pytest.mark.docker
def test_an_answer_that_something_is_broken_proves_nothing(sick: MisbehavingEngine, unlucky: Runtime) -> None:
    sick.answer("GET", "/containers/json", message="database is on fire")

    with pytest.raises(EngineAway, match="database is on fire"):
        unlucky.list_pods()


@pytest.mark.docker
def test_the_engine_tells_what_it_is(runtime: Runtime) -> None:
    facts = runtime.engine()

    assert facts.cgroup_version in (1, 2)
    assert facts.cpus > 0
    assert facts.memory_bytes > 2**28
    assert facts.root_dir.startswith("/")
