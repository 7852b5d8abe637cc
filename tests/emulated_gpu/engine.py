"""A private Docker engine that gives containers emulated GPUs.

It is a real dockerd with data, socket and bridge of its own, beside the machine's engine and
without touching it. It can be stopped, killed as by accident, and started again on the same
data; `clean` leaves only that data.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from enum import Enum, auto
from pathlib import Path

from tests.emulated_gpu import leftovers
from tests.emulated_gpu.cdi import write_spec
from tests.emulated_gpu.faults import CannotEmulate, NotHere
from tests.emulated_gpu.machine import Machine
from tests.emulated_gpu.network import Bridge, Openings, make_bridge

_READY_WITHIN_S = 60
_HOOK_FOLDER = Path(__file__).with_name("hook")


class Toolkit(Enum):
    """How the engine can give GPUs."""

    HOOK = auto()
    """By the program that Docker looks for by name; all versions before 29."""
    CDI = auto()
    """By a device spec; Docker 26 and later."""
    NONE = auto()
    """Not at all: NVIDIA's toolkit was forgotten."""


class Engine:
    """One private dockerd.

    Args:
        folder: Everything of this engine; short, for it holds sockets.
        machine: Whose GPUs it gives away.
        programs: Where another version's packages were unpacked; None for the installed one.
        live_restore: Containers outlive dockerd.
    """

    def __init__(
        self,
        folder: Path,
        machine: Machine,
        *,
        toolkit: Toolkit = Toolkit.HOOK,
        programs: Path | None = None,
        live_restore: bool = False,
    ) -> None:
        self.folder = folder
        self.machine = machine
        self.toolkit = toolkit
        self.programs = programs
        self.live_restore = live_restore
        self._openings = Openings(self.host, folder / "openings")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "docker.sock"

    @property
    def host(self) -> str:
        """For `DOCKER_HOST`."""
        return f"unix://{self.socket}"

    @property
    def specs(self) -> Path:
        """Its folder of device specs."""
        return self.folder / "cdi"

    @property
    def bridge(self) -> Bridge | None:
        """Its way to the network, from the first start until it is cleaned."""
        return Bridge(int(self._bridge_file.read_text())) if self._bridge_file.exists() else None

    @property
    def grants(self) -> list[dict[str, object]]:
        """What the hook was asked for and gave, in order: `container`, `asked`, `given`."""
        log = self.folder / "grants.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            NotHere: Root or a program is missing.
            CannotEmulate: It runs already, or dockerd gave up; then with its last words.
        """
        self._check()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.toolkit is Toolkit.CDI:
            write_spec(self.machine, self.specs)
        (self.folder / "daemon.json").write_text(json.dumps(self._configuration(self._ensure_bridge())))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        self._await_ready(self._process)
        self._openings.follow()

    def stop(self) -> None:
        """Shut it down in order, as the machine's shutdown does."""
        pid = self._pid()
        if pid and not leftovers.end_process(pid, signal.SIGTERM):
            leftovers.end_process(pid, signal.SIGKILL)
        self._reap()

    def kill(self) -> None:
        """End dockerd at once, as a crash does. Its containers may go on."""
        containerd_file = self._exec_root / "containerd" / "containerd.pid"
        containerd = self._pid_of(containerd_file, str(self._exec_root))
        if pid := self._pid():
            leftovers.end_process(pid, signal.SIGKILL)
        if containerd:  # the kernel ends it with dockerd; as a zombie it looks alive to the next one
            leftovers.end_process(containerd, signal.SIGTERM)
            containerd_file.unlink(missing_ok=True)
        self._reap()

    def clean(self) -> None:
        """Stop it and remove every trace outside its folder, whoever started it."""
        self.stop()
        leftovers.end_processes(str(self._exec_root), f"{self.host} events")
        leftovers.unmount(self.folder)
        leftovers.remove_cgroups(self._data_root)
        shutil.rmtree(self._exec_root, ignore_errors=True)
        self._pid_file.unlink(missing_ok=True)
        self._openings.close()
        if self.bridge:
            self.bridge.remove()
            self._bridge_file.unlink()

    def load(self, image: str, *, source: str = "unix:///var/run/docker.sock") -> None:
        """Copy an image from another engine.

        Raises:
            CannotEmulate: That engine does not have it.
        """
        saved = subprocess.Popen(["docker", "-H", source, "save", image], stdout=subprocess.PIPE)
        loaded = subprocess.run(["docker", "-H", self.host, "load", "-q"], stdin=saved.stdout, check=False)
        if saved.wait() or loaded.returncode:
            raise CannotEmulate(f"The image {image} could not be copied from {source}.")

    @property
    def _data_root(self) -> Path:
        return self.folder / "data"

    @property
    def _exec_root(self) -> Path:
        return self.folder / "exec"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "dockerd.pid"

    @property
    def _bridge_file(self) -> Path:
        return self.folder / "bridge"

    @property
    def _log(self) -> Path:
        return self.folder / "dockerd.log"

    def _check(self) -> None:
        if os.geteuid() != 0:
            raise NotHere("A private engine needs root.", hint="Run it with sudo.")
        for program in ("dockerd", "containerd", "docker", "nsenter", "umount"):
            if not shutil.which(program, path=self._path()):
                raise NotHere(
                    f"{program} is not installed.", hint="On Debian: apt-get install docker.io util-linux."
                )
        if self._pid() or (self.socket.exists() and self._answers()):
            raise CannotEmulate(f"An engine runs already in {self.folder}.")
        self.socket.unlink(missing_ok=True)

    def _ensure_bridge(self) -> Bridge:
        if self.bridge:
            return self.bridge
        bridge = make_bridge()
        self._bridge_file.write_text(str(bridge.number))
        return bridge

    def _configuration(self, bridge: Bridge) -> dict[str, object]:
        configuration: dict[str, object] = {
            "bridge": bridge.name,
            "live-restore": self.live_restore,
        }
        if self.toolkit is Toolkit.CDI:
            configuration |= {"features": {"cdi": True}, "cdi-spec-dirs": [str(self.specs)]}
        return configuration

    def _command(self) -> list[str]:
        return [
            shutil.which("dockerd", path=self._path()) or "dockerd",
            f"--config-file={self.folder / 'daemon.json'}",
            f"--data-root={self._data_root}",
            f"--exec-root={self._exec_root}",
            f"--pidfile={self._pid_file}",
            f"--host={self.host}",
            "--iptables=false",
            "--ip6tables=false",
        ]

    def _path(self) -> str:
        folders = [str(_HOOK_FOLDER)] if self.toolkit is Toolkit.HOOK else []
        if self.programs:
            folders += [str(self.programs / "usr/sbin"), str(self.programs / "usr/bin")]
        return os.pathsep.join([*folders, os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": self._path(),
            "FAKE_NVML_CONFIG": str(self.machine.path),
            "FAKE_GPU_LOG": str(self.folder / "grants.log"),
        }

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                last_words = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
                raise CannotEmulate(f"dockerd does not start. {self._log} ends with:\n{last_words}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                return answer.status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def _pid(self) -> int | None:
        return self._pid_of(self._pid_file, f"--pidfile={self._pid_file}")

    def _pid_of(self, pid_file: Path, mark: str) -> int | None:
        """Of a process of ours that runs; a pid file may name a stranger by now."""
        try:
            pid = int(pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        except (OSError, ValueError):
            return None
        return pid if mark in command else None

    def _reap(self) -> None:
        if self._process:
            self._process.wait()
            self._process = None
