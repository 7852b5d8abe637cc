"""Images of ours, built by the real engine from descriptions made for the test."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker import APIClient

from workbench.runtime.build import tidy_up
from workbench.runtime.build_bootstrap import BootstrapFailed, bootstrap
from workbench.runtime.build_recipes import LABEL
from workbench.runtime.engine import Engine
from workbench.runtime.images import Absent, Availability, Failed, Images, Present, Working
from workbench.runtime.images_space import NoSpace, check_space
from workbench.settings import Settings

pytestmark = pytest.mark.docker

ENGINE = Engine("unix:///var/run/docker.sock")

HEAD = "ARG BASE\nFROM ${BASE} AS made\nARG BUILDER\nLABEL workbench.build=${BUILDER}\n"

SLOW_ON_REQUEST = HEAD + 'ARG APT_MIRROR\nRUN if [ "$APT_MIRROR" ]; then sleep 600; fi; echo made > /made\n'

BUILD = """
import sys, threading
from pathlib import Path
from workbench.runtime.images import Images
from workbench.settings import Settings

home, home_id, name, base = sys.argv[1:]
settings = Settings(home=Path(home), base_image=base, apt_mirror="http://slow")
Images(settings, home_id, lambda name: None, Path(home, "images")).ensure(name)
threading.Event().wait()
"""


class Workshop:
    """A folder with one description, `name`, and what comes of it."""

    def __init__(self, home: Path, home_id: str, base: str) -> None:
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.home, self.home_id, self.base = home, home_id, base
        self.folder = home / "images" / self.name
        self.folder.mkdir(parents=True)
        self._changed = threading.Event()

    def images(self, **settings: str) -> Images:
        """What a daemon that has just started would have."""
        chosen = Settings(home=self.home, base_image=self.base, **settings)  # type: ignore[arg-type]
        return Images(chosen, self.home_id, lambda name: self._changed.set(), self.folder.parent)

    def describe(self, dockerfile: str) -> None:
        (self.folder / "Dockerfile").write_text(dockerfile)

    def make(self, name: str = "", **settings: str) -> Availability:
        """Ask for it by one of its names, and wait for the end."""
        images = self.images(**settings)
        while isinstance(status := images.ensure(name or self.name), Working):
            assert self._changed.wait(60)
            self._changed.clear()
        return status


@pytest.fixture
def workshop(tmp_path: Path, home_id: str, tiny_image: str, engine: APIClient) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path, home_id, tiny_image)
    yield workshop
    for image in engine.images(f"workbench/{workshop.name}"):
        engine.remove_image(image["RepoTags"][0], force=True)
    tidy_up(ENGINE, home_id)


@pytest.fixture
def left_over(engine: APIClient, home_id: str) -> Callable[[], list[str]]:
    """What builds of this home left on the engine."""

    def ids() -> list[str]:
        mine = {"label": f"{LABEL}={home_id}"}
        images = engine.images(filters={**mine, "dangling": True})
        return [each["Id"] for each in [*images, *engine.containers(all=True, filters=mine)]]

    return ids


def test_what_did_not_change_is_never_built_again(workshop: Workshop) -> None:
    workshop.describe(HEAD)
    assert isinstance(workshop.images().look(workshop.name), Absent)
    built = workshop.make()

    assert isinstance(built, Present)
    assert workshop.images().ensure(workshop.name) == built
    assert workshop.images().ensure(built.reference) == built


def test_a_failed_build_says_its_last_words_and_where_the_rest_is(
    workshop: Workshop, left_over: Callable[[], list[str]]
) -> None:
    workshop.describe(HEAD + "RUN echo the disk is made of cheese; false\n")

    status = workshop.make()

    assert isinstance(status, Failed)
    assert "the disk is made of cheese" in status.reason
    log = workshop.home / "logs" / f"build-{workshop.name}.log"
    assert str(log) in status.hint
    assert "the disk is made of cheese" in log.read_text()


def test_a_killed_daemon_leaves_nothing_that_counts_and_the_next_one_builds(
    workshop: Workshop, engine: APIClient, left_over: Callable[[], list[str]]
) -> None:
    workshop.describe(SLOW_ON_REQUEST)
    arguments = (str(workshop.home), workshop.home_id, workshop.name, workshop.base)
    events = engine.events(decode=True, filters={"type": "container", "label": f"{LABEL}={workshop.home_id}"})
    with subprocess.Popen([sys.executable, "-c", BUILD, *arguments]) as daemon:
        next(event for event in events if event["Action"] == "start")
        daemon.send_signal(signal.SIGKILL)
    next(event for event in events if event["Action"] == "destroy")  # the engine ended it
    events.close()

    assert engine.images(f"workbench/{workshop.name}") == []
    assert isinstance(workshop.make(), Present)
    assert left_over() == []


def test_the_networks_certificates_and_proxies_are_used_and_stay_out_of_the_image(
    workshop: Workshop, tmp_path: Path, engine: APIClient
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("a certificate")
    workshop.describe(
        HEAD
        + 'COPY ca-bundle.crt /\nRUN cat /ca-bundle.crt; [ "${https_proxy#*@}" = proxy:1 ] && echo > /made\n'
        + "FROM ${BASE}\nCOPY --from=made /made /\nRUN [ ! -e /ca-bundle.crt ]\n"
    )

    built = workshop.make(ca_bundle=str(bundle), https_proxy="http://secret@proxy:1")

    assert isinstance(built, Present)
    assert "a certificate" in (workshop.home / "logs" / f"build-{workshop.name}.log").read_text()
    told = str(engine.history(built.reference)) + str(engine.inspect_image(built.reference))
    assert "secret" not in told


def test_of_earlier_builds_only_the_last_is_kept(workshop: Workshop, engine: APIClient) -> None:
    references = []
    for made in ("one", "two", "three"):
        workshop.describe(HEAD + f"RUN echo {made} > /made\n")
        built = workshop.make()
        assert isinstance(built, Present)
        references.append(built.reference)

    kept = {tag for image in engine.images(f"workbench/{workshop.name}") for tag in image["RepoTags"]}
    assert kept == set(references[1:])


def test_an_earlier_build_that_was_removed_is_not_looked_for_in_a_registry(workshop: Workshop) -> None:
    workshop.describe(HEAD)

    status = workshop.make(f"workbench/{workshop.name}:0123456789ab")

    assert isinstance(status, Failed)
    assert "earlier build" in status.reason


def test_the_list_says_how_it_stands_with_each_image(workshop: Workshop) -> None:
    workshop.describe(HEAD)
    (before,) = workshop.images().list()
    built = workshop.make()
    (after,) = workshop.images().list()

    assert (before.name, before.status) == (workshop.name, Absent())
    assert (after.name, after.status, after.reference) == (workshop.name, built, before.reference)


def test_a_full_disk_is_said_in_numbers_before_anything_is_begun() -> None:
    with pytest.raises(NoSpace, match=r"Building notebook needs 1048576\.0 GiB .* has \d+\.\d GiB left"):
        check_space(ENGINE, "Building notebook", 2**50)


def test_without_a_registry_and_without_mmdebstrap_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BootstrapFailed) as failure:
        bootstrap(ENGINE, Settings(home=tmp_path), "", lambda text, fraction: None)

    assert "apt-get install mmdebstrap debian-archive-keyring" in failure.value.hint
