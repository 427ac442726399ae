"""Following a room's log over the link: pushes, holes in them, batches stored in one transaction each."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from sottovoce.client import explanations
from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.errors import RequestRefused
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.log_reader import LogReader, OutOfStep
from sottovoce.client.room_state import Changes
from sottovoce.client.tables.rooms import Membership
from sottovoce.client.transport import ServerLink
from sottovoce.link.messages import Fetch, FetchReply, Subscribe, SubscribeReply
from sottovoce.link.parts import Entry, ErrorCode

MAX_PUSHED: Final = 4096
MAX_PUSHED_LENGTH: Final = 16 * 1024 * 1024
"""Pushed entries held unread, and bytes of them; past that they are dropped and fetched."""

_ENTRIES_BETWEEN_YIELDS: Final = 2
"""An entry takes about half a millisecond, and an app may have a key to draw meanwhile."""

_FETCH_LIMIT: Final = 500


class LogFollower:
    """Brings one room's state up to the newest log entry that is known of."""

    def __init__(self, kept: KeptRoom) -> None:
        self._kept: Final = kept
        self._reader = LogReader(kept.state, kept.outbox.by_payload)
        self._pushed: Final[deque[Entry]] = deque()
        self._pushed_length = 0
        self._known_head = 0
        self.intents_done: Final[list[int]] = []
        """Intents whose commits were read back since somebody looked."""

    @property
    def reader(self) -> LogReader:
        """The reader of the room's present state."""
        if self._reader.state is not self._kept.state:
            self._reader = LogReader(self._kept.state, self._kept.outbox.by_payload)
        return self._reader

    @property
    def has_unread(self) -> bool:
        """Whether the log is known to go further than what was read."""
        return self._known_head > self._kept.record.seq

    def push(self, entries: Sequence[Entry]) -> None:
        """Take entries the server pushed."""
        if entries:
            self.expect(entries[-1].seq)
        self._pushed.extend(entries)
        self._pushed_length += sum(len(entry.payload) for entry in entries)
        if len(self._pushed) > MAX_PUSHED or self._pushed_length > MAX_PUSHED_LENGTH:
            self._forget_pushed()
        self._kept.wake.set()

    def expect(self, head: int) -> None:
        """The log is said to go up to ``head``."""
        self._known_head = max(self._known_head, head)
        self._kept.wake.set()

    def begin_anew(self) -> None:
        """The state jumped to another place of the log: what was said of it before is of no use."""
        self.reader.reset()
        self._forget_pushed()
        self._known_head = self._kept.record.seq

    async def subscribe(self, link: ServerLink) -> bool:
        """Have entries pushed from now on; False when this device is out of the room.

        Raises :class:`OutOfStep` when the server's log is shorter than what was read of it.
        """
        room_id = self._kept.record.room_id
        try:
            reply = await link.request(lambda number: Subscribe(number, room_id), SubscribeReply)
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.NOT_A_MEMBER:
                raise
            await self._read_to_the_end(link)
            return False
        if reply.head < self._kept.record.seq:
            raise OutOfStep("The server's log of the room is shorter than what this device has read.")
        self.expect(reply.head)
        return True

    async def read(self, link: ServerLink) -> None:
        """Read up to the newest seq known: the pushes, and by Fetch where they have holes.

        Raises :class:`OutOfStep` or :class:`AccountKeyChanged`, with everything before that entry stored.
        """
        pushed = self._pushed
        while self.has_unread and self._kept.record.membership is Membership.MEMBER:
            while pushed and pushed[0].seq <= self._kept.record.seq:
                self._pushed_length -= len(pushed.popleft().payload)
            if pushed and pushed[0].seq == self._kept.record.seq + 1:
                entries: Sequence[Entry] = list(pushed)
                self._forget_pushed()
            else:
                entries = await self._fetch(link)
                if not entries:
                    raise OutOfStep("The server no longer has the entries this device has not read.")
            await self._read_batch(entries)

    def _forget_pushed(self) -> None:
        self._pushed.clear()
        self._pushed_length = 0

    async def _fetch(self, link: ServerLink) -> Sequence[Entry]:
        """What the log has after the newest entry read; nothing where it begins later than that."""
        room_id, after = self._kept.record.room_id, self._kept.record.seq
        reply = await link.request(lambda number: Fetch(number, room_id, after, _FETCH_LIMIT), FetchReply)
        follows = bool(reply.entries) and reply.entries[0].seq == after + 1
        return reply.entries if follows else []

    async def _read_to_the_end(self, link: ServerLink) -> None:
        """Read what is in the log up to our removal: the commit that took us out says so itself."""
        kept = self._kept
        with contextlib.suppress(RequestRefused):
            while kept.record.membership is Membership.MEMBER and (entries := await self._fetch(link)):
                await self._read_batch(entries)
        if kept.record.membership is not Membership.MEMBER:
            return
        changes = kept.state.begin()
        changes.forgets_group = True
        changes.alarms.append(explanations.off_the_roster())
        kept.state.group = None
        kept.state.update(membership=Membership.REMOVED, highest_epoch=kept.record.highest_epoch - 1)
        changes.record = kept.record
        await kept.save(changes)

    async def _read_batch(self, entries: Sequence[Entry]) -> None:
        """Process consecutive entries and store all they did in one transaction."""
        kept, reader = self._kept, self.reader
        changes, trouble, now = kept.state.begin(), None, int(time.time())
        secret_epoch, last = kept.record.join_secret_epoch, kept.record.seq
        for count, entry in enumerate(entries, 1):
            if entry.seq <= kept.record.seq:
                continue
            if entry.seq != kept.record.seq + 1 or kept.record.membership is not Membership.MEMBER:
                break
            try:
                reader.read(entry, changes, now)
            except (OutOfStep, AccountKeyChanged) as error:
                trouble = error
                break
            except Exception:
                await kept.load()  # what the entries before it did is in memory, and would never be stored
                raise
            if count % _ENTRIES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
        if kept.record.seq != last:
            await kept.save(kept.state.finish(changes))
            self._settle(changes)
        if kept.record.join_secret_epoch != secret_epoch:
            kept.secrets_changed()
        if trouble is not None:
            raise trouble

    def _settle(self, changes: Changes) -> None:
        for position, seq in changes.sent.items():
            self._kept.outbox.read_back(position, seq)
        self.intents_done.extend(changes.intents_done)
