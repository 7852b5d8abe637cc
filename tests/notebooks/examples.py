"""Good notebooks and pods, of which a test changes what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.notebooks.records import Notebook
from workbench.runtime import Pod, PodState

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def a_notebook(**changes: Any) -> Notebook:
    """A notebook that was just asked for."""
    good: dict[str, Any] = {
        "id": "dsw-1",
        "workspace_id": "1",
        "user_id": "1",
        "name": "mine",
        "created_at": NOW - timedelta(hours=1),
        "modified_at": NOW - timedelta(hours=1),
        "image": "notebook",
        "cpus": 2,
        "memory_bytes": 4 * 2**30,
        "shm_bytes": 2 * 2**30,
    }
    return Notebook(**{**good, **changes})


def a_pod(**changes: Any) -> Pod:
    """The container of that notebook, running."""
    good: dict[str, Any] = {
        "kind": "notebook",
        "id": "dsw-1",
        "pod": "main",
        "generation": 1,
        "container": "c" * 64,
        "name": "workbench-1-notebook-dsw-1",
        "state": PodState.RUNNING,
        "started_at": NOW,
        "address": "172.18.0.2",
    }
    return Pod(**{**good, **changes})


def an_ended_pod(exit_code: int = 1, **changes: Any) -> Pod:
    """The same container, after its end."""
    return a_pod(state=PodState.ENDED, exit_code=exit_code, ended_at=NOW, address="", **changes)
