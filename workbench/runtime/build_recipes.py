"""The images that Workbench brings along: where each is described, and what it is called.

An image is a folder with a Dockerfile. Its tag is a hash of the folder's files and of the image
below it, so the same description has the same name everywhere: what is there under that name
never has to be built again, and a changed line changes the name. Nothing of one machine (its
proxies, mirrors, certificates, file modes) goes into it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

import workbench
from workbench.errors import WorkbenchError

REPOSITORY = "workbench/"
"""What the names of all our images begin with."""

LABEL = "workbench.build"
"""Says of a layer or container whose unfinished work it is, and `FINISHED` of a whole image."""

FINISHED = "finished"

_BUILT_ON = re.compile(rf"^ARG BASE={REPOSITORY}(\S+)$", re.MULTILINE)
_COMPILED = "__pycache__"
"""What pip leaves beside an installed image's Python files: of no use in it, and never twice the same."""
_TAG_LENGTH = 12


class NoRecipes(WorkbenchError):
    """The descriptions of the built-in images are not where they were installed."""

    code = "BrokenInstallation"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an image is made. `built_on` names the recipe below it, None for the lowest."""

    name: str
    files: Mapping[str, bytes]
    built_on: str | None

    def reference(self, base: str) -> str:
        """What this image is called when it stands on `base`."""
        digest = sha256(base.encode() + self._content).hexdigest()
        return f"{REPOSITORY}{self.name}:{digest[:_TAG_LENGTH]}"

    @cached_property
    def _content(self) -> bytes:
        return b"".join(
            sha256(path.encode()).digest() + sha256(content).digest()
            for path, content in sorted(self.files.items())
        )


@dataclass(frozen=True)
class Step:
    """One image to build: `recipe`, on `base`, to be called `reference`."""

    recipe: Recipe
    base: str
    reference: str


def find_folder() -> Path:
    """The folder of recipes: inside an installed package, beside it in a checkout.

    Raises:
        NoRecipes: It is in neither place.
    """
    package = Path(workbench.__file__).parent
    for folder in (package / "_images", package.parent / "images"):
        if (folder / "base" / "Dockerfile").is_file():
            return folder
    raise NoRecipes(
        f"The images' descriptions are missing beside {package}.", hint="Install Workbench again."
    )


def read_recipes(folder: Path) -> dict[str, Recipe]:
    """Every recipe in a folder, by name. Asked for often, so that only what changed is read anew."""
    found = [path.parent for path in sorted(folder.glob("*/Dockerfile"))]
    return {each.name: _read(each, tuple(sorted(_state(each)))) for each in found}


def steps(recipes: Mapping[str, Recipe], name: str, root: str) -> list[Step]:
    """What has to be there, in this order, for an image to stand on `root`; itself comes last."""
    recipe = recipes[name]
    below = steps(recipes, recipe.built_on, root) if recipe.built_on else []
    base = below[-1].reference if below else root
    return [*below, Step(recipe, base, recipe.reference(base))]


def _state(folder: str | Path) -> Iterator[tuple[str, int, int]]:
    """The files of a recipe, each with its time of change (ns) and its size."""
    with os.scandir(folder) as entries:
        for each in entries:
            if each.is_file():
                info = each.stat()
                yield each.path, info.st_mtime_ns, info.st_size
            elif each.is_dir(follow_symlinks=False) and each.name != _COMPILED:
                yield from _state(each.path)


@lru_cache(maxsize=32)
def _read(folder: Path, state: tuple[tuple[str, int, int], ...]) -> Recipe:
    files = {os.path.relpath(path, folder): Path(path).read_bytes() for path, _, _ in state}
    below = _BUILT_ON.search(files["Dockerfile"].decode())
    return Recipe(name=folder.name, files=files, built_on=below and below[1])
