"""Our own images: one of them, and all it stands on, made where they are missing.

The lowest image is Debian's, pulled; where no registry can be reached, one made from Debian's
packages. Either way a set of images that is complete is never made again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from docker.errors import APIError

from workbench.errors import NotFound
from workbench.runtime import build_bootstrap
from workbench.runtime.build import build, tidy_up
from workbench.runtime.build_recipes import REPOSITORY, Recipe, read_recipes, steps
from workbench.runtime.engine import Engine
from workbench.runtime.images_space import check_space
from workbench.runtime.pull import PullFailed, Tell, check_offered, is_present, pull
from workbench.settings import Settings

log = logging.getLogger(__name__)

_NEEDED_BYTES = 2.5 * 2**30
"""The largest of our images, and the stage of it that is thrown away."""

_BUILDS_KEPT = 2
"""Of every image: the one in use, and the one before, should its user go back."""


class OldBuild(NotFound):
    """A built-in image by the name it had before it was changed."""

    code = "ImageNotFound"

    def __init__(self, reference: str, names: Mapping[str, Recipe]) -> None:
        super().__init__(
            f"Image {reference} is an earlier build of a built-in image, and was removed.",
            hint=f"Use one of {', '.join(names)}.",
        )


class Builder:
    """Makes our images on one engine, one at a time."""

    def __init__(self, engine: Engine, settings: Settings, home_id: str, folder: Path) -> None:
        self._engine = engine
        self._settings = settings
        self._home_id = home_id
        self._folder = folder
        self._one_at_a_time = threading.Lock()

    def names(self) -> list[str]:
        """The built-in images."""
        return list(self._recipes())

    def references(self, name: str) -> list[str]:
        """What a built-in image is called, by the image it may stand on, the preferred one first.

        Args:
            name: `notebook`, `workbench/notebook`, or that with a tag.

        Returns:
            Nothing when that is no image of ours.
        """
        recipes = self._recipes()
        short, tag = _split(name)
        if short not in recipes:
            return []
        return [name] if tag else [steps(recipes, short, root)[-1].reference for root in self._roots()]

    def make(self, name: str, tell: Tell) -> None:
        """Make an image of ours, and first whatever it stands on; return when it is there.

        Raises:
            OldBuild, NoSpace, BootstrapFailed, BuildFailed: It cannot be made; each says why.
            EngineAway: The engine does not answer.
        """
        tell("waiting for another build to end", None)
        with self._one_at_a_time:
            recipes = self._recipes()
            short, tag = _split(name)
            if tag and name not in self.references(short):
                raise OldBuild(name, recipes)
            for step in steps(recipes, short, self._choose_root(recipes, tell)):
                if is_present(self._engine, step.reference):
                    continue
                check_space(self._engine, f"Building {step.recipe.name}", _NEEDED_BYTES)
                build(self._engine, step, self._settings, self._home_id, tell)
                self._remove_earlier(step.reference)
            tidy_up(self._engine, self._home_id)

    def remove_all(self) -> None:
        """Remove every image of ours that no container uses, whichever build it is of."""
        with self._engine.open() as docker:
            tags = [tag for image in docker.images(f"{REPOSITORY}*") for tag in image["RepoTags"]]
            for tag in tags:
                with suppress(APIError):  # a container still uses it
                    docker.remove_image(tag)

    def _recipes(self) -> dict[str, Recipe]:
        return read_recipes(self._folder)

    def _roots(self) -> tuple[str, str]:
        return self._settings.base_image, build_bootstrap.REFERENCE

    def _choose_root(self, recipes: Mapping[str, Recipe], tell: Tell) -> str:
        """The lowest image: one that is built on already, is here, or can be had, in this order."""
        pulled, made = self._roots()
        lowest = next(name for name, recipe in recipes.items() if recipe.built_on is None)
        for root in (pulled, made):
            if is_present(self._engine, steps(recipes, lowest, root)[0].reference):
                return root
        for root in (pulled, made):
            if is_present(self._engine, root):
                return root

        check_space(self._engine, "Building images", _NEEDED_BYTES)
        tell(f"asking for {pulled}", None)
        try:
            check_offered(self._settings.docker_host, pulled)
            pull(self._engine, pulled, tell)
        except PullFailed as error:
            log.info("base image not pulled, made here instead image=%s: %s", pulled, error)
            build_bootstrap.bootstrap(self._engine, self._settings, self._home_id, tell)
            return made
        return pulled

    def _remove_earlier(self, reference: str) -> None:
        repository, _, _ = reference.partition(":")
        with self._engine.open() as docker:
            # A list tells whole seconds only, and two builds from the cache are quicker than that.
            found = [docker.inspect_image(image["Id"]) for image in docker.images(repository)]
            builds = sorted(found, key=lambda image: datetime.fromisoformat(image["Created"]), reverse=True)
            for image in builds[_BUILDS_KEPT:]:
                try:
                    docker.remove_image(image["RepoTags"][0])
                except APIError as error:  # a container still uses it
                    log.debug("earlier build kept image=%s: %s", image["RepoTags"], error)


def _split(name: str) -> tuple[str, str]:
    short, _, tag = name.removeprefix(REPOSITORY).partition(":")
    return (short, tag) if name.startswith(REPOSITORY) or not tag else ("", "")
