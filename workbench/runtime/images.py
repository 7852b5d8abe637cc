"""Images: there, on their way, or not to be had.

Whoever needs an image asks for it, as often as they like, and never waits: what takes long is
done behind, once however many ask, and `on_change` says when to ask again. The engine's list of
images is the only one; what is kept here is the work under way and, for a while, why it failed.

Images run as they are: nothing is ever added to one, and one that is here is never fetched again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.errors import EngineAway, WorkbenchError
from workbench.runtime.build_all import Builder
from workbench.runtime.build_recipes import find_folder
from workbench.runtime.engine import Engine
from workbench.runtime.images_space import check_space
from workbench.runtime.pull import Tell, inspect, pull
from workbench.settings import Settings

log = logging.getLogger(__name__)

_FAILURE_COUNTS_FOR_S = 60
_BETWEEN_CHANGES_S = 1.0


@dataclass(frozen=True)
class Present:
    """The engine has it. `reference` is its full name; built-in ones carry their hash there."""

    image_id: str
    reference: str
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True)
class Working:
    """It is being pulled or built; `fraction` is the share that is done, None if not known."""

    text: str
    fraction: float | None = None


@dataclass(frozen=True)
class Failed:
    """It cannot be had now. Asking again after a minute, or after `retry`, tries again."""

    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Absent:
    """Nobody has asked for it yet."""


Availability = Present | Working | Failed


@dataclass(frozen=True)
class BuiltIn:
    """One of Workbench's own images, and what it would be called if it is not there."""

    name: str
    reference: str
    status: Availability | Absent


@dataclass(frozen=True)
class _Job:
    """Work under way, or how it went wrong and when (on the monotonic clock)."""

    status: Working | Failed
    changed_at: float

    def is_stale(self, now: float) -> bool:
        return isinstance(self.status, Failed) and now - self.changed_at > _FAILURE_COUNTS_FOR_S


class Images:
    """The images of one engine, as one home needs them.

    Args:
        settings: Which engine, and how to reach what images are made of.
        home_id: Marks what builds leave behind as this home's.
        on_change: Called with the name that was asked for, from another thread, when there is
            news of it; about once a second while work goes on, and always at its end.
        folder: Where our own images are described; where Workbench is installed if not given.
    """

    def __init__(
        self, settings: Settings, home_id: str, on_change: Callable[[str], None], folder: Path | None = None
    ) -> None:
        self._settings = settings
        self._home_id = home_id
        self._on_change = on_change
        self._engine = Engine(settings.docker_host)
        self._builder = Builder(self._engine, settings, home_id, folder or find_folder())
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()

    def ensure(self, name: str) -> Availability:
        """Say how it stands with an image, and see to it that it comes.

        Args:
            name: `notebook` and the like for a built-in image, else as `docker pull` takes it.

        Raises:
            EngineAway: The engine does not answer.
        """
        status = self.look(name)
        return self._start(name) if isinstance(status, Absent) else status

    def look(self, name: str) -> Availability | Absent:
        """Say how it stands with an image, and do nothing about it.

        Raises:
            EngineAway: The engine does not answer.
        """
        for reference in self._builder.references(name) or [name]:
            if found := inspect(self._engine, reference):
                return _present(reference, found)
        with self._lock:
            job = self._jobs.get(name)
            return Absent() if job is None or job.is_stale(time.monotonic()) else job.status

    def retry(self, name: str) -> None:
        """Forget that an image could not be had, so that the next `ensure` tries again."""
        with self._lock:
            if name in self._jobs and isinstance(self._jobs[name].status, Failed):
                del self._jobs[name]

    def list(self) -> list[BuiltIn]:
        """Say how it stands with all built-in images.

        Raises:
            EngineAway: The engine does not answer.
        """
        return [self._built_in(name) for name in self._builder.names()]

    def remove_all(self) -> None:
        """Remove our images from the engine; those that a container still uses stay.

        Raises:
            EngineAway: The engine does not answer.
        """
        self._builder.remove_all()

    def _built_in(self, name: str) -> BuiltIn:
        status = self.look(name)
        expected = self._builder.references(name)[0]
        return BuiltIn(name, status.reference if isinstance(status, Present) else expected, status)

    def _start(self, name: str) -> Working:
        with self._lock:
            job = self._jobs.get(name)
            if job and isinstance(job.status, Working):
                return job.status  # somebody else was quicker
            working = Working("starting")
            self._jobs[name] = _Job(working, time.monotonic())
        threading.Thread(target=self._work, args=(name,), name=f"image {name}", daemon=True).start()
        return working

    def _work(self, name: str) -> None:
        failed: Failed | None = None
        try:
            self._get(name, self._teller(name))
            log.info("image ready image=%s", name)
        except EngineAway as error:  # proves nothing about the image
            log.warning("image postponed image=%s: %s", name, error)
        except WorkbenchError as error:
            log.warning("image not available image=%s: %s", name, error)
            failed = Failed(error.message, error.hint)
        except Exception:
            log.exception("image not available image=%s", name)
            failed = Failed(
                f"Image {name} could not be had, by a fault in Workbench.", "The daemon's log says more."
            )
        with self._lock:
            if failed:
                self._jobs[name] = _Job(failed, time.monotonic())
            else:
                del self._jobs[name]
        self._on_change(name)

    def _get(self, name: str, tell: Tell) -> None:
        if self._builder.references(name):
            self._builder.make(name, tell)
        else:
            check_space(self._engine, f"Pulling {name}", self._settings.disk_floor_gib * 2**30)
            pull(self._engine, name, tell)

    def _teller(self, name: str) -> Tell:
        def tell(text: str, fraction: float | None) -> None:
            now = time.monotonic()
            with self._lock:
                last = self._jobs[name].changed_at
                is_news = fraction is None or now - last >= _BETWEEN_CHANGES_S
                self._jobs[name] = _Job(Working(text, fraction), now if is_news else last)
            if is_news:
                self._on_change(name)

        return tell


def _present(reference: str, found: Mapping[str, Any]) -> Present:
    created = datetime.fromisoformat(found["Created"])
    return Present(found["Id"], reference, found["Size"], created)
