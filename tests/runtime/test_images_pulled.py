"""Images from a registry, by the real engine."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker import APIClient
from docker.errors import NotFound

from tests.runtime.images_registry import Registry
from workbench.runtime.images import Absent, Availability, Failed, Images, Present, Working
from workbench.settings import Settings

pytestmark = pytest.mark.docker


@pytest.fixture
def registry(engine: APIClient) -> Iterator[Registry]:
    with Registry(content=uuid.uuid4().bytes) as registry:
        yield registry
        with contextlib.suppress(NotFound):  # where the test did not get it
            engine.remove_image(registry.image, force=True)


@pytest.fixture
def changed() -> threading.Event:
    return threading.Event()


@pytest.fixture
def images(tmp_path: Path, home_id: str, changed: threading.Event) -> Images:
    return Images(Settings(home=tmp_path), home_id, lambda name: changed.set())


@pytest.fixture
def in_the_end(images: Images, changed: threading.Event) -> Callable[[str], Availability]:
    def wait(name: str) -> Availability:
        while isinstance(status := images.ensure(name), Working):
            assert changed.wait(60)
            changed.clear()
        return status

    return wait


def test_an_image_is_fetched_behind_and_its_end_is_told(
    images: Images, registry: Registry, in_the_end: Callable[[str], Availability], engine: APIClient
) -> None:
    assert isinstance(images.ensure(registry.image), Working)
    registry.release()

    status = in_the_end(registry.image)

    assert isinstance(status, Present)
    assert status.image_id == engine.inspect_image(registry.image)["Id"]


def test_many_who_ask_at_once_make_one_pull(
    images: Images, registry: Registry, in_the_end: Callable[[str], Availability]
) -> None:
    for _ in range(20):
        assert isinstance(images.ensure(registry.image), Working)
    registry.release()
    in_the_end(registry.image)

    assert max(count for path, count in registry.asked.items() if "/blobs/" in path) == 1


def test_an_image_that_is_here_needs_no_registry(
    images: Images, registry: Registry, in_the_end: Callable[[str], Availability]
) -> None:
    registry.release()
    in_the_end(registry.image)
    asked = registry.asked.total()

    assert isinstance(images.ensure(registry.image), Present)
    assert registry.asked.total() == asked


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ((404, "MANIFEST_UNKNOWN"), "was not found"),
        ((401, "UNAUTHORIZED"), "login"),
        ((429, "TOOMANYREQUESTS"), ""),
    ],
)
def test_what_a_registry_refuses_fails_with_its_reason(
    refusal: tuple[int, str], told: str, registry: Registry, in_the_end: Callable[[str], Availability]
) -> None:
    registry.refusal = refusal

    status = in_the_end(registry.image)

    assert isinstance(status, Failed)
    assert told in status.reason
    assert registry.image in status.reason


def test_a_failure_counts_until_somebody_asks_for_another_try(
    images: Images, registry: Registry, in_the_end: Callable[[str], Availability]
) -> None:
    registry.release()
    registry.refusal = (404, "MANIFEST_UNKNOWN")
    in_the_end(registry.image)
    registry.refusal = None

    assert isinstance(images.ensure(registry.image), Failed)
    images.retry(registry.image)
    assert isinstance(in_the_end(registry.image), Present)


def test_a_name_no_image_can_have_is_said_to_be_one(in_the_end: Callable[[str], Availability]) -> None:
    status = in_the_end("Not An Image")

    assert isinstance(status, Failed)
    assert "cannot be the name of an image" in status.reason


def test_looking_starts_nothing(images: Images, registry: Registry) -> None:
    assert images.look(registry.image) == Absent()
    assert registry.asked.total() == 0
