"""The bridge between the loop that draws and the SDK in its thread.

All methods are awaited on the loop that draws; what they return, and the :class:`~sottovoce.tui.view.News`
that come by themselves, are view objects made on the other side. Refusals come as :class:`Refused`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from sottovoce.client.errors import ClientClosed, NotInRoom, UnknownRoom
from sottovoce.errors import SottovoceError
from sottovoce.tui import view, view_making
from sottovoce.tui.life import Life
from sottovoce.tui.safe_text import NOTHING, Safe, safe, safe_name
from sottovoce.tui.sdk_thread import SdkThread

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.room import Room
    from sottovoce.tui.following import Follower

Result = TypeVar("Result")

LAST_ROOM: Final = "app last room"
"""The name under which the id of the room that was open last is kept."""


class Refused(Exception):
    """The SDK refused; ``sentence`` says what happened and what to do, ``cause`` is the SDK's error."""

    def __init__(self, cause: SottovoceError) -> None:
        self.sentence: Final = safe(str(cause))
        self.cause: Final = cause
        super().__init__(self.sentence)


@dataclass(frozen=True)
class Entrance:
    """With what to enter: see :func:`sottovoce.client.client.connect`."""

    link: str | None
    user: str
    password: str = field(repr=False)
    home: Path | None = None
    register: bool | None = None


@dataclass(frozen=True)
class Place:
    """A server as a link or an address leads to it; ``accounts``: those with a profile on this machine."""

    server: Safe
    room: Safe | None
    accounts: tuple[Safe, ...]


