"""Secrets at rest.

What must be read again in clear (an access key's secret, a session's token) is encrypted with
a key that is not in the database, so that a copy of the database alone lets nobody in.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from workbench.errors import WorkbenchError


class WrongVaultKey(WorkbenchError):
    """A secret was sealed with another key than the one in the key file."""

    code = "WrongVaultKey"


class Vault:
    """Seals and opens short texts.

    Args:
        key_file: Holds the key; made with mode 0600 where it is missing.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._cipher = Fernet(_read_or_make(key_file))

    def seal(self, secret: str) -> str:
        """Encrypt; the same text gives another result each time."""
        return self._cipher.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt.

        Raises:
            WrongVaultKey: The key file was replaced since.
        """
        try:
            return self._cipher.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise WrongVaultKey(
                f"A secret in the database does not open with the key in {self._key_file}.",
                hint="Put back the key file that belongs to this database.",
            ) from error


def _read_or_make(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A whole file or none: written aside and linked, so that two starters agree on one key.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed here and had our number
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(Fernet.generate_key())
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes()
