"""Notes with all their letters.

Textual draws each line in pieces, cut wherever any widget begins or ends, also below a note; a letter that
is two cells wide and lies on such a cut is lost. A note lies over everything, so it needs no cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets._toast import Toast

_NOTHING = Strip([])


class WholeNotes(Compositor):
    """Draws the lines of a note in one piece."""

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        pieces = super()._render_chops(crop, is_rendered_line)
        for widget, (region, clip) in self.visible_widgets.items():
            if isinstance(widget, Toast) and clip.contains_region(region):
                strips = widget.render_lines(Region(0, 0, region.width, region.height))
                for y, strip in zip(region.line_range, strips, strict=True):
                    if is_rendered_line(y):
                        _put(strip, region, cast(dict[int, Strip], pieces[y]))
        return pieces


def _put(strip: Strip, region: Region, pieces: dict[int, Strip]) -> None:
    for cut in pieces:
        if region.x < cut < region.right:
            pieces[cut] = _NOTHING
    pieces[region.x] = strip
