"""The daemon is killed again and again in the midst of work: afterwards everything is as was asked."""

from __future__ import annotations

import random
import time

import pytest

from tests.e2e.agreement import statuses, until_they_agree
from tests.e2e.storm import StormyUser
from tests.installation import Installation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]

SEED = 20260105


def kill_in_a_storm(
    workbench: Installation, image: str, *, kills: int, users: int, most: int
) -> list[StormyUser]:
    """Let users ask for things while the daemon dies at random moments, its own start included."""
    moments = random.Random(SEED)
    storm = [StormyUser(workbench, f"user{each}", image, most, SEED + each) for each in range(users)]
    for user in storm:
        user.start()
    for _ in range(kills):
        time.sleep(moments.uniform(0.2, 5))
        workbench.kill()
        workbench.launch()
    workbench.kill()
    workbench.start()
    time.sleep(moments.uniform(0.2, 2))
    workbench.until(lambda: sum(user.requests for user in storm) > 5 * kills, "much was asked for")
    for user in storm:
        user.stop()
    return storm


def assert_all_is_as_was_asked(workbench: Installation, storm: list[StormyUser]) -> None:
    until_they_agree(workbench)
    now = statuses(workbench)
    wrong = [workbench.dsw("GetInstance", instance_id=each) for each, is_ in now.items() if is_ == "Failed"]
    assert not wrong, [(each["ReasonCode"], each["ReasonMessage"]) for each in wrong]
    expected = {id: ends for user in storm for id, ends in user.expected.items()}
    assert {id: now.get(id, "") for id, ends in expected.items() if now.get(id, "") not in ends} == {}

    for each in now:
        workbench.dsw("DeleteInstance", instance_id=each)
    workbench.until(lambda: not statuses(workbench), "all are gone")
    until_they_agree(workbench)


def test_ten_kills_in_a_storm_leave_nothing_wrong_and_nothing_behind(
    workbench: Installation, light_image: str
) -> None:
    storm = kill_in_a_storm(workbench, light_image, kills=10, users=3, most=5)

    assert_all_is_as_was_asked(workbench, storm)


def test_kills_amidst_real_notebooks_leave_nothing_wrong_and_nothing_behind(workbench: Installation) -> None:
    storm = kill_in_a_storm(workbench, "notebook", kills=3, users=1, most=3)

    assert_all_is_as_was_asked(workbench, storm)
