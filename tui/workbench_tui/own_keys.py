"""The user's own keys, by the names of actions: `keys.toml`.

    [notebooks]
    stop = "ctrl+x"

    [list]
    filter = ["/", "ctrl+f"]

The names stand in the help. An action has its own keys instead of ours. A name or a key that there
is not, and two actions on one key where both can be used, are refused before anything is drawn: a
key that silently does something else is worse than none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, key_to_character

from workbench.errors import InvalidInput
from workbench_tui.app import Dashboard
from workbench_tui.resources import named_exactly, resources
from workbench_tui.screens.acting import with_actions
from workbench_tui.screens.detail import DetailScreen
from workbench_tui.screens.listing import ListScreen
from workbench_tui.screens.overview import OverviewScreen
from workbench_tui.widgets.chart import Charts
from workbench_tui.widgets.log_rows import LogRows
from workbench_tui.widgets.log_view import LogView
from workbench_tui.widgets.table import ResourceTable

_MODIFIERS = frozenset({"alt", "ctrl", "hyper", "meta", "shift", "super"})
_NAMED = {each.value.rpartition("+")[2] for each in Keys}


class BadKeys(InvalidInput):
    """The file with the user's keys cannot be used."""


@dataclass(frozen=True)
class Scene:
    """What can be pressed at one time."""

    title: str
    bindings: tuple[Binding, ...]


def read(path: Path) -> Mapping[str, str]:
    """The keys of each action that has its own, as Textual wants them.

    Raises:
        BadKeys: The file cannot be used; the message says where and why.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadKeys(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadKeys(f"{path} is not valid TOML: {error}.") from error
    keys = {name: _keys_of(path, name, value) for name, value in _flat(path, content)}
    _check_names(path, keys)
    _check_clashes(path, keys)
    return {name: ",".join(each) for name, each in keys.items()}


def scenes() -> Iterator[Scene]:
    """Every set of keys that work at the same time."""
    everywhere = [*_bindings_of(Dashboard), Binding(App.COMMAND_PALETTE_BINDING, "command_palette")]
    notebooks = named_exactly("notebooks")
    overview = with_actions(OverviewScreen, notebooks)
    yield Scene("Overview", (*_bindings_of(overview), *_bindings_of(ResourceTable), *everywhere))
    for resource in resources().values():
        listing, page = with_actions(ListScreen, resource), with_actions(DetailScreen, resource)
        rows = _bindings_of(ResourceTable)
        yield Scene(resource.title, (*_bindings_of(listing), *rows, *everywhere))
        charts = _bindings_of(Charts) if resource.charts else ()
        yield Scene(f"{resource.title}, one page", (*_bindings_of(page), *charts, *everywhere))
    log = (*_bindings_of(LogRows), *_bindings_of(LogView))
    taken = {each.key for each in log}  # who reads a log has its keys before the page's
    beside = (each for each in _bindings_of(DetailScreen) if each.key not in taken)
    yield Scene("Logs", (*log, *beside, *everywhere))


def _flat(path: Path, content: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for place, table in content.items():
        if not isinstance(table, dict):
            raise BadKeys(f'{path}: {place} is no table; write [list] and below it filter = "ctrl+f".')
        for name, value in table.items():
            yield f"{place}.{name}", value


def _keys_of(path: Path, name: str, value: object) -> tuple[str, ...]:
    keys: list[str] = []
    for key in value if isinstance(value, list) else [value]:
        if isinstance(key, str) and _is_key(key):
            keys.append("comma" if key == "," else key)
        else:
            raise BadKeys(
                f"{path}: {name} is {value!r}; a key is wanted, such as x, ctrl+x, f5 or space, or a list."
            )
    if not keys:
        raise BadKeys(f"{path}: {name} has no key.")
    return tuple(keys)


def _is_key(key: str) -> bool:
    if len(key) == 1:
        return key.isprintable() and key != " "
    *modifiers, base = key.split("+")
    known = len(base) == 1 or base in _NAMED or key_to_character(base) is not None
    return known and _MODIFIERS.issuperset(modifiers)


def _check_names(path: Path, keys: Mapping[str, tuple[str, ...]]) -> None:
    known = {each.id for scene in scenes() for each in scene.bindings if each.id}
    for name in keys:
        if name not in known:
            place = name.partition(".")[0]
            near = sorted(each for each in known if each.startswith(f"{place}.")) or sorted(
                {f"[{each.partition('.')[0]}]" for each in known}
            )
            raise BadKeys(f"{path}: there is no action {name}. There are: {', '.join(near)}.")


def _check_clashes(path: Path, keys: Mapping[str, tuple[str, ...]]) -> None:
    for scene in scenes():
        taken: dict[str, tuple[Binding, str]] = {}
        for binding in sorted(scene.bindings, key=lambda each: each.id not in keys):
            for key in keys.get(binding.id or "", (binding.key,)):
                other, written = taken.setdefault(_long(key), (binding, key))
                if _name(other) != _name(binding) and other.id in keys:
                    raise BadKeys(
                        f"{path}: {written} would be both {_name(other)} and {_name(binding)} in "
                        f"{scene.title}; give one of them another key."
                    )


def _long(key: str) -> str:
    return App._normalize_keymap({"": key})[""]


def _name(binding: Binding) -> str:
    return binding.id or binding.description or binding.action


def _bindings_of(kind: type[DOMNode]) -> Iterable[Binding]:
    for each in kind.__mro__:
        yield from Binding.make_bindings(each.__dict__.get("BINDINGS", ()))
