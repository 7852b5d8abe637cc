"""The recorded tour can be played, and shows nothing of the machine that it was recorded on."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

_TOUR = Path(__file__).parents[2] / "docs" / "tour.cast"
_LONGEST_PAUSE_S = 1.5


def test_the_tour_is_an_asciicast_that_goes_on_and_stays_small() -> None:
    header, *pieces = [json.loads(line) for line in _TOUR.read_text(encoding="utf-8").splitlines()]
    assert (header["version"], header["width"], header["height"]) == (2, 100, 30)
    times = [0.0, *(moment for moment, kind, _ in pieces if kind == "o")]
    assert len(times) == len(pieces) + 1
    assert all(0 <= later - earlier <= _LONGEST_PAUSE_S + 0.01 for earlier, later in pairwise(times))
    assert _TOUR.stat().st_size < 1_000_000


def test_the_tour_shows_the_whole_way_and_no_path_of_a_machine() -> None:
    text = "".join(piece[2] for piece in map(json.loads, _TOUR.read_text(encoding="utf-8").splitlines()[1:]))
    for seen in ("● live", "● Running", "Jupyter Server", "peak", "○ Stopped", "No notebook yet"):
        assert seen in text
    assert not [place for place in ("/tmp/w", "/home/", "/root", "token=") if place in text]


def test_a_program_is_recorded_with_its_pauses_shortened_and_its_letters_whole(tmp_path: Path) -> None:
    path = tmp_path / "short.cast"
    program = "import time; print('\\x1b[1mä\\x1b[0m\\x1b[1mb', flush=True); time.sleep(3); print('c')"
    subprocess.run(
        [
            *(sys.executable, "-c"),
            "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))",
            *(sys.executable, "-m", "scripts.asciicast", str(path), sys.executable, "-c", program),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    header, *pieces = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert header["version"] == 2
    assert "".join(text for _, _, text in pieces) == "\x1b[1mäb\r\nc\r\n"
    assert pieces[-1][0] <= 3
