"""Which operation a request asks for.

PAI's services share one port and even paths: the version in `x-acs-version` names the service,
then verb and path the operation. A request without a version (curl) is understood where only one
service has such a path. Arguments are taken out of the raw path and decoded one by one, so that
a name may hold a slash.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from workbench.errors import InvalidInput, NotFound
from workbench.wire.operations import SERVICES, Operation, operations

_BASES = re.compile(r"/(?:openapi/api/v1|api/v[12]|workbench/v1)/")
_OUR_OWN = ("/workbench/v1/", "/metrics")


class NoSuchOperation(NotFound):
    """No service has such a path."""

    code = "InvalidAction.NotFound"


class WrongVerb(InvalidInput):
    """The path exists, for other verbs."""

    code = "UnsupportedHTTPMethod"
    status = 405


class NotOffered(NotFound):
    """PAI has this operation, Workbench does not."""

    code = "NotImplemented"
    status = 501

    def __init__(self, operation: Operation) -> None:
        super().__init__(
            f"PAI has the operation {operation.action}, Workbench does not offer it.",
            hint="docs/api.md lists what it offers.",
        )


class VersionWanted(InvalidInput):
    """Several services have this path, and the request does not say which one is meant."""

    code = "MissingVersion"


@dataclass(frozen=True)
class Match:
    """An operation and the arguments in its path, decoded."""

    operation: Operation
    arguments: Mapping[str, str]


def operation_path(raw_path: str) -> str:
    """A path without what an endpoint may have put in front: `/pai/api/v1/jobs` is `/api/v1/jobs`.

    Clients send that prefix and do not sign it.
    """
    base = _BASES.search(raw_path)
    return raw_path[base.start() :] if base else raw_path


def find_operation(verb: str, path: str, version: str) -> Match:
    """The operation that is asked for.

    Args:
        verb: Of the request.
        path: Percent-encoded, without a prefix.
        version: What `x-acs-version` says, empty where it is missing.

    Raises:
        NoSuchOperation: There is none.
        WrongVerb: There is one at this path, with another verb.
        VersionWanted: Without a version there are several.
    """
    services = _services(path, version)
    found = [match for service in services if (match := _match(service, verb, path))]
    if len(found) > 1:
        raise VersionWanted(
            f"{verb} {path} is an operation of {' and '.join(each.operation.service for each in found)}.",
            hint="Say which with the header x-acs-version: "
            + ", ".join(f"{each.operation.version} is {each.operation.service}" for each in found)
            + ".",
        )
    if found:
        return found[0]
    verbs = sorted(
        {verb for service in services for verb, _ in _shapes(service) if _match(service, verb, path)}
    )
    if verbs:
        raise WrongVerb(f"{path} does not take {verb}; {', '.join(verbs)} is wanted.")
    raise NoSuchOperation(
        f"There is no operation {verb} {path}" + (f" in version {version}." if version else "."),
        hint="docs/api.md lists what there is.",
    )


def _services(path: str, version: str) -> Iterable[str]:
    if path.startswith(_OUR_OWN):
        return ["workbench"]
    if not version:
        return [service for service in SERVICES if service != "workbench"]
    service = next((name for name, its_version in SERVICES.items() if its_version == version), None)
    if service is None:
        raise NoSuchOperation(
            f"x-acs-version is {version!r}, which no service here has.",
            hint=f"Known: {', '.join(f'{known} ({name})' for name, known in SERVICES.items())}.",
        )
    return [service]


def _match(service: str, verb: str, path: str) -> Match | None:
    parts = path.split("/")
    for operation, shape in _shapes(service).get((verb, len(parts)), ()):
        arguments = _arguments(shape, parts)
        if arguments is not None:
            return Match(operation, arguments)
    return None


def _arguments(shape: tuple[str, ...], parts: list[str]) -> Mapping[str, str] | None:
    found = {}
    for wanted, part in zip(shape, parts, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            found[wanted[1:-1]] = _decoded(part)
        elif wanted != part:
            return None
    return found


def _decoded(part: str) -> str:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{part!r} in the path is not percent-encoded UTF-8.") from error
    if "\0" in text:
        raise InvalidInput(f"{part!r} in the path holds a zero byte.")
    return text


_Shapes = Mapping[tuple[str, int], list[tuple[Operation, tuple[str, ...]]]]
"""Operations with their paths' parts, by verb and number of parts; at each place words before arguments."""


@cache
def _shapes(service: str) -> _Shapes:
    shapes = defaultdict(list)
    for each in operations(service).values():
        parts = tuple(each.path.split("/"))
        shapes[each.verb, len(parts)].append((each, parts))
    for entries in shapes.values():
        entries.sort(key=lambda entry: [part.startswith("{") for part in entry[1]])
    return dict(shapes)
