"""A line of the timeline as rows: what stands above it, its header, its text, its marks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zlib import crc32

from rich.cells import cell_len, split_graphemes
from textual.strip import Strip

from sottovoce.tui.links import find_links
from sottovoce.tui.safe_text import NOTHING, Safe
from sottovoce.tui.view import Delivery, Level, Line, Message, Notice
from sottovoce.tui.widgets.timeline_clock import MACHINE_CLOCK, Clock
from sottovoce.tui.widgets.timeline_wrap import Slice, wrap

GUTTER: Final = 1
"""Cells at the left, for the mark of the chosen line."""

INDENT: Final = 3
"""Cells before a message's text. No text begins where names and alarms do, so none can pass for one."""

MARGIN: Final = 4
"""Cells after a message's text for two blanks and the delivery mark."""

RUN: Final = timedelta(minutes=5)
"""A sender is named again after a pause of this length."""

FOLD_ROWS: Final = 40
FOLD_CHARACTERS: Final = 4096
"""Of a message that is much longer only the beginning is wrapped, until somebody wants the rest."""

ROOMY: Final = 56
"""Cells from which words stand where there would be marks."""

SENDER_COLOURS: Final = 8
POP_ISOLATE: Final = "\N{POP DIRECTIONAL ISOLATE}"


class Role(StrEnum):
    """What a piece of a row is: the name of its component class, or of one made in `timeline_styles`."""

    BODY = "timeline--body"
    LINK = "timeline--link"
    TIME = "timeline--time"
    MARK = "timeline--mark"
    QUEUED = "timeline--queued"
    VERIFIED = "timeline--verified"
    DAY = "timeline--day"
    UNREAD = "timeline--unread"
    INFO = "timeline--info"
    WARNING = "timeline--warning"
    ALARM = "timeline--alarm"
    MINE = "timeline--mine"


class Piece(NamedTuple):
    """Text in one style; ``role``: a :class:`Role`, or ``sender-0`` to ``sender-7``."""

    text: Safe
    role: str


class Row(NamedTuple):
    """One row of the screen. ``source``: the slice of the line's text that it shows.

    ``column``: where in the row's text that slice begins; ``fill``: the style of what is right of the pieces;
    ``is_marked``: its first piece is the gutter, where the chosen line is marked; ``unfolds``: a click on it
    shows the rest of a long message.
    """

    pieces: tuple[Piece, ...]
    source: Slice | None = None
    column: int = INDENT
    fill: str = Role.BODY
    is_marked: bool = True
    unfolds: bool = False


EMPTY: Final = Row((), is_marked=False)


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a line below ``upper``; ``strips``: them drawn, by row and whether the line is chosen.

    ``is_whole``: a long message is shown to its end.
    """

    line: Line
    upper: Line | None
    is_whole: bool
    rows: tuple[Row, ...]
    strips: dict[tuple[int, bool], Strip] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters that are no letters."""

    chosen: Safe
    queued: Safe
    stored: Safe
    verified: Safe
    rule: Safe
    info: Safe


UNICODE: Final = Marks(Safe("▌"), Safe("…"), Safe("✓"), Safe("✓"), Safe("─"), Safe("·"))
ASCII: Final = Marks(Safe(">"), Safe(".."), Safe("ok"), Safe("(v)"), Safe("-"), Safe("-"))

