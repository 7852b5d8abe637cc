"""Questions about measurements that nobody can answer, and that are told so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workbench.daemon import metrics_api
from workbench.errors import InvalidInput
from workbench.parts import Parts
from workbench.settings import load
from workbench.store import Store
from workbench.wire.call import Call, Caller
from workbench.wire.operations import operation


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"Until": "0001-01-01T00:00:01Z"}, "Until is 0001-01-01T00:00:01Z; nothing was measured"),
        ({"Since": "1969-01-01T00:00:00Z"}, "Since is 1969"),
        ({"Step": 10**20}, "a step is 1 to"),
        ({"Until": "9999-12-31T23:59:59Z", "Since": "2026-01-01T00:00:00Z", "Step": 1}, "too many"),
    ],
)
def test_a_time_out_of_all_bounds_is_refused_in_words(
    asked: dict[str, Any], why: str, tmp_path: Path
) -> None:
    parts = SimpleNamespace(
        store=Store(tmp_path / "state.db"),
        now=lambda: datetime(2026, 5, 4, tzinfo=UTC),
        settings=load({}, {}),
    )
    query = next(
        each for each in metrics_api.routes(cast(Any, None)) if each.operation.action == "QueryMetrics"
    )
    owner = Caller(user_id="1", name="owner", owner=True)
    call = Call(operation=operation("workbench", "QueryMetrics"), caller=owner, request_id="r", fields=asked)

    with pytest.raises(InvalidInput, match=why):
        query.answer(cast(Parts, parts), call)
