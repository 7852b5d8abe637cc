"""Where users' files and files made for pods live, and whose they are.

```
<home>/workspaces/<workspace>/shared         the workspace's group, 2770
<home>/workspaces/<workspace>/users/<user>   the user's own, 0700; HOME in a pod
<home>/notebooks/<instance>/environment      what the user installed there, 0700
<run>/sessions/<instance>/                   passwd, group, tokens: made for one pod
```

Every directory is made with its owner and mode at once, before a pod could make it as root's.
Users of this machine pass through those above theirs and see nothing of what else is there.
Nothing is ever changed recursively, and a link in place of a directory is refused. Where the
daemon is not root, everything belongs to the daemon's own user.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Conflict, InvalidInput
from workbench.settings import Settings

_NOBODY = 65534
_SHARED = 0o2770
_PASSED_THROUGH = 0o711


class PlaceTaken(Conflict):
    """Something that Workbench did not make is where a directory of it belongs."""

    code = "PlaceTaken"


class NotRemoved(Conflict):
    """A directory could not be removed."""

    code = "NotRemoved"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose a directory is, and its mode."""

    uid: int
    gid: int
    mode: int


class Directories:
    """The directories of one home. Making one that is there already does nothing."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self._run = settings.run

    def workspace(self, workspace_id: str) -> Path:
        """All files of a workspace."""
        return self._home / "workspaces" / _name(workspace_id)

    def shared(self, workspace_id: str) -> Path:
        """What all members of a workspace share."""
        return self.workspace(workspace_id) / "shared"

    def own(self, workspace_id: str, user: str) -> Path:
        """A user's own files in a workspace."""
        return self.workspace(workspace_id) / "users" / _name(user)

    def environment(self, instance_id: str) -> Path:
        """Packages and the like that the user installed in an instance."""
        return self._home / "notebooks" / _name(instance_id) / "environment"

    def session(self, instance_id: str) -> Path:
        """Files made for an instance's pod."""
        return self._run / "sessions" / _name(instance_id)

    def make_shared(self, workspace_id: str, *, gid: int) -> Path:
        """Make a workspace's shared directory: its group may write, new files keep the group."""
        return self._make(self.shared(workspace_id), Owner(uid=os.geteuid(), gid=gid, mode=_SHARED))

    def make_own(self, workspace_id: str, user: str, *, uid: int, gid: int) -> Path:
        """Make a user's own directory."""
        return self._make(self.own(workspace_id, user), Owner(uid=uid, gid=gid, mode=0o700))

    def make_environment(self, instance_id: str, *, uid: int, gid: int) -> Path:
        """Make an instance's environment directory."""
        return self._make(self.environment(instance_id), Owner(uid=uid, gid=gid, mode=0o700))

    def write_session(
        self, instance_id: str, files: Mapping[str, str], *, uid: int = -1
    ) -> Mapping[str, Path]:
        """Write files for an instance's pod and give their paths.

        Args:
            files: Texts by file name.
            uid: If given, only this user can read them (0400); otherwise everybody (0444).
        """
        folder = self.session(instance_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return {name: _write(folder / _name(name), text, uid) for name, text in files.items()}

    def close_to_others(self) -> None:
        """Take away what others of this machine could see in directories that are there already."""
        for pattern, mode in (
            ("workspaces", _PASSED_THROUGH),
            ("workspaces/*", _PASSED_THROUGH),
            ("workspaces/*/users", _PASSED_THROUGH),
            ("workspaces/*/shared", _SHARED),
            ("notebooks", _PASSED_THROUGH),
            ("notebooks/*", _PASSED_THROUGH),
        ):
            for path in self._home.glob(pattern):
                info = path.lstat()
                if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid():
                    path.chmod(mode)

    def remove_session(self, instance_id: str) -> None:
        """Remove the files made for an instance's pod."""
        shutil.rmtree(self.session(instance_id), ignore_errors=True)

    def remove_environment(self, instance_id: str) -> None:
        """Remove an instance's environment, whoever owns the files in it.

        Raises:
            NotRemoved: Something in it resisted; what is left is as it was.
        """
        _remove(self.environment(instance_id).parent)

    def remove_workspace(self, workspace_id: str) -> None:
        """Remove all files of a workspace, whoever owns them.

        Raises:
            NotRemoved: Something in it resisted; what is left is as it was.
        """
        _remove(self.workspace(workspace_id))

    def _make(self, path: Path, owner: Owner) -> Path:
        for folder in reversed(path.relative_to(self._home).parents[:-1]):
            _ensure(self._home / folder, Owner(uid=os.geteuid(), gid=os.getegid(), mode=_PASSED_THROUGH))
        _ensure(path, owner)
        return path


def identity_files(
    *, name: str, uid: int, gid: int, groups: Mapping[str, int], home: str, shell: str = "/bin/bash"
) -> Mapping[str, str]:
    """The texts of `/etc/passwd` and `/etc/group` for a pod of this user.

    Args:
        groups: Further groups the user is in: name and gid.

    Returns:
        The texts by the names `passwd` and `group`.
    """
    users = {"root": f"0:0:root:/root:{shell}", "nobody": f"{_NOBODY}:{_NOBODY}::/nonexistent:/bin/false"}
    users[_field(name)] = f"{uid}:{gid}::{_field(home)}:{_field(shell)}"
    members = {"root": "0:", "nogroup": f"{_NOBODY}:", _field(name): f"{gid}:"}
    members |= {_field(group): f"{number}:{name}" for group, number in groups.items()}
    return {
        "passwd": "".join(f"{user}:x:{rest}\n" for user, rest in users.items()),
        "group": "".join(f"{group}:x:{rest}\n" for group, rest in members.items()),
    }


def _remove(folder: Path) -> None:
    # rm: it follows no link, and trees deeper than Python's recursion or too many for its
    # descriptors do not stop it.
    done = subprocess.run(
        ["rm", "-rf", "--one-file-system", "--", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotRemoved(
            f"{folder} could not be removed: {done.stderr.strip().splitlines()[-1]}.",
            hint="Remove it by hand, as root if its files are another user's.",
        )


def _ensure(path: Path, owner: Owner) -> None:
    # The parent is ours alone, so nobody exchanges the directory between these lines.
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode):
        raise PlaceTaken(f"{path} is not a directory.", hint="Move it away and try again.")
    root = os.geteuid() == 0
    if info.st_uid == owner.uid != os.geteuid():
        return  # handed over before: its mode is the user's business
    if root and (info.st_uid, info.st_gid) != (owner.uid, owner.gid):
        if info.st_uid != 0:
            raise PlaceTaken(
                f"{path} belongs to uid {info.st_uid}, not to {owner.uid}.",
                hint=f"If the files are meant to change hands: chown -R {owner.uid}:{owner.gid} {path}",
            )
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    elif not root and info.st_uid != os.geteuid():
        raise PlaceTaken(f"{path} belongs to uid {info.st_uid}, and the daemon runs as {os.geteuid()}.")
    path.chmod(owner.mode)


def _write(path: Path, text: str, uid: int) -> Path:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o444 if uid < 0 else 0o400)
        if uid >= 0 and os.geteuid() == 0:
            os.fchown(file.fileno(), uid, -1)
    return new.replace(path)


def _name(text: str) -> str:
    if text in ("", ".", "..") or "/" in text or not text.isprintable() or len(text.encode()) > 255:
        raise InvalidInput(f"{text!r} cannot be the name of a directory.")
    return text


def _field(text: str) -> str:
    if ":" in text or "," in text or not text.isprintable():
        raise InvalidInput(f"{text!r} cannot stand in /etc/passwd.")
    return text
