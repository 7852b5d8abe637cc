"""Who failed too often hears when to try again."""

from __future__ import annotations

from typing import Any, NoReturn

from starlette.testclient import TestClient

from workbench.api import application
from workbench.workspaces.throttle import TooManyFailures

NOTHING: Any = None


def test_a_refusal_for_too_many_failures_says_exactly_when_to_try_again() -> None:
    def refuse(request: object, source: str) -> NoReturn:
        raise TooManyFailures(source, retry_after_s=37)

    answer = TestClient(application(NOTHING, (), refuse)).get("/api/v1/workspaces")

    assert (answer.status_code, answer.json()["Code"]) == (429, "Throttling")
    assert answer.headers["x-acs-retry-after"] == "37"
