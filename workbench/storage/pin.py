"""Directories held fast, so that what Docker mounts is what was checked.

Docker follows a symbolic link on the host: a path that a user can change may lead anywhere
by the time a container starts. So a source is walked to, component by component and never
through a link, from a root that only administrators change; and the directory found, not its
path, is mounted a second time at a place where only the daemon writes. Docker gets that path.
Whatever is renamed or swapped afterwards, the pin stays where it was.

Pinning needs CAP_SYS_ADMIN. Where it is missing the path that was walked is handed out as it
is, and `Pins.ability` says so.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import stat
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Conflict, InvalidInput, NotFound

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# The same numbers on x86-64 and arm64; glibc of Debian 12 has no wrapper for mount_setattr.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE = 1
_AT_EMPTY_PATH, _AT_RECURSIVE, _AT_FDCWD = 0x1000, 0x8000, -100
_MOVE_MOUNT_F_EMPTY_PATH = 4
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_MS_SLAVE = 1 << 19
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8


class SourceMissing(NotFound):
    """The directory to be mounted is not there."""

    code = "MountSourceNotFound"


class SourceRefused(InvalidInput):
    """The way to the directory leads through something that may not be followed."""

    code = "MountSourceRefused"


class PinFailed(Conflict):
    """The kernel would not pin a directory that was found."""

    code = "PinFailed"


@dataclass(frozen=True)
class Ability:
    """Whether directories can be pinned here; `reason` says why not."""

    can_pin: bool
    reason: str = ""


@dataclass(frozen=True)
class Identity:
    """Whose rights count on the way: a Unix uid, and all groups the user is in."""

    uid: int
    gids: frozenset[int]

    def may(self, wanted: int, info: os.stat_result) -> bool:
        """Whether the mode bits allow `wanted` (4 read, 2 write, 1 enter). ACLs are not read."""
        if self.uid == 0:
            return True
        shift = 6 if info.st_uid == self.uid else 3 if info.st_gid in self.gids else 0
        return (info.st_mode >> shift) & wanted == wanted


@contextmanager
def walked(
    root: Path, below: Sequence[str], who: Identity | None = None, *, called: str = ""
) -> Iterator[int]:
    """Open a directory without following a link below the root.

    Args:
        root: Trusted: only administrators can change what it leads to.
        below: Names of directories under it, from the outside in.
        who: If given, every directory passed through must let this user enter, so that a
            mount opens nothing that the user's own file permissions close.
        called: What the user knows the root as, for errors; its path if not given.

    Yields:
        A descriptor (O_PATH), closed afterwards.

    Raises:
        SourceMissing: A component does not exist.
        SourceRefused: A component is a link, no directory, or closed to the user.
    """
    shown = called or str(root)
    here = _open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, None, shown)
    try:
        for name in below:
            if who and not who.may(1, os.fstat(here)):
                raise SourceRefused(f"{shown} is closed to you (uid {who.uid}).")
            above, shown = shown, f"{shown}/{name}"
            here, passed = _open(name, _WALK, here, shown, above), here
            os.close(passed)
        yield here
    finally:
        os.close(here)


def make_directories(fd: int, names: Sequence[str], who: Identity, gid: int) -> None:
    """Make what is missing of a chain of directories, owned by the user, where they may write.

    Docker would make them too, but as root's.

    Raises:
        SourceRefused: Something else is in the way, or the user may not write there.
    """
    here = os.dup(fd)
    try:
        for name in names:
            try:
                found = os.open(name, _WALK, dir_fd=here)
            except FileNotFoundError:
                found = _make(here, name, who, gid)
            except NotADirectoryError as error:
                raise SourceRefused(f"{name} is in the way of a mount: it is not a directory.") from error
            os.close(here)
            here = found
    finally:
        os.close(here)


class Pins:
    """The pins of one home, a folder for each pod.

    Args:
        folder: Where they are; only the daemon may write here and above.
        engine_pid: Of the Docker engine, if it is known: its mounts are what counts.
    """

    def __init__(self, folder: Path, *, engine_pid: int = 0) -> None:
        self.folder = folder
        self._engine_pid = engine_pid
        self._probing = threading.Lock()
        self._ability: Ability | None = None

    def ability(self) -> Ability:
        """Whether directories can be pinned: found out once, by pinning one."""
        with self._probing:
            self._ability = self._ability or self._probe()
            return self._ability

    def pin(self, pod: str, number: int, fd: int, *, read_only: bool = False) -> Path:
        """Pin an opened directory, with what is mounted below it.

        No set-uid file and no device works in it. A pin of that number is replaced.

        Returns:
            A path that stays this directory until `unpin`.
        """
        place = self.folder / pod / str(number)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        _unmount(place)
        tree = _call(_OPEN_TREE, fd, b"", _OPEN_TREE_CLONE | _AT_EMPTY_PATH | _AT_RECURSIVE | os.O_CLOEXEC)
        try:
            # A slave: taking the pin away must not take away what is mounted in the source.
            attributes = _MountAttributes(
                set=_ATTR_NOSUID | _ATTR_NODEV | (_ATTR_RDONLY if read_only else 0), propagation=_MS_SLAVE
            )
            size = ctypes.c_size_t(ctypes.sizeof(attributes))
            _call(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, ctypes.byref(attributes), size)
            _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(place), _MOVE_MOUNT_F_EMPTY_PATH)
        finally:
            os.close(tree)
        return place

    def unpin(self, pod: str) -> None:
        """Undo all pins of a pod; nothing happens where there are none."""
        folder = self.folder / pod
        try:
            for place in _entries(folder):
                _unmount(place)
                place.rmdir()  # never a recursive removal: what was not unmounted are a user's files
            if folder.is_dir():
                folder.rmdir()
        except OSError as error:
            raise PinFailed(
                f"A pin in {folder} could not be undone: {error.strerror}.",
                hint="If the daemon was root before, run it as root again.",
            ) from error

    def pods(self) -> frozenset[str]:
        """The pods that have pins."""
        return frozenset(each.name for each in _entries(self.folder))

    def sweep(self, keep: Collection[str]) -> None:
        """Undo the pins of all pods but these: what a killed daemon left behind."""
        for pod in self.pods() - set(keep):
            self.unpin(pod)

    def _probe(self) -> Ability:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with walked(self.folder, ()) as fd:
                probe = self.pin(".probe", 0, fd)
        except PinFailed as error:
            return Ability(False, error.message)
        try:
            seen = not self._engine_pid or _is_mounted(probe, self._engine_pid)
        except OSError:
            seen = True  # the engine is another user's or away: nothing speaks against it
        finally:
            self.unpin(".probe")
        return Ability(seen, "" if seen else "The Docker engine does not see mounts made by this process.")


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    if platform.machine() not in ("x86_64", "aarch64"):
        raise PinFailed(f"Pinning is not known for {platform.machine()} machines.")
    result: int = _libc().syscall(number, *arguments)
    if result >= 0:
        return result
    match code := ctypes.get_errno():
        case errno.EPERM:
            raise PinFailed("Pinning mounts needs root (CAP_SYS_ADMIN).")
        case errno.ENOSYS:
            raise PinFailed("Pinning mounts needs Linux 5.12 or newer.")
    raise PinFailed(f"The kernel refused to pin a mount: {os.strerror(code)}.")


def _unmount(place: Path) -> None:
    # A retry after a crash may have stacked one mount on another: all go.
    while _libc().umount2(os.fsencode(place), _MNT_DETACH | _UMOUNT_NOFOLLOW) == 0:
        pass


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _is_mounted(place: Path, pid: int) -> bool:
    lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    return any(line.split()[4] == str(place).replace(" ", "\\040") for line in lines)


def _make(here: int, name: str, who: Identity, gid: int) -> int:
    if not who.may(3, os.fstat(here)):
        raise SourceRefused(f"{name} is missing, and you (uid {who.uid}) may not make it there.")
    os.mkdir(name, 0o755, dir_fd=here)
    found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    if os.fstat(found).st_uid != os.geteuid():  # swapped just now for someone's directory
        os.close(found)
        raise SourceRefused(f"{name} was changed while a mount was prepared.")
    if os.geteuid() == 0:
        os.fchown(found, who.uid, gid)
    return found


def _open(name: str | Path, flags: int, here: int | None, shown: str, above: str = "") -> int:
    try:
        return os.open(name, flags, dir_fd=here)
    except FileNotFoundError as error:
        hint = f"Make the directory in a notebook that mounts {above}/." if above else "Make the directory."
        raise SourceMissing(f"{shown} does not exist.", hint=hint) from error
    except NotADirectoryError as error:
        kind = _what_it_is(name, here)
        raise SourceRefused(f"{shown} is {kind}; only a directory can be mounted.") from error
    except OSError as error:
        raise SourceRefused(f"{shown} cannot be opened: {error.strerror}.") from error


def _what_it_is(name: str | Path, here: int | None) -> str:
    try:
        mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
    except OSError:
        return "not a directory"
    return "a symbolic link" if stat.S_ISLNK(mode) else "not a directory"
