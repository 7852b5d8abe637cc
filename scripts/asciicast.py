"""Run a program in this terminal and record what it draws: `python -m scripts.asciicast FILE COMMAND...`

The file is asciicast v2: a line of JSON about the terminal, then one for each piece of output with
the seconds since the start. Nothing that is typed is recorded. Where nothing is drawn for long, the
recording goes on after a moment; a style that ends and begins again at once is written as one.

Source: https://docs.asciinema.org/manual/asciicast/v2/
"""

from __future__ import annotations

import codecs
import json
import os
import pty
import re
import sys
import time
from pathlib import Path
from typing import TextIO

_LONGEST_PAUSE_S = 1.5
_TOGETHER_S = 0.03
"""What comes within so long is one piece."""
_CHUNK = 65536
_SAME_AGAIN = re.compile(r"(\x1b\[[\d;]+m)([^\x1b]*)\x1b\[0m\1")


class Recording:
    """Writes what is drawn, as it comes.

    Args:
        columns, lines: The terminal's size.
    """

    def __init__(self, file: TextIO, columns: int, lines: int) -> None:
        self._file = file
        self._at_s = 0.0
        self._last = time.monotonic()
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._piece = ""
        self._write({"version": 2, "width": columns, "height": lines, "env": {"TERM": "xterm-256color"}})

    def add(self, output: bytes) -> None:
        """Record a piece of output; a letter that is cut in two waits for its other half."""
        now = time.monotonic()
        if now - self._last > _TOGETHER_S:
            self.end_piece()
            self._at_s += min(now - self._last, _LONGEST_PAUSE_S)
            self._last = now
        self._piece += self._text.decode(output)

    def end_piece(self) -> None:
        """Write what came together."""
        if self._piece:
            self._write([round(self._at_s, 3), "o", _shorter(self._piece)])
        self._piece = ""

    def _write(self, line: object) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _shorter(text: str) -> str:
    """The same picture in fewer letters."""
    shorter = _SAME_AGAIN.sub(r"\1\2", text)
    while shorter != text:
        text, shorter = shorter, _SAME_AGAIN.sub(r"\1\2", shorter)
    return shorter


def main() -> int:
    """Run and record."""
    path, command = Path(sys.argv[1]), sys.argv[2:]
    size = os.get_terminal_size()
    os.environ |= {"COLUMNS": str(size.columns), "LINES": str(size.lines)}  # a new pty knows no size
    with path.open("w", encoding="utf-8") as file:
        recording = Recording(file, size.columns, size.lines)

        def read(descriptor: int) -> bytes:
            output = os.read(descriptor, _CHUNK)
            recording.add(output)
            return output

        status = pty.spawn(command, read)
        recording.end_piece()
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
