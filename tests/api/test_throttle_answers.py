"""Who failed too often hears when to try again."""

from __future__ import annotations

from workbench.wire.answers import refusal_headers
from workbench.workspaces.throttle import TooManyFailures


def test_a_refusal_for_too_many_failures_says_exactly_when_to_try_again() -> None:
    refused = TooManyFailures("10.0.0.9", retry_after_s=37)

    assert refusal_headers(refused) == {"x-acs-retry-after": "37"}
