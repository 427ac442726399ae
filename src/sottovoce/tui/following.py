"""Follows a client in the SDK's thread and gathers what is new, at a pace that leaves time to draw."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sottovoce.client.events import (
    Connected,
    Disconnected,
    RoomAppeared,
    RoomChanged,
    SessionEnded,
    StoredItem,
)
from sottovoce.tui import view, view_making
from sottovoce.tui.pace import Pace
from sottovoce.tui.safe_text import Safe, safe, safe_name

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.room import Room

PAGE: Final = 200
"""Lines that are read at once."""

_SEEN: Final = "alarms seen "


@dataclass
class _Followed:
    """How far a room was told: the newest position, the queued messages, the explanations looked at."""

    position: int
    unread: int = 0
    explained: tuple[view.Explanation, ...] = ()
    seen: bytes | None = None
    queued: set[bytes] = field(default_factory=set)

    @property
    def unseen(self) -> int:
        return view_making.unseen_count(self.explained, self.seen)


class Follower:
    """Tells the news of one client; everything here runs in the SDK's thread."""

    def __init__(self, client: Client, tell: Callable[[view.News], Awaitable[None]]) -> None:
        self._client: Final = client
        self._tell: Final = tell
        self._followed: Final[dict[bytes, _Followed]] = {}
        self._dirty: Final[set[bytes]] = set()
        self._open: bytes | None = None
        self._is_opening = False
        self._link: view.LinkState | None = None
        self._notes: Final[list[view.Note]] = []
        self._last_note: view.Note | None = None
        self._ended: Safe | None = None
        self._is_over = False  # the rooms are not alive any more, and what is shown of them stays
        self._something: Final = asyncio.Event()
        self._hurry: Final = asyncio.Event()
        self._pace: Final = Pace()

    async def run(self) -> None:
        """Tell the news until cancelled."""
        self._dirty.update(room.room_id for room in self._client.rooms())
        self._something.set()
        listening = asyncio.create_task(self._listen())
        listening.add_done_callback(lambda _: self._something.set())
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                if listening.done():
                    listening.result()  # raises what nobody foresaw: silence would look like peace
                self._hurry.clear()
                await self._tell(await self._gather())
                await self._rest()
        finally:
            listening.cancel()

    async def _rest(self) -> None:
        """Let the loop that draws do something else, unless a person waits for what comes next."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.told(loop.time())):
                await self._hurry.wait()

    def open(self, room_id: bytes) -> None:
        """From the next news on, tell the lines of this room; that news has its newest page."""
        self._open, self._is_opening = room_id, True
        self.look_at(room_id)

    def look_at(self, room_id: bytes, *, at_once: bool = True) -> None:
        """Something about this room may be new; ``at_once``: and a person waits for it."""
        self._dirty.add(room_id)
        self._something.set()
        if at_once:
            self._hurry.set()

    async def mark_explained(self, room_id: bytes, explained: Sequence[view.Explanation]) -> None:
        """These explanations of the room were looked at; what came since was not."""
        followed = self._followed.get(room_id)
        if followed is not None:
            followed.seen = view_making.seen_mark(explained)
            await self._client.keep(_SEEN + room_id.hex(), followed.seen)
            self.look_at(room_id)

    async def _listen(self) -> None:
        async for event in self._client.events():
            match event:
                case Connected() | Disconnected():
                    self._link = view_making.link_state(event, self._client.server)
                case RoomChanged(room_id=room_id):
                    self._dirty.add(room_id)
                case RoomAppeared():
                    self._dirty.update(room.room_id for room in self._client.rooms())
                case SessionEnded(reason=reason):
                    self._ended, self._is_over = safe(reason), True
                case _:
                    pass
            note = view_making.note_of(event)
            if note is not None and note != self._last_note:  # trouble is tried again, and told again
                self._notes.append(note)
                self._last_note = note
            self._something.set()

    async def _gather(self) -> view.News:
        rooms = {room.room_id: room for room in self._client.rooms()}
        open_id, is_opening, self._is_opening = self._open, self._is_opening, False
        dirty, opened = self._take_dirty(), None
        arrivals: list[view.Arrival] = []
        lines: tuple[view.Line, ...] = ()
        for room_id in dirty:
            room = rooms.get(room_id)
            if room is None:
                self._followed.pop(room_id, None)
                continue
            followed = await self._follow(room)
            if room_id != open_id:
                arrivals += await self._arrivals(room, followed)
            elif is_opening:
                opened = await self._opened(room, followed)
            else:
                lines = await self._new_lines(room, followed)
        news = view.News(
            link=self._link,
            rooms=tuple(self._shown(room) for room in rooms.values()) if dirty else None,
            opened=opened,
            details=self._details(rooms[open_id]) if open_id in dirty and open_id in rooms else None,
            room_id=open_id,
            lines=lines,
            arrivals=tuple(arrivals),
            notes=tuple(self._notes),
            ended=self._ended,
        )
        self._link = self._ended = None
        self._notes.clear()
        return news

    def _take_dirty(self) -> set[bytes]:
        dirty = set() if self._is_over else set(self._dirty)
        self._dirty.clear()
        return dirty

    async def _follow(self, room: Room) -> _Followed:
        """Look anew at what is counted; a room that is met for the first time counts as told."""
        followed = self._followed.get(room.room_id)
        if followed is None:
            newest = await room.history(limit=1)
            followed = _Followed(newest[-1].position if newest else 0)
            followed.seen = await self._client.kept(_SEEN + room.room_id.hex())
            self._followed[room.room_id] = followed
        followed.unread = await room.unread()
        followed.explained = view_making.explanations_of(room)
        return followed

    async def _opened(self, room: Room, followed: _Followed) -> view.OpenedRoom:
        queued = await self._queued(room, followed, known=set())
        page = await room.history(limit=PAGE)
        followed.position = page[-1].position if page else 0
        lines = _joined(page, queued)
        return view.OpenedRoom(
            self._details(room),
            view.Page(lines, has_older=len(page) == PAGE),
            await room.read_position(),
        )

    async def _new_lines(self, room: Room, followed: _Followed) -> tuple[view.Line, ...]:
        queued = await self._queued(room, followed, followed.queued)
        page = await self._page_after(room, followed)
        return _joined(page, queued)

    async def _queued(self, room: Room, followed: _Followed, known: set[bytes]) -> list[view.Message]:
        """The messages that wait and are not ``known`` to wait; asked for before the history is."""
        pending = await room.pending()
        followed.queued = {message.message_id for message in pending}
        return [
            view_making.queued_line(message, self._client.user)
            for message in pending
            if message.message_id not in known
        ]

    async def _arrivals(self, room: Room, followed: _Followed) -> list[view.Arrival]:
        page = await self._page_after(room, followed)
        if not page:
            return []
        return [view.Arrival(self._shown(room), tuple(map(view_making.line_of, page)))]

    async def _page_after(self, room: Room, followed: _Followed) -> list[StoredItem]:
        """What came since the room was told last, a page at most; more comes with the next news."""
        page = await room.history_after(followed.position, PAGE)
        if page:
            followed.position = page[-1].position
        if len(page) == PAGE:
            self.look_at(room.room_id, at_once=False)
        self._notes.extend(view_making.look_alike_notes(page, room))
        return page

    def _shown(self, room: Room) -> view.Room:
        followed = self._followed.get(room.room_id)
        if followed is None:
            return view_making.room_of(room, 0, has_alarm=False)
        return view_making.room_of(room, followed.unread, has_alarm=followed.unseen > 0)

    def _details(self, room: Room) -> view.RoomDetails:
        followed = self._followed[room.room_id]
        members = view_making.members_of(room, self._client.user)
        return view.RoomDetails(
            room=self._shown(room),
            members=members,
            security=view_making.security_of(room, members),
            unseen=followed.unseen,
            waits_for=safe_name(room.waits_for or ""),
        )


def _joined(page: Sequence[StoredItem], queued: Sequence[view.Message]) -> tuple[view.Line, ...]:
    """The lines of a page, then the queued messages that are not among them already."""
    lines = tuple(map(view_making.line_of, page))
    stored = {line.message_id for line in lines if isinstance(line, view.Message)}
    return (*lines, *(message for message in queued if message.message_id not in stored))