class Bridge:
    """One client of the SDK, or none before :meth:`enter` and after :meth:`leave`.

    ``hear`` is given the news, ``fail`` an error nobody foresaw in what makes them; both on the loop that
    draws.
    """

    def __init__(self, hear: Callable[[view.News], None], fail: Callable[[Exception], None]) -> None:
        self.user = NOTHING
        """Who entered."""
        self._hear: Final = hear
        self._fail: Final = fail
        self._thread: Final = SdkThread()
        self._client: Client | None = None
        self._follower: Follower | None = None
        self._life: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None  # the life that was told to end

    # --- coming and going -----------------------------------------------------------------------------------

    async def find(self, link: str | None, home: Path | None = None) -> Place:
        """Look where an invite link, ``HOST:PORT`` or None (the server of this machine) leads."""

        async def work() -> Place:
            from sottovoce.client.profile import default_home, known_accounts
            from sottovoce.client.server_address import find_server

            folder = default_home() if home is None else home
            address = find_server(link, folder)
            known = [] if address.pin is None else known_accounts(folder, address.pin)
            room = None if address.invite is None else safe_name(address.invite.room_name)
            return Place(safe(f"{address.host}:{address.port}"), room, tuple(map(safe, known)))

        return await self._do(work())

    async def enter(self, entrance: Entrance) -> view.Me:
        """Connect, registering or logging in; news come from then on.

        Who was in before is out by then; being cancelled, it leaves nobody in.
        """

        async def work() -> view.Me:
            await self._end_life()
            entered: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._life = asyncio.create_task(self._live(entrance, entered))
            try:
                await asyncio.wait((self._life, entered), return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                await self._end_life()
                raise
            if self._life.done():
                self._life.result()
            return view_making.me_of(entered.result())

        me = await self._do(work())
        self.user = me.user
        return me

    async def leave(self) -> None:
        """Disconnect and close the store; what is unsent is kept and goes out the next time."""

        async def work() -> None:
            life = self._life
            if life is not None and not life.done():
                self._end(life)
                with suppress(asyncio.CancelledError):
                    await life

        await self._do(work())

    def leave_from_outside(self, patience: float) -> None:
        """:meth:`leave`, from any thread and whatever state the loop that draws is in.

        Waits for ``patience`` seconds at most; does nothing after :meth:`close`.
        """
        self._thread.call_from_outside(self._end_life, patience)

    async def close(self) -> None:
        """Leave, and end the thread."""
        try:
            await self.leave()
        finally:
            await self._thread.close()

    async def _end_life(self) -> None:
        """In the SDK's thread: be disconnected, whatever comes of it."""
        life = self._life
        if life is not None and not life.done():
            self._end(life)
            await asyncio.wait((life,))

    def _end(self, life: asyncio.Task[None]) -> None:
        """Cancel a life once: a second time would break off the closing of the store.

        ``life.cancelling()`` does not tell: it counts a timeout that is just running out, too.
        """
        if life is not self._ending:
            self._ending = life
            life.cancel()

    async def _live(self, entrance: Entrance, entered: asyncio.Future[Client]) -> None:
        """In the SDK's thread: be connected until cancelled."""
        from sottovoce.client.client import connect
        from sottovoce.tui.following import Follower

        async with connect(
            entrance.link,
            user=entrance.user,
            password=entrance.password,
            home=entrance.home,
            register=entrance.register,
        ) as client:
            self._client, self._follower = client, Follower(client, self._tell)
            entered.set_result(client)
            try:
                await self._follower.run()
            except SottovoceError as trouble:
                await self._tell(view.News(ended=safe(str(trouble))))
            except Exception as bug:  # noqa: BLE001 - nobody waits for this task: it is handed over
                await self._thread.tell(partial(self._fail, bug))
            finally:
                self._client = self._follower = None

    async def _tell(self, news: view.News) -> None:
        await self._thread.tell(lambda: self._hear(news))

    # --- looking --------------------------------------------------------------------------------------------

    async def open(self, room_id: bytes) -> None:
        """Have the news tell the lines of this room; the first of them has its newest page."""

        async def work(client: Client, follower: Follower) -> None:
            _find(client, room_id)  # of a room that is gone, no news would ever come
            follower.open(room_id)

        await self._with_client(work)

    async def page(self, room_id: bytes, before: int, limit: int) -> view.Page:
        """The newest ``limit`` lines before a position."""

        async def work(room: Room) -> view.Page:
            found = await room.history(before=before, limit=limit)
            return view.Page(tuple(map(view_making.line_of, found)), has_older=len(found) == limit)

        return await self._with_room(room_id, work)

    async def x_ray(self, room_id: bytes, message_id: bytes) -> Life:
        """One message in its layers, beside what the server gives out of it now; may take 5 seconds."""

        async def work(room: Room) -> Life:
            from sottovoce.tui.life_words import life_in_words

            return life_in_words(await room.life_of(message_id))

        return await self._with_room(room_id, work)

    async def explain(self, room_id: bytes) -> tuple[view.Explanation, ...]:
        """What went wrong in the room and what to do, newest first."""

        async def work(room: Room) -> tuple[view.Explanation, ...]:
            return view_making.explanations_of(room)

        return await self._with_room(room_id, work)

    async def mark_explained(self, room_id: bytes, explained: Sequence[view.Explanation]) -> None:
        """These explanations, as :meth:`explain` gave them, were looked at."""

        async def work(_: Client, follower: Follower) -> None:
            await follower.mark_explained(room_id, explained)

        await self._with_client(work)

    async def mark_read(self, room_id: bytes, position: int) -> None:
        """The lines up to this position were read."""

        async def work(client: Client, follower: Follower) -> None:
            await _find(client, room_id).mark_read(position)
            follower.look_at(room_id, at_once=False)

        await self._with_client(work)

    async def unsent(self) -> int:
        """How many messages wait for the server."""

        async def work(client: Client, _: Follower) -> int:
            return sum([len(await room.pending()) for room in client.rooms()])

        return await self._with_client(work)

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a value in the encrypted store, in as many parts as it needs; empty: forget it.

        Nothing stays of a longer one before it.
        """

        async def work(client: Client, _: Follower) -> None:
            from sottovoce.client.client import MAX_KEPT_VALUE

            parts = [value[at : at + MAX_KEPT_VALUE] for at in range(0, len(value), MAX_KEPT_VALUE)]
            for number, part in enumerate(parts):
                await client.keep(_part(name, number), part)
            number = len(parts)
            while await client.kept(_part(name, number)):
                await client.keep(_part(name, number), b"")
                number += 1

        await self._with_client(work)

    async def kept(self, name: str) -> bytes | None:
        """A value that was kept."""

        async def work(client: Client, _: Follower) -> bytes | None:
            parts: list[bytes] = []
            while part := await client.kept(_part(name, len(parts))):
                parts.append(part)
            return b"".join(parts) or None

        return await self._with_client(work)

    async def room_ids(self) -> set[bytes]:
        """The rooms one is in."""

        async def work(client: Client, _: Follower) -> set[bytes]:
            return {room.room_id for room in client.rooms()}

        return await self._with_client(work)

    # --- acting in a room -----------------------------------------------------------------------------------

    async def send(self, room_id: bytes, text: str) -> None:
        """Store a text for sending; it comes as a queued line with the news."""

        async def work(client: Client, follower: Follower) -> None:
            await _find(client, room_id).send(text)
            follower.look_at(room_id)

        await self._with_client(work)

    async def safety_number(self, room_id: bytes, user: str) -> view.SafetyNumber:
        """The number to compare with a person."""

        async def work(room: Room) -> view.SafetyNumber:
            digits = room.safety_number(user)
            return view.SafetyNumber(safe_name(user), digits, room.has_changed_key(user))

        return await self._with_room(room_id, work)

    async def verify(self, room_id: bytes, user: str) -> None:
        """The numbers are the same: trust the key they are of."""
        await self._change(room_id, lambda room: room.verify(user))

    async def distrust(self, room_id: bytes, user: str) -> None:
        """The numbers differ: the person counts as verified no more."""
        await self._change(room_id, lambda room: room.distrust(user))

    async def add(self, room_id: bytes, user: str) -> None:
        """Add a person who has an account here."""
        await self._change(room_id, lambda room: room.add(user))

    async def remove(self, room_id: bytes, user: str) -> None:
        """Take a person out."""
        await self._change(room_id, lambda room: room.remove(user))

    async def leave_room(self, room_id: bytes) -> None:
        """Leave the room for good, on this device."""
        await self._change(room_id, lambda room: room.leave())

    async def invite(self, room_id: bytes) -> view.Invite:
        """Make an invite link into the room."""

        async def work(client: Client, _: Follower) -> view.Invite:
            from sottovoce.client.calendar import calendar_time

            room = _find(client, room_id)
            link = await client.invite(room)
            return view.Invite(safe(str(link)), safe_name(room.name), calendar_time(link.expires_at or 0))

        return await self._with_client(work)

    # --- rooms ----------------------------------------------------------------------------------------------

    async def create_room(self, name: str, *, unless_there: bool = False) -> bytes:
        """Make a room; returns its id. ``unless_there``: or that of a room of this name one is in already."""

        async def work(client: Client, follower: Follower) -> bytes:
            there = [room.room_id for room in client.rooms() if room.name == name]
            if unless_there and there:
                return there[0]
            room_id = (await client.create_room(name)).room_id
            follower.look_at(room_id)
            return room_id

        return await self._with_client(work)

    async def enter_first_room(self, link: str | None) -> bytes | None:
        """Be in the room of the invite link, else in the one that was open last, else in the lobby.

        None where there is none of these.
        """

        async def work(client: Client, _: Follower) -> bytes | None:
            if link is not None and "://" in link:
                return (await client.join(link)).room_id
            known = {room.room_id: room.name for room in client.rooms()}
            last = await client.kept(LAST_ROOM)
            if last in known:
                return last
            try:
                if known and "lobby" not in known.values():
                    return next(iter(known))
                return (await client.join("lobby")).room_id
            except UnknownRoom:
                return None

        return await self._with_client(work)

    async def join(self, room: str, room_key: bytes | None = None) -> bytes:
        """Be in a room, by its name or an invite link; returns its id."""

        async def work(client: Client, follower: Follower) -> bytes:
            room_id = (await client.join(room, room_key)).room_id
            follower.look_at(room_id)
            return room_id

        return await self._with_client(work)

    async def open_rooms(self) -> tuple[Safe, ...]:
        """The names of the rooms on the server that everybody may join, and this device has not."""

        async def work(client: Client, _: Follower) -> tuple[Safe, ...]:
            return tuple(safe(room.name) for room in await client.look_up_rooms() if not room.is_member)

        return await self._with_client(work)

    # --- how it is done -------------------------------------------------------------------------------------

    async def _change(self, room_id: bytes, act: Callable[[Room], Awaitable[None]]) -> None:
        async def work(client: Client, follower: Follower) -> None:
            await act(_find(client, room_id))
            follower.look_at(room_id)

        await self._with_client(work)

    async def _with_room(
        self, room_id: bytes, work: Callable[[Room], Coroutine[None, None, Result]]
    ) -> Result:
        return await self._with_client(lambda client, _: work(_find(client, room_id)))

    async def _with_client(self, work: Callable[[Client, Follower], Coroutine[None, None, Result]]) -> Result:
        async def there() -> Result:
            if self._client is None or self._follower is None:
                raise ClientClosed
            return await work(self._client, self._follower)

        return await self._do(there())

    async def _do(self, work: Coroutine[None, None, Result]) -> Result:
        try:
            return await self._thread.call(work)
        except SottovoceError as refusal:
            raise Refused(refusal) from refusal


def _part(name: str, number: int) -> str:
    return f"{name} part {number}" if number else name


def _find(client: Client, room_id: bytes) -> Room:
    for room in client.rooms():
        if room.room_id == room_id:
            return room
    raise NotInRoom("this room")
