"""What our images are called."""

from __future__ import annotations

import compileall
import os
import shutil
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workbench.runtime.build_recipes import Recipe, find_folder, read_recipes, steps

CONTENTS = st.dictionaries(st.text(min_size=1), st.binary(), max_size=4)


def a_recipe(files: dict[str, bytes]) -> Recipe:
    return Recipe(name="notebook", files=files, built_on=None)


@given(CONTENTS, CONTENTS, st.text(), st.text())
def test_two_images_share_a_name_only_when_everything_that_goes_in_is_the_same(
    files: dict[str, bytes], others: dict[str, bytes], base: str, other_base: str
) -> None:
    same_name = a_recipe(files).reference(base) == a_recipe(others).reference(other_base)

    assert same_name == ((files, base) == (others, other_base))


def test_a_change_below_changes_the_names_of_all_that_stands_on_it(tmp_path: Path) -> None:
    for name, below in (("base", ""), ("notebook", "=workbench/base")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(f"ARG BASE{below}\nFROM ${{BASE}}\n")
    before = steps(read_recipes(tmp_path), "notebook", "debian")
    (tmp_path / "base" / "packages").write_text("python3\n")
    after = steps(read_recipes(tmp_path), "notebook", "debian")

    assert [step.recipe.name for step in after] == ["base", "notebook"]
    assert after[1].base == after[0].reference
    assert before[1].reference != after[1].reference
    changed_in_place = tmp_path / "base" / "packages"
    changed_in_place.write_text("python4\n")
    os.utime(changed_in_place, ns=(0, 0))
    assert steps(read_recipes(tmp_path), "notebook", "debian")[1].reference != after[1].reference


def test_a_recipe_that_did_not_change_is_read_once() -> None:
    first, second = read_recipes(find_folder()), read_recipes(find_folder())

    assert all(first[name] is second[name] for name in first)


def test_an_installed_workbench_has_the_same_images_as_its_checkout(tmp_path: Path) -> None:
    installed = tmp_path / "_images"
    shutil.copytree(find_folder(), installed)
    compileall.compile_dir(installed, quiet=1)  # as pip does

    assert list(installed.rglob("*.pyc"))
    assert read_recipes(installed) == read_recipes(find_folder())


def test_the_images_that_come_with_workbench_are_found_and_stand_on_one_base() -> None:
    recipes = read_recipes(find_folder())

    assert {"base", "gateway", "notebook"} <= recipes.keys()
    assert [name for name, recipe in recipes.items() if recipe.built_on is None] == ["base"]


def test_every_dockerfile_marks_what_it_leaves_when_it_is_interrupted() -> None:
    for recipe in read_recipes(find_folder()).values():
        stages = recipe.files["Dockerfile"].decode().split("\nFROM ")[1:]

        assert all("\nARG BUILDER\nLABEL workbench.build=${BUILDER}\n" in stage for stage in stages)
