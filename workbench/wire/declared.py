"""Whether an answer of ours keeps to what the operation declares.

PAI's clients take every answer and check nothing: a field with a wrong name is lost without a
word. So the tests of every capability ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workbench.wire.operations import Operation, models


def undeclared(operation: Operation, answer: Mapping[str, Any]) -> list[str]:
    """Places in an answer that its operation does not declare, or declares with another type."""
    declared = {"RequestId": "string", **operation.response}
    return list(_in_structure(answer, declared, models(operation.service), ""))


def _in_structure(
    answer: Mapping[str, Any],
    declared: Mapping[str, str],
    structures: Mapping[str, Mapping[str, str]],
    place: str,
) -> Iterator[str]:
    for name, value in answer.items():
        here = f"{place}.{name}" if place else name
        if name in declared:
            yield from _in_value(value, declared[name], structures, here)
        else:
            yield f"{here} is not declared"


def _in_value(
    value: Any, kind: str, structures: Mapping[str, Mapping[str, str]], place: str
) -> Iterator[str]:
    if kind == "any":
        return
    if kind.startswith("["):
        if not isinstance(value, list):
            yield _wrong(place, value, kind)
            return
        for number, each in enumerate(value):
            yield from _in_value(each, kind[1:-1], structures, f"{place}[{number}]")
    elif fits := _SIMPLE.get(kind):
        if not fits(value):
            yield _wrong(place, value, kind)
    elif not isinstance(value, Mapping):
        yield _wrong(place, value, kind)
    elif kind.startswith("map"):
        for name, each in value.items():
            yield from _in_value(each, kind[len("map<") : -1] or "any", structures, f"{place}.{name}")
    else:
        yield from _in_structure(value, structures[kind], structures, place)


_SIMPLE: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def _wrong(place: str, value: Any, kind: str) -> str:
    return f"{place} is {value!r:.60}, declared {kind}"