_LEVELS: Final = {
    Level.INFO: (Role.INFO, NOTHING),
    Level.WARNING: (Role.WARNING, Safe("Warning: ")),
    Level.ALARM: (Role.ALARM, Safe("ALARM: ")),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything but the lines themselves that decides what rows look like.

    ``width``: cells; ``unread_from``: the position above which the divider stands; ``compact``: no empty
    rows between senders.
    """

    width: int
    clock: Clock = MACHINE_CLOCK
    marks: Marks = UNICODE
    compact: bool = False
    unread_from: int | None = None
    has_older: bool = False

    def block(self, line: Line, upper: Line | None, *, is_whole: bool = False) -> Block:
        """Return the rows of a line that stands below ``upper``, or first."""
        rows = [*self._above(line, upper)]
        if isinstance(line, Message):
            rows += self._message(line, upper, has_rule=bool(rows), is_whole=is_whole)
        else:
            if not rows and not self.compact and isinstance(upper, Message):
                rows.append(EMPTY)
            rows += self._notice(line)
        return Block(line, upper, is_whole, tuple(rows))

    def guess(self, lines: int, characters: int) -> int:
        """Return about how many rows so many lines take."""
        return lines + lines // 2 + characters // max(self._text_width, 1)

    @property
    def _text_width(self) -> int:
        return self.width - INDENT - MARGIN

    def _above(self, line: Line, upper: Line | None) -> Iterator[Row]:
        if upper is None:
            yield self._rule(
                "older messages come up …" if self.has_older else "the room begins here", Role.DAY
            )
        if upper is None or self.clock.day(line.at) != self.clock.day(upper.at):
            yield self._rule(self.clock.day_text(line.at), Role.DAY)
        if self.unread_from == line.position:
            yield self._rule("new", Role.UNREAD)

    def _message(
        self, message: Message, upper: Line | None, *, has_rule: bool, is_whole: bool
    ) -> Iterator[Row]:
        if has_rule or not _continues(message, upper):
            if not has_rule and not self.compact:
                yield EMPTY
            yield self._header(message)
        rows = list(self._body(message, is_whole=is_whole))
        yield from rows[:-1]
        yield self._with_mark(rows[-1], message)

    def _header(self, message: Message) -> Row:
        colour = Role.MINE if message.is_mine else sender_role(message.sender)
        after = [Piece(Safe(f"  {self.clock.time_text(message.at)}"), Role.TIME)]
        if message.is_mine:
            after.insert(0, Piece(Safe(" (you)"), Role.TIME))
        elif message.verified:
            mark = Safe(" verified") if self.width >= ROOMY else Safe(f" {self.marks.verified}")
            after.insert(0, Piece(mark, Role.VERIFIED))
        name = shortened(message.sender, self.width - GUTTER - sum(cell_len(piece.text) for piece in after))
        return Row((Piece(_gutter(), Role.BODY), Piece(name, colour), *after))

    def _body(self, message: Message, *, is_whole: bool) -> Iterator[Row]:
        slices, is_cut = self._slices(message.text, is_whole=is_whole)
        links = deque(find_links(message.text))
        for start, end in slices:
            pieces = [Piece(Safe(" " * INDENT), Role.BODY)]
            at = start
            while links and links[0].start < end:
                link = links[0]
                if link.start > at:
                    pieces.append(Piece(Safe(message.text[at : link.start]), Role.BODY))
                at, stop = max(at, link.start), min(link.end, end)
                pieces.append(Piece(Safe(message.text[at:stop]), Role.LINK))
                at = stop
                if link.end > end:
                    break
                links.popleft()
            if at < end:
                pieces.append(Piece(Safe(message.text[at:end]), Role.BODY))
            yield Row(tuple(pieces), (start, end))
        if is_cut:
            hint = Safe(f"… Space shows all of it ({len(message.text)} characters)")
            yield Row((Piece(Safe(" " * INDENT), Role.BODY), Piece(hint, Role.INFO)), unfolds=True)

    def _slices(self, text: Safe, *, is_whole: bool) -> tuple[list[Slice], bool]:
        """Return the rows of a text that are shown, and whether there are more."""
        if is_whole or len(text) <= FOLD_ROWS:
            return wrap(text, self._text_width), False
        slices = wrap(text[:FOLD_CHARACTERS], self._text_width)
        if len(text) <= FOLD_CHARACTERS and len(slices) <= FOLD_ROWS + FOLD_ROWS // 4:
            return slices, False
        return slices[:FOLD_ROWS], True

    def _with_mark(self, row: Row, message: Message) -> Row:
        """Put how far one's own message has come after its last row."""
        if not message.is_mine:
            return row
        if message.delivery is Delivery.QUEUED:
            mark = Piece(Safe(f"  {self.marks.queued}"), Role.QUEUED)
        else:
            mark = Piece(Safe(f"  {self.marks.stored}"), Role.MARK)
        return row._replace(pieces=(*row.pieces, mark))

    def _notice(self, notice: Notice) -> Iterator[Row]:
        role, level = _LEVELS[notice.level]
        lead = Safe(f"{self.marks.info} ") if notice.level is Level.INFO else level
        time = Safe(f"  {self.clock.time_text(notice.at)}")
        indent = min(cell_len(lead), self._text_width // 2)
        rows = wrap(notice.text, self._text_width - indent)
        for start, end in rows:
            before = lead if start == 0 else Safe(" " * indent)
            pieces = [Piece(_gutter(), role), Piece(before, role), Piece(Safe(notice.text[start:end]), role)]
            if (start, end) == rows[-1] and sum(cell_len(piece.text) for piece in pieces) + len(
                time
            ) <= self.width:
                pieces.append(Piece(time, Role.TIME if notice.level is Level.INFO else role))
            fill = role if notice.level is Level.ALARM else Role.BODY
            yield Row(tuple(pieces), (start, end), GUTTER + len(before), fill)
        if notice.level is Level.ALARM:
            hint = Safe(f"{' ' * indent}Enter says what to do.")
            yield Row((Piece(_gutter(), role), Piece(hint, role)), fill=role)

    def _rule(self, text: str, role: Role) -> Row:
        """A line across the screen with a text in it."""
        words = f" {text} "
        left = max((self.width - cell_len(words)) // 2, 0)
        right = max(self.width - left - cell_len(words), 0)
        return Row(
            (Piece(Safe(f"{self.marks.rule * left}{words}{self.marks.rule * right}"), role),), is_marked=False
        )


def sender_role(sender: Safe) -> str:
    """Return the name of the colour of a sender: the same on every screen, whoever else is there."""
    return f"sender-{crc32(sender.encode()) % SENDER_COLOURS}"


def shortened(name: Safe, cells: int) -> Safe:
    """Return a name in at most ``cells`` cells (1 or more), its direction still isolated."""
    if cell_len(name) <= cells:
        return name
    closing = POP_ISOLATE if name.endswith(POP_ISOLATE) else ""
    kept = ""
    for start, end, _ in split_graphemes(name.removesuffix(POP_ISOLATE))[0]:
        if cell_len(name[:end]) >= cells:
            break
        kept += name[start:end]
    return Safe(f"{kept}…{closing}")


def _continues(message: Message, upper: Line | None) -> bool:
    """Tell whether a message needs no header: the same sender goes on, and is verified as before."""
    return (
        isinstance(upper, Message)
        and upper.sender == message.sender
        and upper.is_mine == message.is_mine
        and upper.verified == message.verified
        and message.at - upper.at < RUN
    )


def _gutter() -> Safe:
    return Safe(" " * GUTTER)
