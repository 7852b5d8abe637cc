"""A command must answer at once: it loads what it runs and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from workbench.cli import workbench

COMMANDS = workbench.list_commands(click.Context(workbench))
HEAVY = {"docker", "starlette", "uvicorn", "sqlite_utils", "pydantic", "rich", "asyncio", "cryptography"}


def loaded_by(*arguments: str) -> set[str]:
    """The modules in memory after a command, in an interpreter of its own."""
    program = (
        "import sys\n"
        "from workbench.cli import main\n"
        f"sys.argv = {['workbench', *arguments]!r}\n"
        "try: main()\n"
        "finally: print(' '.join(sys.modules), file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return set(ended.stderr.splitlines()[-1].split())


def test_help_loads_no_command_at_all() -> None:
    loaded = loaded_by("--help")

    assert not loaded & HEAVY
    assert not {"http.client", "workbench.settings", "workbench.client"} & loaded


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_loads_the_daemon_s_parts(command: str) -> None:
    assert not loaded_by(command, "--help") & HEAVY


def test_a_list_loads_no_more_than_the_client(tmp_path: Path) -> None:
    assert not loaded_by("--home", str(tmp_path), "notebook", "list") & HEAVY
