"""What a build says of itself."""

from __future__ import annotations

from workbench.runtime.build import BuildProgress


def heard(*lines: str) -> BuildProgress:
    progress = BuildProgress("notebook")
    for line in lines:
        progress.hear(line)
    return progress


def test_a_build_says_which_step_it_is_at_and_what_it_does() -> None:
    progress = heard("Step 1/4 : FROM debian", " ---> 01234567", "Step 2/4 : RUN apt-install git")

    assert str(progress) == "building notebook: step 2 of 4, apt-install git"
    assert progress.fraction == 0.25


def test_a_long_step_says_what_it_is_doing_now() -> None:
    progress = heard("Step 3/4 : RUN pip install -r requirements.lock", "Collecting numpy==2.4.6")

    assert str(progress) == "building notebook: step 3 of 4, Collecting numpy==2.4.6"


def test_before_its_first_step_a_build_claims_no_progress() -> None:
    assert heard().fraction is None
