"""A whole emulated machine: the library, its state, and if wanted an engine.

    with emulated_machine(4, toolkit=Toolkit.HOOK) as emulated:
        subprocess.run(["nvitop", "--once"], env={**os.environ, **emulated.environment})
        emulated.machine.lose(1)

Each machine has a name and a folder of that name in one place per user, so that a second
program finds a running one, and so that whatever a killed program left behind is found and
cleaned when the next machine starts.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.emulated_gpu import library
from tests.emulated_gpu.engine import Engine, Toolkit
from tests.emulated_gpu.faults import CannotEmulate
from tests.emulated_gpu.machine import Machine

_HOME = Path(f"/var/tmp/emulated-gpus-{os.getuid()}")
"""On disk and short: an engine keeps images here, and its sockets."""

_PASSING = "passing-"
"""Machines of this name are removed with all their data."""

_passing_numbers = count(1)


@dataclass(frozen=True)
class EmulatedMachine:
    """A machine while it runs. `environment` is what a program needs to be on it: only what
    differs from the environment we have."""

    machine: Machine
    engine: Engine | None
    environment: Mapping[str, str]


def programs_folder() -> Path:
    """Where other versions of Docker are kept unpacked."""
    return _home() / "programs"


@contextmanager
def emulated_machine(
    gpus: int,
    *,
    name: str = "",
    toolkit: Toolkit | None = None,
    programs: Path | None = None,
    live_restore: bool = False,
    own_device_numbers: bool = False,
) -> Iterator[EmulatedMachine]:
    """Run a machine with healthy, idle GPUs for the length of a block.

    Args:
        name: So that others find it; its engine's images and containers stay for the next
            time. Without a name nothing stays.
        toolkit: How its engine gives GPUs; None for no engine, which needs no root.
        programs, live_restore: As of `Engine`.
        own_device_numbers: As of `Machine.create`.

    Raises:
        CannotEmulate: Something is missing, or a machine of that name runs already.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(_claimed(name or f"{_PASSING}{os.getpid()}-{next(_passing_numbers)}"))
        machine = Machine.create(folder / "gpus" / "state.json", gpus, own_device_numbers=own_device_numbers)
        library.install(folder / "gpus", kept_in=_home() / "library")
        engine = None
        if toolkit:
            engine = Engine(
                folder / "engine", machine, toolkit=toolkit, programs=programs, live_restore=live_restore
            )
            stack.callback(engine.clean)
            if not name:
                stack.callback(engine.kill)  # nobody misses an orderly end
            engine.start()
        yield EmulatedMachine(machine, engine, _environment(folder, engine))


def running_machine(name: str) -> EmulatedMachine:
    """A machine that another program runs.

    Raises:
        CannotEmulate: None of that name runs.
    """
    folder = _machines() / _checked(name)
    if not folder.is_dir() or _lock(folder) is not None:
        raise CannotEmulate(
            f"No emulated machine named {name!r} runs.", hint="Start one: scripts/emulate-gpus 4 -- COMMAND."
        )
    machine = Machine(folder / "gpus" / "state.json")
    engine = Engine(folder / "engine", machine) if (folder / "engine").is_dir() else None
    return EmulatedMachine(machine, engine, _environment(folder, engine))


def _environment(folder: Path, engine: Engine | None) -> dict[str, str]:
    libraries = [str(folder / "gpus"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        "FAKE_NVML_CONFIG": str(folder / "gpus" / "state.json"),
    }
    if engine:
        environment["DOCKER_HOST"] = engine.host
    return environment


@contextmanager
def _claimed(name: str) -> Iterator[Path]:
    """The folder of this name, ours until the block or the process ends."""
    folder = _machines() / _checked(name)
    with _lock_of_all():
        _clean_after_the_dead()
        folder.mkdir(exist_ok=True)
        held = _lock(folder)
    if held is None:
        raise CannotEmulate(f"A machine named {name!r} runs already.", hint="Give another one: --name NAME.")
    try:
        yield folder
    finally:
        with _lock_of_all():  # who cleans up after the dead must not meet half a folder
            if name.startswith(_PASSING):
                shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _clean_after_the_dead() -> None:
    for folder in _machines().iterdir():
        held = _lock(folder)
        if held is None:
            continue  # it runs
        Engine(folder / "engine", Machine(folder / "gpus" / "state.json")).clean()
        if folder.name.startswith(_PASSING):
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


@contextmanager
def _lock_of_all() -> Iterator[None]:
    with (_home() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock(folder: Path) -> int | None:
    """Held until closed or until our process ends, however it ends; None where it is held."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _machines() -> Path:
    machines = _home() / "machines"
    machines.mkdir(exist_ok=True)
    return machines


def _home() -> Path:
    _HOME.mkdir(mode=0o700, exist_ok=True)
    if _HOME.is_symlink() or _HOME.stat().st_uid != os.getuid():
        raise CannotEmulate(f"{_HOME} belongs to somebody else.", hint="Remove it.")
    return _HOME


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,19}", name):
        raise CannotEmulate(
            f"{name!r} is no name for a machine.", hint="1 to 20 small letters, digits and hyphens."
        )
    return name
