"""The messages of a room: what is new, what is chosen, and what a person wants done with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as Event

from sottovoce.tui.links import find_links
from sottovoce.tui.safe_text import Safe
from sottovoce.tui.view import Delivery, Level, Line, Message, Page
from sottovoce.tui.widgets.timeline_block import ASCII, UNICODE, Layout
from sottovoce.tui.widgets.timeline_clock import Clock
from sottovoce.tui.widgets.timeline_rows import Rows
from sottovoce.tui.widgets.timeline_view import LineView, Place

PAGE: Final = 200
WAY_BACK: Final = 2000
"""Lines that are loaded at once: while one reads, and on the way to the very first."""


class Timeline(LineView, inherit_bindings=False):
    """The list of messages. It asks for what it has not got, and opens and changes nothing by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Choose a message", show=False),
        Binding("down,j", "choose(1)", "Choose a message", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("ctrl+home", "beginning", "Beginning", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "act", "Actions"),
        Binding("space", "unfold", "Show all of a long message", show=False),
        Binding("y,c", "copy", "Copy"),
        Binding("o", "open_link", "Open link"),
        Binding("f2", "x_ray", "X-ray"),
    ]

    @dataclass
    class OlderWanted(Event):
        """So many lines before a position will soon be needed: :meth:`Timeline.prepend` them."""

        before: int
        limit: int = PAGE

    @dataclass
    class EndSeen(Event):
        """All that has come is on the screen, down to the position ``last``."""

        last: int

    @dataclass
    class Chosen(Event):
        """A person wants to do something with this line."""

        line: Line

    @dataclass
    class XRayWanted(Event):
        """A person wants to see the life of this message."""

        message: Message

    @dataclass
    class LinkChosen(Event):
        """A person wants to open this link: show it whole and judged first."""

        url: Safe

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        compact: bool = False,
        ascii_only: bool = False,
        id: str | None = None,  # noqa: A002 - as all widgets name it
    ) -> None:
        super().__init__(Layout(0, clock or Clock(), ASCII if ascii_only else UNICODE, compact), id=id)
        self._queued: dict[bytes, int] = {}
        self._new_below = 0
        self._asked_before: int | None = None
        self._goes_to_beginning = False  # at the first line that is loaded, until no older one comes
        self._end_seen: int | None = None
        self._opens_at: int | None = None  # the first unread line, until the height of the screen is known
        self._last_opened: tuple[int, int] | None = None

    @property
    def chosen(self) -> Line | None:
        """The line under the cursor."""
        return None if self._chosen is None else self._rows.get(self._chosen)

    @property
    def first_position(self) -> int | None:
        """The position of the oldest line that is loaded: what is prepended ends right before it."""
        return None if self._rows.first is None else self._rows.first.position

    def show(self, page: Page, *, unread_from: int | None = None, place: Place | None = None) -> None:
        """Show a room: at ``place``, else at the first unread line if not all of them fit, else at the end.

        ``unread_from``: the position of the first unread line, above which the divider stands.
        """
        self._rows = Rows(self._measure, self._guess)
        self._blocks.clear()
        self._whole.clear()
        self._queued.clear()
        self._top = self._chosen = self._asked_before = self._end_seen = None
        self._new_below = 0
        self._goes_to_beginning = False
        self._look = replace(self._look, unread_from=unread_from, has_older=page.has_older)
        self._rows.prepend(page.lines)
        for line in page.lines:
            self._note_queued(line)
        self._follows = place is None
        self._top = place
        self._opens_at = unread_from if place is None else None
        self._arrange()

    def prepend(self, page: Page) -> None:
        """Put older lines above; what is on the screen stays where it is."""
        self._asked_before = None
        if page.has_older != self._look.has_older:
            self._look = replace(self._look, has_older=page.has_older)  # no line gets another height by it
            self._blocks.clear()
        first = self._rows.first
        height = 0 if first is None else self._rows.height_of(first.position)
        self._rows.prepend(page.lines)
        if first is not None and self._top is not None and self._top[0] == first.position:
            # Being first took some rows, above its text: the text stays where it is.
            self._top = first.position, self._top[1] + self._rows.height_of(first.position) - height
        self._arrange()
        if self._goes_to_beginning:
            self._goes_to_beginning = page.has_older
            super()._show_row(0)

    def append(self, lines: Iterable[Line]) -> None:
        """Put lines in their places, most of them at the end; a queued message that is stored now moves."""
        for line in lines:
            if isinstance(line, Message):
                self._leave_queue(line)
                if line.is_mine and line.delivery is Delivery.QUEUED:
                    self._follows, self._goes_to_beginning = True, False
                elif not line.is_mine and not self._follows:
                    self._new_below += 1
            self._rows.add((line,))
            self._note_queued(line)
        self._arrange()

    def settle(self, message: Message) -> None:
        """A queued message is stored: put it where the server's log has it."""
        self.append((message,))

    def mark_unread_from(self, position: int | None) -> None:
        """Set the divider above the line with this position; None takes it away."""
        self._change_look(replace(self._look, unread_from=position))
        self._arrange()

    def set_look(self, *, clock: Clock | None = None, compact: bool | None = None) -> None:
        """Change how times are written, and whether there are empty rows between senders."""
        self._wants_compact = self._wants_compact if compact is None else compact
        self._look = replace(self._look, clock=clock or self._look.clock)
        self._blocks.clear()
        self._rows.forget_heights()
        self._fit()

    def _tell(self, event: Event) -> None:
        """Post an event as this widget's own: Textual takes whoever runs now for the sender, and an event
        never gets back to its sender, such as a screen that has just appended lines.
        """
        self.post_message(event.set_sender(self))

    def _note_queued(self, line: Line) -> None:
        if isinstance(line, Message) and line.delivery is Delivery.QUEUED:
            self._queued[line.message_id] = line.position

    def _leave_queue(self, message: Message) -> None:
        """Take out the queued message that ``message`` is the new state of."""
        position = self._queued.pop(message.message_id, None)
        if position is None or position == message.position:
            return
        self._rows.remove(position)
        if self._chosen == position:
            self._chosen = message.position

    def _arrange(self) -> None:
        if self._opens_at is not None and self.scrollable_size.height:
            self._rows.make_exact(self._opens_at, 0, self.scrollable_size.height)
            if self._rows.height - self._rows.row_of(self._opens_at) > self.scrollable_size.height:
                self._top, self._follows = (self._opens_at, 0), False
            self._opens_at = None
        super()._arrange()

    def _on_scrolled(self) -> None:
        first, last = self._rows.first, self._rows.last
        if first is None or last is None or not self.scrollable_size.height:
            return
        if self._follows:
            self._new_below = 0
            if self._end_seen != last.position:
                self._end_seen = last.position
                self._tell(self.EndSeen(last.position))
        words = f"{self._new_below} new below · End" if self._new_below else None
        self._marker = Safe(words) if words is not None else None
        is_near_top = self._top_row < 2 * self.scrollable_size.height
        if is_near_top and self._look.has_older and self._asked_before != first.position:
            self._asked_before = first.position
            self._tell(self.OlderWanted(first.position, WAY_BACK if self._goes_to_beginning else PAGE))

    def _show_row(self, row: int) -> None:
        """Go where somebody wants to: that ends being on the way to somewhere else."""
        self._goes_to_beginning = False
        super()._show_row(row)

    # Choosing

    def action_choose(self, step: int) -> None:
        """Move the cursor to the next line, or scroll if the chosen one goes on outside the screen."""
        chosen = self.chosen
        if chosen is None or not self._is_seen(chosen.position):
            self._choose(self._nearest(step))
            return
        row, height = self._rows.row_of(chosen.position), self._rows.height_of(chosen.position)
        hidden = (
            row + height - (self._top_row + self.scrollable_size.height) if step > 0 else self._top_row - row
        )
        if hidden > 0 and height > self.scrollable_size.height:
            self.scroll_rows(step * min(hidden, max(self.scrollable_size.height - 1, 1)))
            return
        line = self._next(chosen.position, step)
        if line is not None:
            self._choose(line, step)
        elif step > 0:
            self.action_last()
        else:
            self.scroll_rows(-self._top_row)

    def _choose(self, line: Line | None, step: int = 0) -> None:
        """Put the cursor on a line, and scroll to what one will read of it first."""
        self._chosen = None if line is None else line.position
        if line is not None:
            row, height = self._rows.row_of(line.position), self._rows.height_of(line.position)
            lowest = row + height - self.scrollable_size.height  # its end is at the end of the screen
            if height <= self.scrollable_size.height:
                self.scroll_rows(min(max(self._top_row, lowest), row) - self._top_row)
            elif step:
                self.scroll_rows((row if step > 0 else lowest) - self._top_row)
        self.refresh()

    def _nearest(self, step: int) -> Line | None:
        """Return the line to begin with: the lowest one on the screen for ``step`` -1, the highest for 1."""
        if not len(self._rows):
            return None
        row = self._top_row if step > 0 else self._top_row + self.scrollable_size.height - 1
        line = self._rows.find(min(row, self._rows.height - 1))[0]
        return (
            line
            if _can_be_chosen(line)
            else self._next(line.position, step) or self._next(line.position, -step)
        )

    def _next(self, position: int, step: int) -> Line | None:
        line = self._rows.after(position) if step > 0 else self._rows.before(position)
        while line is not None and not _can_be_chosen(line):
            line = self._rows.after(line.position) if step > 0 else self._rows.before(line.position)
        return line

    def _is_seen(self, position: int) -> bool:
        row = self._rows.row_of(position)
        return (
            row < self._top_row + self.scrollable_size.height
            and row + self._rows.height_of(position) > self._top_row
        )

    def action_page(self, step: int) -> None:
        """Scroll by a screen, one row less."""
        self.scroll_rows(step * max(self.scrollable_size.height - 1, 1))

    def action_first(self) -> None:
        """Go to the first line that is loaded."""
        self._choose(None)
        self.scroll_rows(-self._top_row)

    def action_beginning(self) -> None:
        """Go to the very first line, and load all lines for that."""
        self.action_first()
        first = self._rows.first
        if first is not None and self._look.has_older:
            self._goes_to_beginning, self._asked_before = True, first.position
            self._tell(self.OlderWanted(first.position, WAY_BACK))

    def action_last(self) -> None:
        """Go to the end, and follow it."""
        self._chosen = None
        self._follows, self._goes_to_beginning = True, False
        self._arrange()

    # Doing something with the chosen line

    def action_act(self) -> None:
        """Ask what to do with the chosen line, the newest one without a choice."""
        line = self.chosen or self._nearest(-1)
        if line is not None:
            self._tell(self.Chosen(line))

    def action_unfold(self) -> None:
        """Show the chosen message to its end, however long it is; again: only its beginning."""
        message = self.message_at_hand
        if message is not None:
            self._whole ^= {message.position}
            self._rows.add((message,))  # its rows are counted again
            self._follows = False
            self._arrange()

    def action_copy(self) -> None:
        """Copy the text of the chosen message to the clipboard, through the terminal."""
        line = self.chosen
        if line is not None:
            self.app.copy_to_clipboard(line.text)
            self.notify("The message is copied.", markup=False, timeout=2)

    @property
    def message_at_hand(self) -> Message | None:
        """The chosen message; without a choice, the newest on the screen."""
        if self.chosen is not None:
            return self.chosen if isinstance(self.chosen, Message) else None
        line = self._nearest(-1)
        while line is not None and not isinstance(line, Message):
            line = self._next(line.position, -1)
        return line

    def action_x_ray(self) -> None:
        """Ask for the life of the message at hand."""
        message = self.message_at_hand
        if message is not None:
            self._tell(self.XRayWanted(message))

    def action_open_link(self) -> None:
        """Ask for the link of the chosen message; with several of them, each time for the next one."""
        line = self.chosen or self._nearest(-1)
        links = () if line is None else find_links(line.text)
        if line is None or not links:
            return
        position, index = self._last_opened or (line.position, -1)
        index = (index + 1) % len(links) if position == line.position else 0
        self._last_opened = (line.position, index)
        self._tell(self.LinkChosen(Safe(line.text[links[index].start : links[index].end])))

    def on_click(self, event: events.Click) -> None:
        """Choose a line, ask for a link; twice: ask what to do with the line."""
        event.prevent_default()  # a double click would select everything
        offset = event.get_content_offset(self)
        if offset is None or self.text_selection is not None:
            return
        if self._marker is not None and offset.y == self.scrollable_size.height - 1:
            self.action_last()
            return
        found = self.line_at(offset.y)
        if found is None or not _can_be_chosen(found[0]):
            return
        link = self._link_at(offset.x, offset.y)
        self._choose(found[0])
        if found[1].unfolds:
            self.action_unfold()
        elif link is not None:
            self._tell(self.LinkChosen(link))
        elif event.chain == 2:
            self._tell(self.Chosen(found[0]))

    def _link_at(self, x: int, y: int) -> Safe | None:
        """Return the link under a cell of the screen, whole, even if it goes on in other rows."""
        found = self.line_at(y)
        index = self.character_at(x, y)
        if found is None or index is None:
            return None
        text = found[0].text
        return next(
            (
                Safe(text[link.start : link.end])
                for link in find_links(text)
                if link.start <= index < link.end
            ),
            None,
        )


def _can_be_chosen(line: Line) -> bool:
    """Messages can, and what goes wrong can; who came and went is only said."""
    return isinstance(line, Message) or line.level is not Level.INFO
