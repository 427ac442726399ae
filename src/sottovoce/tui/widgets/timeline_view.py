"""A scrolling view of lines: only what is on the screen, and a page around it, is ever wrapped and drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.view import Line
from sottovoce.tui.widgets import timeline_bar
from sottovoce.tui.widgets.timeline_block import Block, Layout, Role, Row
from sottovoce.tui.widgets.timeline_rows import Rows
from sottovoce.tui.widgets.timeline_styles import CHOSEN, COMPONENTS, MARKER, Palette, make_palette

KEPT_BLOCKS: Final = 1024
LOW: Final = 14
"""Rows; a view that is lower than this has no empty rows between senders."""

NOTHING_YET: Final = Safe("No messages yet.")

Place = tuple[int, int]
"""The position of the line at the top of the screen, and how many of its rows are above the screen."""


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows lines, follows the end until one scrolls up, and keeps what is on the screen in its place."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $background;
        color: $foreground;

        & > .timeline--body { color: $foreground; }
        & > .timeline--link { color: $text-accent; text-style: underline; }
        & > .timeline--time { color: $text-muted; }
        & > .timeline--mark { color: $text-muted; }
        & > .timeline--queued { color: $text-warning; }
        & > .timeline--verified { color: $text-success; }
        & > .timeline--day { color: $text-muted; }
        & > .timeline--unread { color: $text-accent; text-style: bold; }
        & > .timeline--info { color: $text-muted; }
        & > .timeline--warning { color: $text-warning; }
        & > .timeline--alarm { color: $text-error; background: $error-muted; text-style: bold; }
        & > .timeline--mine { color: $text-accent; text-style: bold; }
        & > .timeline--chosen { background: $primary 20%; }
        & > .timeline--marker { background: $primary; color: $text; text-style: bold; }
    }
    """

    def __init__(self, look: Layout, *, id: str | None = None) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._look = look
        self._wants_compact = look.compact
        self._rows = Rows(self._measure, self._guess)
        self._blocks: LRUCache[int, Block] = LRUCache(KEPT_BLOCKS)
        self._palette: Palette = {}
        self._has_new_styles = True
        self._follows = True
        self._top: Place | None = None
        self._top_row = 0
        self._shift = 0  # from rows to offsets of the selection: these stay when rows come in above
        self._chosen: int | None = None
        self._whole: set[int] = set()  # long messages that are shown to their end
        self._marker: Safe | None = None
        self._frame: list[tuple[Block, int] | None] = []  # what is on each row of the screen
        self._frame_top = 0

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines that are loaded, the oldest first."""
        return tuple(self._rows)

    @property
    def place(self) -> Place | None:
        """Where one is reading; None at the end."""
        return None if self._follows else self._top

    def line_at(self, y: int) -> tuple[Line, Row] | None:
        """Return the line and its row that are drawn ``y`` rows below the top of the view."""
        shown = self._frame[y] if 0 <= y < len(self._frame) else None
        return None if shown is None else (shown[0].line, shown[0].rows[shown[1]])

    def character_at(self, x: int, y: int) -> int | None:
        """Return the index in its line's text of the character drawn at a cell, None where there is none."""
        line, row = self.line_at(y) or (None, None)
        if line is None or row is None or row.source is None:
            return None
        start, end = row.source
        cells = cell_len("".join(piece.text for piece in row.pieces)[: row.column])
        for first, _, width in split_graphemes(line.text[start:end])[0]:
            if cells <= x < cells + width:
                return start + first
            cells += width
        return None

    # Which rows there are, and which of them is at the top

    def _measure(self, line: Line, upper: Line | None) -> int:
        return len(self._block(line, upper).rows)

    def _guess(self, lines: int, characters: int) -> int:
        return self._look.guess(lines, characters)

    def _block(self, line: Line, upper: Line | None) -> Block:
        block = self._blocks.get(line.position)
        is_whole = line.position in self._whole
        if block is None or (block.line, block.upper, block.is_whole) != (line, upper, is_whole):
            block = self._look.block(line, upper, is_whole=is_whole)
            self._blocks[line.position] = block
        return block

    def _change_look(self, look: Layout) -> None:
        """Forget the rows of another look; :meth:`_arrange` is for the caller."""
        if look != self._look:
            self._look = look
            self._blocks.clear()
            self._rows.forget_heights()

    def _arrange(self) -> None:
        """After any change of the rows: keep the top line at the top, or the end at the end."""
        last = self._rows.last
        if not self.scrollable_size.height:
            return  # nobody sees it yet; :meth:`on_resize` comes back here
        if self._follows and last is not None:
            self._rows.make_exact(last.position, 2 * self.scrollable_size.height, 0)
            self._go_to_row(self._rows.height - self.scrollable_size.height)
        elif self._top is not None:
            position, offset = self._top
            self._rows.make_exact(position, self.scrollable_size.height, self.scrollable_size.height)
            self._go_to_row(self._rows.row_of(position) + offset)
        else:
            self._go_to_row(0)
        self.refresh()

    def _show_row(self, row: int) -> None:
        """Scroll until ``row`` is at the top; rows around it are measured, so it may get another number."""
        if not len(self._rows):
            return
        line, offset = self._rows.find(row)
        self._rows.make_exact(line.position, self.scrollable_size.height, self.scrollable_size.height)
        row = self._rows.row_of(line.position) + offset
        self._follows = row >= self._rows.height - self.scrollable_size.height
        self._go_to_row(row)

    def _go_to_row(self, row: int) -> None:
        if self._top is not None:
            position, offset = self._top
            self._shift += self._top_row - (self._rows.row_of(position) + offset)
        # Said quietly: by itself Textual would lay out the whole screen anew each time.
        self.set_reactive(Widget.virtual_size, Size(self._look.width, self._rows.height))
        row = max(min(row, self._rows.height - self.scrollable_size.height), 0)
        if len(self._rows):
            line, offset = self._rows.find(row)
            self._top, self._top_row = (line.position, offset), row
        timeline_bar.show(
            self.vertical_scrollbar, top=row, rows=self._rows.height, height=self.scrollable_size.height
        )
        super().scroll_to(y=row, animate=False, force=True, immediate=True)
        self._on_scrolled()

    def _on_scrolled(self) -> None:
        """The view has moved, or what there is has changed. For classes below this one."""

    def scroll_to(self, x: float | None = None, y: float | None = None, **_options: object) -> None:
        """Scroll to a row at once, and sideways never; options for animations have no effect."""
        del x
        if y is not None:
            self._show_row(round(y))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow what Textual does by itself: it scrolls while one selects beyond the edge of the screen."""
        super().watch_scroll_y(old_value, new_value)
        if round(new_value) != self._top_row:
            self._show_row(round(new_value))

    def scroll_rows(self, rows: int) -> None:
        """Scroll down by ``rows``, up if negative."""
        self._show_row(max(self._top_row + rows, 0))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by the wheel."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by the wheel."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        self.scroll_rows(direction * max(round(self.app.scroll_sensitivity_y), 1))
        event.stop()
        event.prevent_default()

    def on_resize(self) -> None:
        """Wrap for the new width, and stay at the same line."""
        self._fit()

    def _fit(self) -> None:
        width, height = self.scrollable_size
        self._change_look(replace(self._look, width=width, compact=self._wants_compact or height < LOW))
        self._arrange()

    # Drawing

    def notify_style_update(self) -> None:
        """Draw in the colours of a new theme."""
        super().notify_style_update()
        self._has_new_styles = True

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the view.

        There is no border and no padding here, and the rows keep what was drawn of them; Textual would put
        each row together anew, which takes more time than all the rest of a frame.
        """
        self._begin_frame()
        filters, background = self.get_line_filters(), self.background_colors[1]
        strips = [self.render_line(y) for y in crop.line_range]
        for line_filter in filters:
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self._look.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _begin_frame(self) -> None:
        """Note what is on each row of the screen: few lines stand at the bottom."""
        width, height = self.scrollable_size
        if self._look.width != width:  # resized, and not told yet
            self._fit()
        blank = max(height - self._rows.height, 0)
        self._frame_top = self.scroll_offset.y - blank
        self._frame = [None] * blank
        for line, upper, offset in self._rows.span(self.scroll_offset.y, height - blank):
            self._frame.append((self._block(line, upper), offset))
        self._frame += [None] * (height - len(self._frame))

    def render_line(self, y: int) -> Strip:
        """Draw the row ``y`` of the view."""
        if y >= len(self._frame):
            self._begin_frame()
        width, height = self._look.width, len(self._frame)
        palette = self._styles()
        if self._marker is not None and y == height - 1:
            text = f" {self._marker} ".center(width)
            return Strip([Segment(text, palette[MARKER])]).adjust_cell_length(width, palette[MARKER])
        if not len(self._rows):
            text = NOTHING_YET.center(width) if y == height // 2 else ""
            return Strip([Segment(text, palette[Role.TIME])]).adjust_cell_length(width, palette[Role.BODY])
        shown = self._frame[y] if y < height else None
        if shown is None:
            return Strip.blank(width, palette[Role.BODY])
        strip = self._strip(*shown, palette)
        row = self._frame_top + y + self._shift
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(row)) is not None:
            strip = self._selected(strip, *span)
        return strip.apply_offsets(0, row)

    def _styles(self) -> Palette:
        if self._has_new_styles:
            palette = make_palette(self)
            if palette != self._palette:
                self._palette = palette
                self._blocks.clear()  # they keep strips in the old colours
            self._has_new_styles = False
        return self._palette

    def _strip(self, block: Block, offset: int, palette: Palette) -> Strip:
        is_chosen = block.line.position == self._chosen
        strip = block.strips.get((offset, is_chosen))
        if strip is None:
            strip = self._drawn(block.rows[offset], is_chosen, palette)
            block.strips[offset, is_chosen] = strip
        return strip

    def _drawn(self, row: Row, is_chosen: bool, palette: Palette) -> Strip:
        segments = [Segment(piece.text, palette[piece.role]) for piece in row.pieces if piece.text]
        if is_chosen and row.is_marked:
            mark = self._look.marks.chosen
            segments[0] = Segment(mark + segments[0].text[len(mark) :], palette[Role.MINE])
            if row.fill != Role.ALARM:
                background = Style(bgcolor=palette[CHOSEN].bgcolor)
                segments = [Segment(text, (style or Style()) + background) for text, style, _ in segments]
                return Strip(segments).adjust_cell_length(self._look.width, palette[row.fill] + background)
        return Strip(segments).adjust_cell_length(self._look.width, palette[row.fill])

    # Selecting with the mouse

    def _selected(self, strip: Strip, start: int, end: int) -> Strip:
        """Draw the characters ``start`` to ``end`` (-1: all that follow) of a strip as selected."""
        text = strip.text
        first = cell_len(text[:start])
        last = strip.cell_length if end == -1 else min(cell_len(text[:end]), strip.cell_length)
        if first >= last:
            return strip
        style = self.screen.get_component_rich_style("screen--selection")
        if self.app.no_color:
            style += Style(reverse=True)
        before, inside, after = strip.crop(0, first), strip.crop(first, last), strip.crop(last)
        marked = Strip([Segment(text, (own or Style()) + style) for text, own, _ in inside])
        return Strip.join([before, marked, after])

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw another selection."""
        del selection
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, as it was written and not as it is wrapped."""
        if not len(self._rows):
            return None
        start, end = selection
        first = 0 if start is None else max(start.y - self._shift, 0)
        last = self._rows.height - 1 if end is None else min(end.y - self._shift, self._rows.height - 1)
        ends = (start or Offset(0, 0)).x, None if end is None else end.x
        parts: list[str] = []
        previous: tuple[Line, Row] | None = None
        for row, (line, upper, offset) in enumerate(self._rows.span(first, last - first + 1), first):
            shown = self._block(line, upper).rows[offset]
            left = ends[0] if row == first else 0
            right = ends[1] if row == last else None
            parts.append(_part(line, shown, previous, left, right))
            previous = (line, shown)
        return "".join(parts).strip("\n"), "\n"


def _part(line: Line, row: Row, previous: tuple[Line, Row] | None, left: int, right: int | None) -> str:
    """Return what a row adds to the selected text from its character ``left`` up to ``right``."""
    if row.source is None:
        words = "".join(piece.text for piece in row.pieces)[left:right].strip()
        return f"\n{words}"
    start, end = row.source
    first = start + min(max(left - row.column, 0), end - start)
    last = end if right is None else start + min(max(right - row.column, 0), end - start)
    if previous is not None and previous[0] is line and previous[1].source is not None:
        return line.text[previous[1].source[1] : start] + line.text[first:last]
    return "\n" + line.text[first:last]
