"""Building an image of ours with the engine's own builder.

It goes through the engine's API, which every engine has and which needs no `docker` command.
The engine ends a build whose caller has gone, and an image gets its name only when it is whole;
so after an interruption there is nothing that counts, and what is done already is not done again.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from workbench.errors import Conflict
from workbench.runtime.build_recipes import FINISHED, LABEL, Step
from workbench.runtime.engine import Engine
from workbench.runtime.pull import Tell
from workbench.settings import Settings

CA_BUNDLE = "ca-bundle.crt"
"""The file, perhaps empty, by which Dockerfiles get the certificates of the settings."""

_LINES_TOLD = 8
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_TEXT = 60


class BuildFailed(Conflict):
    """An image of ours could not be built."""

    code = "ImageNotBuilt"


class BuildProgress:
    """What a builder says, as one line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._step, self._steps, self._doing = 0, 0, "starting"

    def hear(self, line: str) -> None:
        """Take one line of the builder's output."""
        if step := _STEP.match(line):
            self._step, self._steps, self._doing = int(step[1]), int(step[2]), step[3].removeprefix("RUN ")
        elif not line.startswith(" --->"):
            self._doing = line.strip()

    @property
    def fraction(self) -> float | None:
        """Share of the steps that are done; None before the first."""
        return (self._step - 1) / self._steps if self._steps else None

    def __str__(self) -> str:
        step = f"step {self._step} of {self._steps}, " if self._steps else ""
        return f"building {self._name}: {step}{self._doing[:_LONGEST_TEXT]}"


def build(engine: Engine, step: Step, settings: Settings, builder: str, tell: Tell) -> None:
    """Build one image; what it stands on must be there.

    Args:
        engine: Where.
        step: What, on what, and its name.
        settings: Say which mirrors, proxies and certificates to use; none of them is in use in the image.
        builder: Whose work it is, should it be interrupted.
        tell: Hears how far it is.

    Raises:
        BuildFailed: The message has the builder's last words, the log all of them.
        EngineAway: The engine does not answer.
    """
    name = step.recipe.name
    progress, tail = BuildProgress(name), deque[str](maxlen=_LINES_TOLD)
    log = settings.logs / f"build-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    context = _context(step.recipe.files, settings.ca_bundle)
    with log.open("w", buffering=1) as file, engine.open() as docker:
        messages = docker.build(
            fileobj=context,
            custom_context=True,
            tag=step.reference,
            buildargs=_arguments(step.base, settings, builder),
            labels={LABEL: FINISHED},
            use_config_proxy=False,
            network_mode="host",  # a proxy is often one on this machine's loopback
            rm=True,
            forcerm=True,
            decode=True,
        )
        try:
            for line in _lines(messages):
                print(line, file=file)
                tail.append(line)
                progress.hear(line)
                tell(str(progress), progress.fraction)
        except _Said as error:
            print(error, file=file)
            raise _why_not_built(name, [*tail, str(error)], log) from error


def tidy_up(engine: Engine, builder: str) -> None:
    """Remove what earlier builds of this builder left: containers, and layers that nothing uses.

    Call it only while none is under way.
    """
    mine = {"label": f"{LABEL}={builder}"}
    with engine.open() as docker, suppress(NotFound):
        for container in docker.containers(all=True, filters=mine):
            docker.remove_container(container["Id"], v=True, force=True)
        for image in docker.images(filters={**mine, "dangling": True}):
            docker.remove_image(image["Id"])


class _Said(Exception):
    """The builder's own words for what went wrong."""


def _lines(messages: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for message in messages:
        if "error" in message:
            raise _Said(str(message["error"]).strip())
        plain = _COLOURS.sub("", message.get("stream", ""))
        yield from (line.rstrip() for line in plain.splitlines() if line.strip())


def _context(files: Mapping[str, bytes], ca_bundle: str) -> io.BytesIO:
    try:
        certificates = Path(ca_bundle).read_bytes() if ca_bundle else b""
    except OSError as error:
        raise BuildFailed(f"ca_bundle is {ca_bundle}, which cannot be read: {error.strerror}.") from error
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for path, content in {**files, CA_BUNDLE: certificates}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644  # whatever the checkout made of it
            tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    return context


def _arguments(base: str, settings: Settings, builder: str) -> dict[str, str]:
    arguments = {
        "BASE": base,
        "BUILDER": builder,
        "APT_MIRROR": settings.apt_mirror.rstrip("/"),
        "PIP_INDEX_URL": settings.pip_index_url,
    }
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        arguments[name] = arguments[name.upper()] = getattr(settings, name)
    return {name: value for name, value in arguments.items() if value}


_HINTS = (
    (
        r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|certificate is NOT trusted",
        "The network's own CA has to be trusted: set ca_bundle to its file.",
    ),
    (r"no space left on device", "Free some disk space; `docker system df` shows what Docker uses."),
    (
        r"Temporary failure resolving|Could not resolve|Unable to connect|Failed to establish|timed out"
        r"|Network is unreachable|NameResolutionError|Connection refused",
        "Building needs Debian's mirror and Python's index: check the network, and the settings "
        "http_proxy, apt_mirror and pip_index_url.",
    ),
    (r"not yet valid|Release file .* is (not valid yet|expired)", "Check this machine's clock with `date`."),
)


def _why_not_built(name: str, words: Iterable[str], log: Path) -> BuildFailed:
    told = "\n".join(words)
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, told, re.IGNORECASE)), "")
    return BuildFailed(
        f"Image {name} could not be built:\n{told}", hint=f"{hint} All of it is in {log}.".strip()
    )
