"""What a pod wrote, line by line.

The engine hands out frames: a time, a stream, up to 16 KiB of bytes. Here they become lines
again, byte for byte: a last line without a newline stays one, and bytes that are no UTF-8
are replaced only where text is asked for. One endless line is handed on in pieces, so that
nothing a pod writes can fill our memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import requests
from docker.types import CancellableStream

from workbench.errors import NotFound
from workbench.runtime.engine import Engine, hang_up
from workbench.runtime.pods import Pod

_STREAMS = {1: "stdout", 2: "stderr"}
_HEAD_BYTES = 8
_LONGEST_PIECE_BYTES = 2**20

Frame = tuple[str, bytes]
"""A stream's name, and a time, a space and up to 16 KiB of what was written there."""


class PodGone(NotFound):
    """The container is no longer there, nor what the engine kept of its output."""

    code = "PodGone"


@dataclass(frozen=True)
class LogLine:
    """One line of a pod's output.

    `stream` is `stdout` or `stderr`. `data` is without its newline; `ended` is False where
    none followed: the pod's last words, or a line so long that its rest comes as another.
    """

    time: datetime
    stream: str
    data: bytes
    ended: bool = True

    @property
    def text(self) -> str:
        """The line as text; what is not UTF-8 is replaced."""
        return self.data.decode(errors="replace")


class LogStream:
    """A pod's lines as they come. Iterate in one thread; close from any.

    Args:
        engine: Where the pod is.
        pod: Whose output.
        tail: Lines to begin with, counted from the end; None: all. A line above 16 KiB counts
            as several, and the first may lack its beginning.
        follow: Wait for more until the pod ends.

    Raises:
        PodGone: The container is no longer there.
        EngineAway: While iterating: the connection broke, and lines may be missing.
    """

    def __init__(self, engine: Engine, pod: Pod, *, tail: int | None, follow: bool) -> None:
        self._engine = engine
        self._pod = pod
        self._follow = follow
        self._closed = False
        self._response = self._ask(tail, follow=follow)

    def __iter__(self) -> Iterator[LogLine]:
        return lines(self._frames())

    def close(self) -> None:
        """End the iteration, even where it waits."""
        self._closed = True
        hang_up(CancellableStream(None, self._response))

    def _frames(self) -> Iterator[Frame]:
        last: dict[str, bytes] = {}
        for stream, said in frames(self._blocks(self._response)):
            last[stream] = said
            yield stream, said
        if self._follow and not self._closed:
            yield from self._last_words(last)

    def _last_words(self, last: Mapping[str, bytes]) -> Iterator[Frame]:
        """What a pod said last of all without a newline: the engine keeps it, but followers often miss it.

        Source: https://github.com/moby/moby/issues/43860
        """
        try:
            ending = dict(frames(self._blocks(self._ask(len(_STREAMS), follow=False))))
        except PodGone:
            return
        for stream, said in ending.items():
            if not said.endswith(b"\n") and said != last.get(stream):
                yield stream, said

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        with self._engine.open():
            try:
                yield from response.iter_content(chunk_size=None)
            except requests.RequestException:
                if not self._closed:
                    raise
            finally:
                response.close()

    def _ask(self, tail: int | None, *, follow: bool) -> requests.Response:
        """The engine's own client drops which stream a line came from, so this asks itself."""
        with self._engine.open() as docker:
            response: requests.Response = docker.get(
                f"{docker.base_url}/v{docker.api_version}/containers/{self._pod.container}/logs",
                params={
                    "stdout": 1,
                    "stderr": 1,
                    "timestamps": 1,
                    "follow": int(follow),
                    "tail": "all" if tail is None else tail,
                },
                stream=True,
                timeout=None if follow else docker.timeout,
            )
            if response.status_code == requests.codes.not_found:
                raise PodGone(f"{self._pod.name} is gone, and its output with it.")
            response.raise_for_status()
            return response


def lines(said: Iterable[Frame]) -> Iterator[LogLine]:
    """Put frames together to lines."""
    begun: dict[str, LogLine] = {}
    for stream, frame in said:
        stamp, _, data = frame.partition(b" ")
        before = begun.pop(stream, None)
        line = LogLine(
            time=before.time if before else datetime.fromisoformat(stamp.decode()),
            stream=stream,
            data=(before.data if before else b"") + data.removesuffix(b"\n"),
            ended=data.endswith(b"\n"),
        )
        if line.ended or len(line.data) >= _LONGEST_PIECE_BYTES:
            yield line
        else:
            begun[stream] = line
    yield from sorted(begun.values(), key=lambda line: line.time)


def frames(blocks: Iterable[bytes]) -> Iterator[Frame]:
    """Find the frames in the engine's bytes, however the connection cut them.

    Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
    """
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while len(waiting) >= _HEAD_BYTES:
            end = _HEAD_BYTES + int.from_bytes(waiting[4:_HEAD_BYTES], "big")
            if len(waiting) < end:
                break
            yield _STREAMS[waiting[0]], bytes(waiting[_HEAD_BYTES:end])
            del waiting[:end]
