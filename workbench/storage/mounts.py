"""Mounts of a pod, from what was asked for to what Docker is given.

In two halves. `resolve` is for the moment of the request: it says whether this user may ask
for it, and touches no disk. `attach` is for the moment of the start: it walks, makes what has
to be there, and pins. Whatever a user changes between the two is found by the second.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Unavailable
from workbench.runtime.pods import Bind
from workbench.settings import Settings
from workbench.storage import rules, schemes
from workbench.storage.directories import Directories
from workbench.storage.pin import Ability, Identity, Pins, make_directories, walked
from workbench.storage.rules import Access, BadMount, MountRequest
from workbench.storage.schemes import nas

_ANSWER_S = 5


class SourceSilent(Unavailable):
    """A directory does not answer: a network file system whose server is away."""

    code = "MountUnhealthy"


@dataclass(frozen=True, kw_only=True)
class MountContext:
    """Whose pod it is, and of which workspace. `groups` are gids besides `gid`."""

    workspace_id: str
    user: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @property
    def identity(self) -> Identity:
        """The user's rights on the disk."""
        return Identity(self.uid, frozenset((self.gid, *self.groups)))


@dataclass(frozen=True, kw_only=True)
class Bindable:
    """A directory that may be mounted: a trusted root and the way below it. Not yet looked at.

    Whoever asked for it calls the root `called`, and need not know where on this machine that is.
    """

    root: Path
    called: str = ""
    below: tuple[str, ...] = ()
    target: str
    read_only: bool = False


class Storage:
    """Directories and mounts of one home."""

    def __init__(self, settings: Settings) -> None:
        self.directories = Directories(settings)
        self._settings = settings
        self._pins = Pins(settings.run / "pods", engine_pid=_engine_pid(settings.docker_host))

    def can_pin(self) -> Ability:
        """Whether mounts are pinned here, or handed to Docker as the paths that were checked."""
        return self._pins.ability()

    def resolve(self, requests: Sequence[MountRequest], context: MountContext) -> tuple[Bindable, ...]:
        """Check mounts as they were asked for.

        Raises:
            BadMount: One of them cannot be, and why.
        """
        found = {}
        for request in requests:
            target = rules.check_target(request.target)
            source = schemes.parse(request.uri)
            if target in found:
                raise BadMount(f"Two mounts want {target}; each needs a path of its own.")
            found[target] = Bindable(
                root=self._root(source, context),
                called=f"nas://{source.root}",
                below=source.below,
                target=target,
                read_only=rules.check_access(request.access) is Access.READ_ONLY,
            )
        return tuple(found[target] for target in rules.in_order(list(found)))

    def own(self, context: MountContext) -> Bindable:
        """The user's own directory as HOME, made where it is missing."""
        path = self.directories.make_own(context.workspace_id, context.user, uid=context.uid, gid=context.gid)
        return Bindable(root=path, target=rules.HOME)

    def environment(self, instance_id: str, context: MountContext) -> Bindable:
        """An instance's environment directory, made where it is missing."""
        path = self.directories.make_environment(instance_id, uid=context.uid, gid=context.gid)
        return Bindable(root=path, target=rules.ENVIRONMENT)

    def attach(self, pod: str, bindables: Sequence[Bindable], context: MountContext) -> tuple[Bind, ...]:
        """Make mounts ready for a pod that is about to start. Pins it had before are replaced.

        Args:
            pod: `<kind>-<id>-<pod>`.

        Raises:
            SourceMissing, SourceRefused, SourceSilent: One cannot be mounted, and why.
        """
        self._pins.unpin(pod)
        by_target = {each.target: each for each in bindables}
        try:
            with ExitStack() as opened:
                fds = {}
                for target in rules.in_order([each.target for each in bindables]):
                    each = by_target[target]
                    self._expect_answer(each.root)
                    way = walked(each.root, each.below, context.identity, called=each.called)
                    fds[target] = opened.enter_context(way)
                    self._make_mountpoint(target, fds, context)
                return tuple(
                    self._bind(pod, number, fd, by_target[target])
                    for number, (target, fd) in enumerate(fds.items())
                )
        except BaseException:
            self._pins.unpin(pod)
            raise

    def detach(self, pod: str) -> None:
        """Undo a pod's pins, once the pod is gone. Nothing happens where there are none."""
        self._pins.unpin(pod)

    def sweep(self, keep: Collection[str]) -> None:
        """Undo the pins of all pods but these: what a killed daemon left behind."""
        self._pins.sweep(keep)

    def _root(self, source: nas.Source, context: MountContext) -> Path:
        match source.root:
            case nas.WORKSPACE:
                return self.directories.shared(context.workspace_id)
            case nas.HOME:
                return self.directories.own(context.workspace_id, context.user)
        root = self._settings.mount_roots.get(source.root)
        if root is None:
            allowed = [nas.WORKSPACE, nas.HOME, *sorted(self._settings.mount_roots)]
            raise BadMount(
                f"nas://{source.root}/ is no directory that may be mounted here.",
                hint=f"Allowed: {', '.join(f'nas://{name}/' for name in allowed)}.",
            )
        if self._settings.home.is_relative_to(root):
            raise BadMount(
                f"nas://{source.root}/ is {root}, which contains Workbench's own keys and database.",
                hint="An administrator should choose a narrower directory in mount_roots.",
            )
        return root

    def _make_mountpoint(self, target: str, fds: dict[str, int], context: MountContext) -> None:
        """A mount inside another needs a directory there; Docker would make it as root's."""
        if holder := rules.holder_of(target, list(fds)):
            names = target.removeprefix(holder).strip("/").split("/")
            make_directories(fds[holder], names, context.identity, context.gid)

    def _bind(self, pod: str, number: int, fd: int, bindable: Bindable) -> Bind:
        source = bindable.root.joinpath(*bindable.below)
        if self.can_pin().can_pin:
            source = self._pins.pin(pod, number, fd, read_only=bindable.read_only)
        return Bind(str(source), bindable.target, bindable.read_only)

    def _expect_answer(self, root: Path) -> None:
        """Ask administrators' directories in a child, which can be given up; ours are local."""
        if root.is_relative_to(self._settings.home):
            return
        try:
            subprocess.run(["stat", "--", root], capture_output=True, check=False, timeout=_ANSWER_S)
        except subprocess.TimeoutExpired as error:
            raise SourceSilent(
                f"{root} did not answer within {_ANSWER_S} s.",
                hint="If it is a network file system, look whether its server is up.",
            ) from error


def _engine_pid(docker_host: str) -> int:
    """The process that listens at a local engine's socket; 0 where that is not known."""
    scheme, _, path = docker_host.partition("://")
    if scheme != "unix":
        return 0
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(path)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return 0 if pid == os.getpid() else pid
    return 0
