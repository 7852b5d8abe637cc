"""A request's fields, checked against the operation's table and converted to plain values.

Lenient where clients differ without meaning different things: a field that the table does not
know is left out (newer clients send more), numbers are taken where text is wanted (`Memory: 16`)
and texts that are one where a number is (`Priority: "3"`), `True` is `true`. Anything else of a
wrong type is refused, with its place, what came, and what is wanted. What was not set is not
there, although clients send unset parts of a structure as `[]` or `{}`.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from workbench.errors import InvalidInput
from workbench.wire import lists
from workbench.wire.operations import Operation, models

RAW_BODY = "body"
"""The field's name of a body that is one value as a whole."""

_LARGEST_INTEGER = 2**63
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,4000}", re.ASCII)
_DECIMAL_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_AS_JSON = " as json string"
_AS_LIST = " as simple string"


class WrongType(InvalidInput):
    """A field's value is not of the type that the operation declares."""

    code = "InvalidParameter"

    def __init__(self, place: str, value: object, wanted: str) -> None:
        super().__init__(f"{place} is {reprlib.repr(value)}; {wanted} is wanted.")


class MalformedBody(InvalidInput):
    """The body is not what the operation's body should be."""

    code = "MalformedBody"


def read_fields(
    operation: Operation, arguments: Mapping[str, str], *, query: str, body: bytes
) -> dict[str, Any]:
    """All fields of a request in one mapping.

    Args:
        operation: What is asked for.
        arguments: The path's arguments, percent-decoded.
        query: As sent, percent-encoded.
        body: As sent.

    Raises:
        WrongType: A field has a wrong type.
        MalformedBody: The body cannot be read at all.
    """
    try:
        in_query = _converted_texts(operation, operation.query, _texts(query))
        return {**in_query, **_read_body(operation, body), **arguments}
    except RecursionError as error:
        raise MalformedBody("The request is nested too deep.") from error


def _read_body(operation: Operation, body: bytes) -> dict[str, Any]:
    if operation.raw_body:
        return {RAW_BODY: _read_raw_body(operation, body)}
    if not body or not operation.body:
        return {}
    if operation.form:
        return _converted_texts(operation, operation.body, _texts(_decoded(body)))
    sent = _parsed(_decoded(body))
    if not isinstance(sent, dict):
        raise MalformedBody("The body is JSON, but not an object.")
    return _Reader(operation.service).structure(sent, operation.body, "")


def _read_raw_body(operation: Operation, body: bytes) -> Any:
    text = _decoded(body)
    if operation.raw_body == "string":
        return text
    return _Reader(operation.service).value(_parsed(text), operation.raw_body, RAW_BODY)


def _texts(query: str) -> dict[str, str]:
    """Names and values of a query or a form; a name that comes twice could be read in two ways."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise InvalidInput(f"The query cannot be read: {error}.") from error
    texts: dict[str, str] = {}
    for name, text in pairs:
        if name in texts:
            raise InvalidInput(f"{name} is given more than once.")
        texts[name] = text
    return texts


def _converted_texts(
    operation: Operation, declared: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, Any]:
    reader = _Reader(operation.service)
    found: dict[str, Any] = {}
    for name, kind in declared.items():
        if texts.get(name):
            found[name] = _from_text(reader, texts[name], kind, name)
        elif kind in models(operation.service):  # its fields travel apart, as `Range.StartTime`
            prefix = f"{name}."
            parts = {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}
            if structure := _converted_texts(operation, models(operation.service)[kind], parts):
                found[name] = structure
    return found


def _from_text(reader: _Reader, text: str, kind: str, place: str) -> Any:
    """The value that one text of a query or a form stands for."""
    if kind.endswith(_AS_JSON):
        try:
            parsed = _parsed(text)
        except MalformedBody as error:
            raise WrongType(place, text, "JSON") from error
        return reader.value(parsed, kind.removesuffix(_AS_JSON), place)
    if kind.endswith(_AS_LIST):
        return reader.value(lists.parts(text), kind.removesuffix(_AS_LIST), place)
    literal: Any = text
    if kind == "boolean":
        literal = {"true": True, "false": False}.get(text.lower(), text)
    return reader.value(literal, kind, place)


class _Reader:
    """Checks and converts values by the types of one service."""

    def __init__(self, service: str) -> None:
        self._models = models(service)

    def structure(self, sent: Mapping[str, Any], declared: Mapping[str, str], place: str) -> dict[str, Any]:
        """The declared fields of an object that are set; `place` is where it stands, empty at the top."""
        found: dict[str, Any] = {}
        for name, kind in declared.items():
            if (value := sent.get(name)) is None:
                continue
            converted = self.value(value, kind, f"{place}.{name}" if place else name)
            if not self._is_unset(converted, kind, nested=bool(place)):
                found[name] = converted
        return found

    def value(self, value: Any, kind: str, place: str) -> Any:
        """A value as the type `kind` wants it.

        Raises:
            WrongType: It is of another type.
        """
        if read := _SIMPLE.get(kind):
            return read(value, place)
        if kind == "any":
            return self._anything(value, place)
        if kind.startswith("map"):
            return self._mapping(value, kind[len("map<") : -1] or "any", place)
        if kind.startswith("["):
            return self._list(value, kind[1:-1], place)
        if not isinstance(value, dict):
            raise WrongType(place, value, "an object")
        return self.structure(value, self._models[kind], place)

    def _mapping(self, value: Any, kind: str, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongType(place, value, "an object")
        return {
            _string(name, place): self.value(each, kind, f"{place}.{name}") for name, each in value.items()
        }

    def _list(self, value: Any, kind: str, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise WrongType(place, value, "a list")
        return [self.value(each, kind, f"{place}[{number}]") for number, each in enumerate(value)]

    def _anything(self, value: Any, place: str) -> Any:
        match value:
            case dict():
                return self._mapping(value, "any", place)
            case list():
                return self._list(value, "any", place)
            case str():
                return _string(value, place)
            case bool() | None:
                return value
        return _number(value, place)

    def _is_unset(self, converted: Any, kind: str, *, nested: bool) -> bool:
        """Clients send an unset list inside a structure as `[]` and an unset structure as `{}`; a list
        of the request's own that is empty was set, and means: none of them."""
        return (converted == {} and kind in self._models) or (converted == [] and nested)


def _string(value: Any, place: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(_number(value, place))
    if not isinstance(value, str):
        raise WrongType(place, value, "text")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise WrongType(place, value, "text without zero bytes and broken characters")
    return value


def _integer(value: Any, place: str) -> int:
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongType(place, value, "a whole number")
    if not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        raise WrongType(place, value, "a number of at most 64 bits")
    return value


def _number(value: Any, place: str) -> float:
    if isinstance(value, str) and _DECIMAL_NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongType(place, value, "a number")
    return _integer(value, place)


def _boolean(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise WrongType(place, value, "true or false")
    return value


_SIMPLE: Mapping[str, Callable[[Any, str], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:
        raise MalformedBody("The body is JSON with a number that is too long.") from error


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON value", name, 0)
