"""What a pod wrote is what is read, to the last byte."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.misbehaving_engine.proxy import MisbehavingEngine
from workbench.errors import EngineAway
from workbench.runtime import Bind, LogLine, Pod, PodGone, PodPlan, Runtime, read_saved
from workbench.runtime.logs import frames, lines
from workbench.runtime.saved_logs import write

Plans = Callable[..., PodPlan]
Wait = Callable[[Pod], Pod]

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def written(lines_of_pod: list[LogLine], stream: str) -> bytes:
    """The bytes of one stream, as they were."""
    return b"".join(
        line.data + (b"\n" if line.ended else b"") for line in lines_of_pod if line.stream == stream
    )


def engine_bytes(outputs: list[tuple[int, bytes]]) -> bytes:
    """What the engine makes of writes: one frame a line, each with its stream and time."""
    raw = b""
    for stream, data in outputs:
        frame = b"2026-01-02T12:00:00.123456789Z " + data
        raw += bytes([stream, 0, 0, 0]) + len(frame).to_bytes(4, "big") + frame
    return raw


lines_written = st.binary().map(lambda data: data.replace(b"\n", b"") + b"\n")
pieces_written = st.binary(min_size=1).map(lambda data: data.replace(b"\n", b"-"))
writes = st.lists(st.tuples(st.sampled_from([1, 2]), lines_written | pieces_written), max_size=20)


@given(outputs=writes, cut=st.integers(min_value=1, max_value=40))
def test_lines_hold_the_bytes_wherever_the_connection_cuts_them(
    outputs: list[tuple[int, bytes]], cut: int
) -> None:
    raw = engine_bytes(outputs)

    read = list(lines(frames(raw[start : start + cut] for start in range(0, len(raw), cut))))

    for number, name in ((1, "stdout"), (2, "stderr")):
        assert written(read, name) == b"".join(data for stream, data in outputs if stream == number)
        assert all(line.ended for line in [line for line in read if line.stream == name][:-1])


def test_an_endless_line_is_handed_on_in_pieces() -> None:
    read = lines(frames(engine_bytes([(1, b"x" * 16384)]) for _ in range(100)))

    first = next(read)

    assert not first.ended
    assert len(first.data) == 2**20


@given(data=st.lists(st.tuples(st.binary().map(lambda data: data.replace(b"\n", b"")), st.booleans())))
def test_a_saved_log_reads_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: list[tuple[bytes, bool]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "pod.log"
    before = [LogLine(NOON, "stderr", line, ended) for line, ended in data]

    write(path, before)

    assert list(read_saved(path)) == before
    assert list(read_saved(path, tail=2)) == before[-2:]


def test_text_that_is_not_utf8_is_replaced_and_its_bytes_are_kept() -> None:
    line = LogLine(NOON, "stdout", b"caf\xe9")

    assert line.text == "caf\ufffd"
    assert line.data == b"caf\xe9"


@pytest.mark.docker
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"one line\n",
        b"last words without a newline",
        b"\n\n \r\n\tblank ones\n\n",
        b"not \xff\xfe text \x00\x1b[31m\n",
        bytes(range(256)) * 700,
        b"x" * 100_000,
        b"".join(b"%d\n" % number for number in range(20_000)),
    ],
    ids=["nothing", "line", "no newline", "blanks", "binary", "all bytes", "long line", "many lines"],
)
def test_every_byte_of_a_short_life_is_saved(
    runtime: Runtime, a_plan: Plans, until_ended: Wait, tmp_path: Path, said: bytes
) -> None:
    (tmp_path / "said").write_bytes(said)
    tmp_path.chmod(0o755)
    plan = a_plan("cat /said; cat /said >&2", user="0:0", binds=(Bind(str(tmp_path / "said"), "/said"),))
    pod = until_ended(runtime.start_pod(plan))

    runtime.save_log(pod, tmp_path / "saved")

    saved = list(read_saved(tmp_path / "saved"))
    assert written(saved, "stdout") == said
    assert written(saved, "stderr") == said


@pytest.mark.docker
def test_a_followed_log_ends_with_its_pods_last_words(runtime: Runtime, a_plan: Plans) -> None:
    pod = runtime.start_pod(
        a_plan("for i in 1 2 3; do echo $i; sleep 0.1; done; printf bye; printf dead >&2")
    )

    followed = list(runtime.logs(pod, follow=True))

    assert written(followed, "stdout") == b"1\n2\n3\nbye"
    assert written(followed, "stderr") == b"dead"


@pytest.mark.docker
def test_a_tail_is_the_last_lines(runtime: Runtime, a_plan: Plans, until_ended: Wait) -> None:
    pod = until_ended(runtime.start_pod(a_plan("seq 1000")))

    assert [line.text for line in runtime.logs(pod, tail=2)] == ["999", "1000"]
    assert list(runtime.logs(pod, tail=0)) == []


@pytest.mark.docker
def test_following_can_be_given_up_from_another_thread(runtime: Runtime, a_plan: Plans) -> None:
    stream = runtime.logs(runtime.start_pod(a_plan("echo once; exec sleep 600")), follow=True)
    following = iter(stream)
    assert next(following).text == "once"

    threading.Timer(0.1, stream.close).start()

    assert list(following) == []
    stream.close()


@pytest.mark.docker
def test_a_lost_connection_is_not_taken_for_the_end(
    runtime: Runtime, unlucky: Runtime, sick: MisbehavingEngine, a_plan: Plans
) -> None:
    following = iter(unlucky.logs(runtime.start_pod(a_plan("echo once; exec sleep 600")), follow=True))
    assert next(following).text == "once"

    sick.refuse()

    with pytest.raises(EngineAway):
        next(following)


@pytest.mark.docker
def test_a_flood_keeps_the_newest_within_the_cap(runtime: Runtime, a_plan: Plans, until_ended: Wait) -> None:
    pod = until_ended(runtime.start_pod(a_plan("seq 300000", log_cap_bytes=500_000)))

    kept = [int(line.text) for line in runtime.logs(pod)]

    assert kept == list(range(kept[0], 300_001))
    assert len(kept) * 7 < 500_000


@pytest.mark.docker
def test_the_output_of_a_removed_pod_is_said_to_be_gone(
    runtime: Runtime, a_plan: Plans, tmp_path: Path
) -> None:
    pod = runtime.start_pod(a_plan())
    runtime.remove_pod(pod)

    with pytest.raises(PodGone):
        runtime.save_log(pod, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []
