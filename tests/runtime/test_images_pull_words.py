"""What a pull says of itself, and why it did not work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.runtime.pull import PullProgress, why_not_pulled

STATUSES = (
    "Pulling fs layer",
    "Waiting",
    "Downloading",
    "Verifying Checksum",
    "Download complete",
    "Extracting",
    "Pull complete",
    "Already exists",
)


def a_message(layer: str, status: str, current: int = 0, total: int = 0) -> dict[str, object]:
    return {"id": layer, "status": status, "progressDetail": {"current": current, "total": total}}


def test_many_layers_become_one_line() -> None:
    progress = PullProgress()
    for layer in ("a", "b", "c"):
        progress.hear(a_message(layer, "Pulling fs layer"))
    progress.hear(a_message("a", "Downloading", 20_000_000, 30_000_000))
    progress.hear(a_message("b", "Downloading", 10_000_000, 30_000_000))
    progress.hear(a_message("a", "Download complete"))
    progress.hear(a_message("a", "Pull complete"))

    assert str(progress) == "pulling: 1 of 3 layers, 40 of 60 MB"
    assert progress.fraction == pytest.approx(2 / 3)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(STATUSES), st.integers(0, 9), st.integers(0, 9))
    )
)
def test_progress_stays_between_nothing_and_everything(heard: list[tuple[str, str, int, int]]) -> None:
    progress = PullProgress()
    for layer, status, current, total in heard:
        progress.hear(a_message(layer, status, current, total))

    assert progress.fraction is None or 0 <= progress.fraction <= 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("manifest for team/x:1 not found: manifest unknown: manifest unknown", "was not found"),
        (
            "pull access denied for team/x, repository does not exist or may require 'docker login'",
            "wants a login",
        ),
        ("Head https://r/v2/: unauthorized: authentication required", "wants a login"),
        ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "disk became full"),
        ("Get https://r/v2/: dial tcp: lookup r: no such host", "cannot be reached"),
        ("Get https://r/v2/: x509: certificate signed by unknown authority", "does not trust"),
        ("x509: certificate has expired or is not yet valid: current time is before", "time"),
        ("toomanyrequests: You have reached your pull rate limit", "so often"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "processor"),
        ("invalid reference format: repository name must be lowercase", "cannot be the name"),
    ],
)
def test_a_failed_pull_says_why_and_what_to_do(said: str, told: str) -> None:
    failure = why_not_pulled("team/x:1", said)

    assert told in failure.message
    assert failure.hint
