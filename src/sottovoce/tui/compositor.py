# ruff: noqa: SLF001 - Textual has no public way to any of this
"""Textual's compositor, drawing what is to be drawn and no more, and a letter before all else."""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class FrugalCompositor(Compositor):
    """Asks a widget for those of its rows that a frame changes.

    Textual asks each widget whose *container* touches the frame for all it shows, so that a letter in the
    composer goes through the rows of all lists beside it: 2 ms.
    """

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if crop is not None:
                if not crop.overlaps(seen):
                    continue
                # All columns: where widgets lie over one another, the rows are cut and put together later.
                seen = seen.intersection(Region(seen.x, crop.y, seen.width, crop.height))
            if seen:
                yield seen, clip, widget.render_lines(seen.translate((-region.x, -region.y)))


def draw_now(widget: Widget) -> None:
    """Draw what has changed of ``widget`` in a frame of its own, before all else that waits to be drawn.

    Textual would draw it with the rest, three turns of the loop later, and up to two frames after the last
    one. What needs another layout is left to Textual.
    """
    screen = widget.screen
    needs_layout = screen._layout_required or widget._layout_required
    if needs_layout or screen.app._batch_count or not screen.is_current:
        return
    waiting = screen._dirty_widgets - {widget}
    screen._compositor.update_widgets({widget})
    screen._compositor_refresh()  # after it nothing counts as waiting
    screen._dirty_widgets.update(waiting)
    widget._repaint_required = False
