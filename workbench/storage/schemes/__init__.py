"""Kinds of mount sources, one module each; the registry is this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.storage.rules import BadMount
from workbench.storage.schemes import nas

_OFFERED: Mapping[str, Callable[[str], nas.Source]] = {"nas": nas.parse}
_EXPECTED = ("oss", "s3", "nfs", "http", "https")


def parse(uri: str) -> nas.Source:
    """What a URI names.

    Raises:
        BadMount: It is malformed or of a kind that is not offered; the message says what is.
    """
    scheme, separator, rest = uri.partition("://")
    offered = ", ".join(f"{name}://" for name in _OFFERED)
    if not separator:
        raise BadMount(f"{uri!r} is not a URI; one that begins with {offered} is wanted.")
    if parse_rest := _OFFERED.get(scheme.lower()):
        return parse_rest(rest)
    known = "is not offered yet" if scheme.lower() in _EXPECTED else "is not a kind of storage"
    raise BadMount(f"{scheme}:// {known}.", hint=f"What can be mounted: {offered}.")
