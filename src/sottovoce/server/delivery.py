"""The delivery service: room logs, one commit per epoch, turns, inboxes (RFC 9750 §5).

The way of a message: :meth:`DeliveryService.append` hands a transaction to the store's writer; after COMMIT
its outcome comes back on the event loop, where the sender is answered and the entries, encoded once, go to
every subscriber. Outcomes come in the log's order, so every connection is pushed one and the same order.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from sottovoce.link import messages as m
from sottovoce.link.frames import encode_frame
from sottovoce.link.parts import ErrorCode, RoomSummary
from sottovoce.server import delivery_rules as rules
from sottovoce.server import room_transactions as transactions
from sottovoce.server.appending import Appender
from sottovoce.server.delivery_rules import RoomPosition
from sottovoce.server.errors import Refused
from sottovoce.server.fanout import Fanout
from sottovoce.server.metrics import Metrics
from sottovoce.server.room_log import RoomLog
from sottovoce.server.session import Session
from sottovoce.server.store import rooms, segments
from sottovoce.server.store.segments import NewEntries
from sottovoce.server.store.store import Store
from sottovoce.server.turns import Turns

MAX_REPLY_BYTES: Final = 512 * 1024
"""Bytes of entries in one reply or push, or of Welcomes, unless a single one is larger."""

SUPERSEDING_A_MINUTE: Final = 3
"""Superseding commits that one device may make in one room within a minute."""

LOBBY: Final = "lobby"
"""The name of the open room that the server makes at its first start."""

_DELETE_AT_ONCE: Final = 100  # segments
_GROUP_INFO_WANTED_EVERY: Final = 5.0  # seconds
_INBOX_PUSH: Final = encode_frame(m.InboxPush())


class DeliveryService:
    """Rooms, as far as a server knows them. Used on the event loop only."""

    def __init__(
        self,
        store: Store,
        fanout: Fanout,
        metrics: Metrics,
        *,
        turn_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._fanout = fanout
        self._metrics = metrics
        self._clock = clock
        self._turns = Turns(turn_seconds)
        self._wanted: dict[bytes, float] = {}
        self._superseded: dict[tuple[bytes, int], list[float]] = {}
        self._appender = Appender()
        self._log = RoomLog(store, self._appender, self._publish)

    # --- the log -------------------------------------------------------------------------------------------

    def append(self, session: Session, request: m.Append) -> None:
        """Store messages; the reply comes after COMMIT, then every subscriber is told."""
        self._log.append(session, request)

    def commit(self, session: Session, request: m.Commit) -> None:
        """Store a commit if it is the first of its epoch; then give the turn back and tell everybody."""
        device = session.current_device
        now_ms = _now_ms()
        taken_for = self._turns.taken_for(request.room_id, session, self._clock())
        may_supersede_in = self._may_supersede_in(request.room_id, device.row)

        def done(outcome: transactions.Committed | BaseException) -> None:
            if isinstance(outcome, BaseException):
                session.refuse(request, outcome)
                return
            session.reply(m.CommitReply(request.id, outcome.seq, outcome.head_hash))
            for taken_back in outcome.taken_back:
                self._fanout.unsubscribe(request.room_id, taken_back)
            if outcome.new is not None:
                if request.supersedes is not None:
                    self._note_superseding(request.room_id, device.row)
                self._publish(request.room_id, outcome.new)
            for removed in outcome.removed:
                self._fanout.unsubscribe(request.room_id, removed)
            for welcomed in outcome.welcomed:
                self._fanout.wake(welcomed, _INBOX_PUSH)
            self._turns.give_back(request.room_id, session, self._clock())

        def work(db: sqlite3.Connection) -> transactions.Committed:
            self._appender.forget(request.room_id)
            return transactions.commit(
                db, device, request, taken_for, now_ms, may_supersede_in=may_supersede_in
            )

        self._store.submit(work, done)

    def _may_supersede_in(self, room_id: bytes, device: int) -> float | None:
        """Seconds until a device may supersede another commit of a room; None: it may now."""
        times = [at for at in self._superseded.get((room_id, device), ()) if at > self._clock() - 60.0]
        return times[0] + 60.0 - self._clock() if len(times) >= SUPERSEDING_A_MINUTE else None

    def _note_superseding(self, room_id: bytes, device: int) -> None:
        now = self._clock()
        recent = {
            key: [at for at in times if at > now - 60.0]
            for key, times in self._superseded.items()
            if times[-1] > now - 60.0
        }
        recent.setdefault((room_id, device), []).append(now)
        self._superseded = recent

    async def fetch(self, session: Session, request: m.Fetch) -> m.FetchReply:
        """Read the log after a seq."""
        device = session.current_device.row
        entries, position = await self._store.read(
            lambda db: transactions.fetch(db, device, request, MAX_REPLY_BYTES)
        )
        return m.FetchReply(request.id, entries, position.head, position.first)

    def subscribe(self, session: Session, request: m.Subscribe) -> None:
        """Push every later entry; ``head`` is read in the writer's order, so that none falls between."""
        device = session.current_device.row

        def done(outcome: int | BaseException) -> None:
            if isinstance(outcome, BaseException):
                session.refuse(request, outcome)
                return
            session.reply(m.SubscribeReply(request.id, outcome))
            self._fanout.subscribe(request.room_id, session)

        self._store.submit(
            lambda db: transactions.head_for_member(db, device, request.room_id), done, is_brief=True
        )

    def _publish(self, room_id: bytes, new: NewEntries) -> None:
        """Push entries that are on disk, in the bytes stored; several frames if one would be too large."""
        self._metrics.entries_stored += len(new.encoded)
        for entries, head in new.pushes(MAX_REPLY_BYTES):
            self._fanout.publish_entries(room_id, encode_frame(m.EntriesPush(room_id, entries)), head)

    # --- rooms ---------------------------------------------------------------------------------------------

    async def room_list(self, session: Session, request: m.RoomList) -> m.RoomListReply:
        """This device's rooms, and the open ones."""
        device = session.current_device.row
        listed = await self._store.read(lambda db: rooms.list_rooms(db, device))
        summaries = [
            RoomSummary(x.room_id, x.is_member, x.epoch, x.head, x.open_name, x.open_join_secret)
            for x in listed
        ]
        return m.RoomListReply(request.id, summaries)

    async def create(self, session: Session, request: m.RoomCreate) -> m.Done:
        """Found a room's group."""
        device = session.current_device.row

        def work(db: sqlite3.Connection) -> None:
            self._appender.forget(request.room_id)
            transactions.create(db, device, request)

        await self._store.write(work)
        return m.Done(request.id)

    async def state(self, _session: Session, request: m.RoomState) -> m.RoomStateReply:
        """Read what a joiner needs; the GroupInfo is sealed, so it is for everybody who is logged in."""
        room_id = request.room_id
        position, group_info = await self._store.read(
            lambda db: transactions.state(db, room_id, want_group_info=True)
        )
        return m.RoomStateReply(request.id, position.epoch, position.head, position.head_hash, group_info)

    def leave(self, session: Session, request: m.Leave) -> None:
        """Take this device off the roster; from COMMIT on it is told of nothing more."""
        device = session.current_device.row
        room_id = request.room_id

        def done(outcome: BaseException | None) -> None:
            if isinstance(outcome, BaseException):
                session.refuse(request, outcome)
                return
            session.reply(m.Done(request.id))
            self._fanout.unsubscribe(room_id, device)
            self._turns.release(room_id, session, self._clock())

        def work(db: sqlite3.Connection) -> None:
            self._appender.forget(room_id)
            transactions.leave(db, device, room_id)

        self._store.submit(work, done)

    async def group_info_damaged(self, _session: Session, request: m.GroupInfoDamaged) -> m.Done:
        """Ask the members who are connected for a commit, at most once in five seconds for a room."""
        room_id = request.room_id
        position, _ = await self._store.read(
            lambda db: transactions.state(db, room_id, want_group_info=False)
        )
        now = self._clock()
        if position.epoch == request.epoch and self._wanted.get(room_id, 0.0) <= now:
            self._wanted = {room: until for room, until in self._wanted.items() if until > now}
            self._wanted[room_id] = now + _GROUP_INFO_WANTED_EVERY
            self._fanout.publish(room_id, encode_frame(m.GroupInfoWanted(room_id)))
        return m.Done(request.id)

    # --- turns ---------------------------------------------------------------------------------------------

    def turn(self, session: Session, request: m.Turn) -> None:
        """Queue for the turn to commit; the reply comes when it is granted, with the room as it is then."""

        def granted(seconds: float) -> None:
            self._store.submit(
                lambda db: transactions.state(db, request.room_id, want_group_info=request.want_group_info),
                partial(done, int(seconds * 1000)),
            )

        def done(expires_in: int, outcome: tuple[RoomPosition, bytes | None] | BaseException) -> None:
            if isinstance(outcome, BaseException):
                self._turns.give_back(request.room_id, session, self._clock())
                session.refuse(request, outcome)
                return
            position, group_info = outcome
            session.reply(
                m.TurnReply(
                    request.id,
                    expires_in,
                    position.epoch,
                    position.head,
                    position.head_hash,
                    group_info,
                )
            )

        def given_up() -> None:
            session.refuse(request, Refused(ErrorCode.NOT_ALLOWED, "the place in the queue was given up"))

        self._turns.ask(request.room_id, session, grant=granted, cancel=given_up, now=self._clock())

    async def turn_release(self, session: Session, request: m.TurnRelease) -> m.Done:
        """Give back the turn, or the place in the queue; requests that wait there are refused."""
        self._turns.release(request.room_id, session, self._clock())
        return m.Done(request.id)

    def expire_turns(self) -> None:
        """Pass on the turns whose time is over; called a few times a second."""
        self._turns.expire(self._clock())

    # --- inbox, and the connection's end -------------------------------------------------------------------

    async def inbox_fetch(self, session: Session, request: m.InboxFetch) -> m.InboxFetchReply:
        """Read the oldest Welcomes for this device."""
        device = session.current_device.row
        items = await self._store.read(lambda db: rooms.read_inbox(db, device, max_bytes=MAX_REPLY_BYTES))
        return m.InboxFetchReply(request.id, items)

    async def inbox_delete(self, session: Session, request: m.InboxDelete) -> m.Done:
        """Forget Welcomes that were processed."""
        device = session.current_device.row
        await self._store.write(lambda db: rooms.delete_from_inbox(db, device, request.item_ids))
        return m.Done(request.id)

    def device_connected(self, session: Session) -> None:
        """A device has logged in on this connection."""
        self._fanout.connect(session.current_device.row, session)

    def disconnected(self, session: Session) -> None:
        """The connection is gone: its subscriptions and turns with it."""
        self._fanout.disconnect(session)
        self._turns.release_all(session, self._clock())

    async def delete_older_than(self, before_ms: int) -> int:
        """Delete entries and Welcomes from before a time, a little at a time; returns how many entries."""
        total = 0
        for room in await self._store.read(lambda db: segments.rooms_with_entries_before(db, before_ms)):
            delete = partial(segments.delete_oldest, room=room, before_ms=before_ms, limit=_DELETE_AT_ONCE)
            while deleted := await self._store.write(delete):
                total += deleted

        def work(db: sqlite3.Connection) -> None:
            self._appender.forget_all()
            rooms.delete_abandoned(db, before_ms)

        await self._store.write(work)
        return total

    async def open_lobby(self, room_id: bytes, join_secret: bytes) -> tuple[bytes, bytes]:
        """Make the open room "lobby" unless there is one; returns its room id and published join secret."""

        def work(db: sqlite3.Connection) -> tuple[bytes, bytes]:
            existing = rooms.find_open_room(db, LOBBY)
            if existing is None:
                rooms.add_room(db, room_id, rules.INITIAL_HASH, open_name=LOBBY, open_join_secret=join_secret)
                return room_id, join_secret
            return existing

        return await self._store.write(work)


def _now_ms() -> int:
    return int(time.time() * 1000)
