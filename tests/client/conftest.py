from collections.abc import Iterator

import pytest

from tests.in_process_api import Api, in_process_api


@pytest.fixture
def api() -> Iterator[Api]:
    with in_process_api() as api:
        yield api
