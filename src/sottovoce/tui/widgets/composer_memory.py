"""What the composer remembers of each room: the draft, where its cursor was, and the lines sent before.

No text is ever lost: whoever changes a line of the history has a new draft, and the draft of before goes
into the history, from where Up brings it back.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

import msgspec

from sottovoce.client.sanitize import sanitize

MOST_LINES: Final = 200
MOST_CHARACTERS: Final = 128 * 1024
"""Of one room's history; the oldest lines go first, the newest always stays."""


def clean(text: str) -> str:
    """Return ``text``, sanitized, tabs as blanks up to the next stop of four, nothing cut off."""
    spaced = text.expandtabs(4)
    return sanitize(spaced, limit=len(spaced), multiline=True)


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """Text that is not sent yet, and the cursor in it (row and column count from 0)."""

    text: str = ""
    row: int = 0
    column: int = 0

    @classmethod
    def ending(cls, text: str) -> Draft:
        """Return a draft with the cursor at its end."""
        rows = text.split("\n")
        return cls(text, len(rows) - 1, len(rows[-1]))


NOTHING_TYPED: Final = Draft()


class RoomLines:
    """One room's draft and history, and which of them is shown."""

    def __init__(self) -> None:
        self.history: list[str] = []
        self.draft = NOTHING_TYPED
        self.is_history_new = False
        """Whether lines came into the history since it was kept."""
        self._at: int | None = None  # the line of the history that is shown, None for the draft

    @property
    def is_walking(self) -> bool:
        """Whether a line of the history is shown."""
        return self._at is not None

    @property
    def shown(self) -> Draft:
        """What the composer shows."""
        return self.draft if self._at is None else Draft.ending(self.history[self._at])

    def edit(self, typed: Draft) -> None:
        """Take what the composer holds now. A changed line of the history is the draft from now on."""
        if self._at is None:
            self.draft = typed
        elif typed.text != self.history[self._at]:
            self._at = None
            self._remember(self.draft.text)
            self.draft = typed

    def older(self) -> Draft | None:
        """Go one line back in the history; None at its beginning."""
        at = len(self.history) if self._at is None else self._at
        if at == 0:
            return None
        self._at = at - 1
        first, _, _ = self.history[self._at].partition("\n")
        return Draft(self.history[self._at], 0, len(first))

    def newer(self) -> Draft | None:
        """Go one line forward, after the newest back to the draft; None if that is shown already."""
        if self._at is None:
            return None
        self._at = self._at + 1 if self._at + 1 < len(self.history) else None
        return self.shown

    def sent(self) -> Draft:
        """What is shown is sent: it goes into the history, and what is shown next is returned."""
        text = self.shown.text
        if self._at is None:
            self.draft = NOTHING_TYPED
        self._at = None
        self._remember(text)
        return self.draft

    def take_back(self, text: str) -> Draft:
        """A text that could not be sent stands before the draft again."""
        self._at = None
        joined = f"{clean(text)}\n{self.draft.text}" if self.draft.text else clean(text)
        self.draft = Draft.ending(joined)
        return self.draft

    def put_before(self, lines: list[str]) -> None:
        """Put older ``lines`` before the history."""
        newer, self.history, is_new = self.history, [], self.is_history_new
        for text in [*lines, *newer]:
            self._remember(text)
        self.is_history_new = is_new
        if self._at is not None:
            shown = newer[self._at]
            self._at = self.history.index(shown) if shown in self.history else None

    def leave(self) -> None:
        """Another room is shown now: this one will show its draft again."""
        self._at = None

    def _remember(self, text: str) -> None:
        if not text.strip():
            return
        if text in self.history:
            self.history.remove(text)
        self.history.append(text)
        self.is_history_new = True
        while len(self.history) > 1 and (
            len(self.history) > MOST_LINES or sum(map(len, self.history)) > MOST_CHARACTERS
        ):
            del self.history[0]


class ComposerMemory:
    """The lines of all rooms, each under its id (16 bytes)."""

    def __init__(self) -> None:
        self._rooms: Final[dict[bytes, RoomLines]] = {}

    def room(self, room_id: bytes) -> RoomLines:
        """Return the room's lines, empty ones if there are none yet."""
        return self._rooms.setdefault(room_id, RoomLines())

    def orphan(self, room_id: bytes, to: bytes) -> None:
        """Put the draft of a room that is gone before the draft of another one."""
        gone, draft = self.room(room_id), self.room(room_id).draft
        gone.draft = NOTHING_TYPED
        gone.leave()
        if draft.text:
            self.room(to).take_back(draft.text)

    def forget(self, room_id: bytes) -> None:
        """The room was left: neither its draft nor its history is kept any more."""
        self._rooms.pop(room_id, None)

    def drafts(self) -> bytes:
        """Return all drafts, to be kept."""
        return msgspec.msgpack.encode(
            {key: room.draft for key, room in self._rooms.items() if room.draft.text}
        )

    def load_drafts(self, kept: bytes, rooms: Container[bytes] | None = None) -> None:
        """Take :meth:`drafts` of before, of these rooms alone if they are given.

        A room where something is typed already keeps that. What cannot be read counts as nothing kept.
        """
        try:
            drafts = msgspec.msgpack.decode(kept, type=dict[bytes, Draft])
        except msgspec.DecodeError:
            return
        for key, draft in drafts.items():
            if (rooms is None or key in rooms) and not self.room(key).draft.text:
                self.room(key).draft = Draft(clean(draft.text), draft.row, draft.column)

    def new_histories(self) -> list[bytes]:
        """Return the ids of the rooms whose history is to be kept."""
        return [room_id for room_id, room in self._rooms.items() if room.is_history_new]

    def history(self, room_id: bytes) -> bytes:
        """Return the history of one room, to be kept; it counts as kept from now on."""
        self.room(room_id).is_history_new = False
        return msgspec.msgpack.encode(self.room(room_id).history)

    def load_history(self, room_id: bytes, kept: bytes) -> None:
        """Take :meth:`history` of before; it stands before what was sent since.

        What cannot be read counts as nothing kept.
        """
        try:
            lines = msgspec.msgpack.decode(kept, type=list[str])
        except msgspec.DecodeError:
            return
        self.room(room_id).put_before([clean(line) for line in lines])
