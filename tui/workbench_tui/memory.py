"""What the dashboard remembers from one time to the next: theme, workspace, sorting, filters.

A file that cannot be read or written costs the memory, never the dashboard.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class Memory:
    """A small file of named values."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _read(path)

    @classmethod
    def of_user(cls, environ: Mapping[str, str] | None = None) -> Memory:
        """The user's own, where the XDG directories say."""
        environ = os.environ if environ is None else environ
        place = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        return cls(place / "workbench" / "dashboard.json")

    def get(self, name: str, default: str = "") -> str:
        """What was remembered."""
        return str(self._values.get(name, default))

    def put(self, name: str, value: str) -> None:
        """Remember; an empty value is forgotten."""
        if self.get(name) == value:
            return
        self._values[name] = value
        if not value:
            del self._values[name]
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            written = self._path.with_suffix(f".{os.getpid()}")
            written.write_text(json.dumps(self._values, ensure_ascii=False, indent=1), encoding="utf-8")
            written.replace(self._path)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
