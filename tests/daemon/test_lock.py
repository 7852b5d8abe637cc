"""A home has one daemon, and the next one begins when nothing of the one before is left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.cli import daemon_process
from workbench.daemon.lock import AlreadyRunning, only_daemon_of
from workbench.settings import Settings, load

ENDING = """
import sys
from pathlib import Path
from workbench.daemon.lock import only_daemon_of
with only_daemon_of(Path(sys.argv[1]), Path(sys.argv[1], "run")):
    pass
print("its work is over", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"home": tmp_path}, {})


@pytest.fixture
def ending(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A daemon that has ended its work and still runs."""
    command = [sys.executable, "-c", ENDING, str(settings.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "its work is over\n"
        yield process
        process.kill()


def test_the_home_is_taken_until_the_process_is_gone(
    settings: Settings, ending: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(AlreadyRunning, match=f"process {ending.pid}"),
        only_daemon_of(settings.home, settings.run),
    ):
        pass
    assert daemon_process.pid(settings) == ending.pid

    ending.kill()
    ending.wait()
    assert daemon_process.pid(settings) is None
