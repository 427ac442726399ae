"""One room in memory and in the store, and the promise that the two agree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from sottovoce.client import explanations
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.outbox import Outbox
from sottovoce.client.pending import PendingMessages
from sottovoce.client.room_state import Changes, RoomState, Surroundings
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import RoomRecord
from sottovoce.errors import SottovoceError


class KeptRoom:
    """A room's state and outbox. Whoever changes them calls :meth:`save` before anybody else hears of it."""

    def __init__(
        self,
        record: RoomRecord,
        around: Surroundings,
        store: DeviceStore,
        secrets_changed: Callable[[], None],
    ) -> None:
        self.state = RoomState(record, around)
        self.around: Final = around
        self.outbox: Final = Outbox(())
        self.pending: Final = PendingMessages(store, around, record.room_id)
        self.store: Final = store
        self.secrets_changed: Final = secrets_changed
        self.changed: Final = asyncio.Condition()
        """Notified after each change that was stored."""
        self.revision = 0
        """Grows with each of them."""
        self.watchers: Final[list[Callable[[], None]]] = []
        """Called after each of them too, and when something else that is shown of the room changed."""
        self.wake: Final = asyncio.Event()
        """Set when the room's task has something to look at."""

    @property
    def record(self) -> RoomRecord:
        """The room as it stands."""
        return self.state.record

    async def load(self) -> None:
        """Be what the store has, forgetting what memory holds."""
        record = self.state.record

        def work(database: Database) -> RoomState:
            stored = rooms_table.room(database, record.room_id) or record
            return RoomState.load(database, stored, self.around)

        self.state = await self.store.transact(work)
        waiting, payloads = await self.store.transact(
            lambda database: (
                outbox_table.waiting(database, record.room_id),
                outbox_table.payloads(database, record.room_id),
            )
        )
        self.outbox.restore(waiting, payloads)

    async def save(self, changes: Changes, encrypted: tuple[outbox_table.OutboxRecord, ...] = ()) -> None:
        """Store changes, and messages encrypted with them, in one transaction; then notify.

        Raises a store's error, with the state as it was stored before.
        """

        def work(database: Database) -> int:
            outbox_table.put_encrypted(database, encrypted)
            return changes.write(database)

        try:
            replays = await self.store.transact(work)
        except SottovoceError:
            self.around.contacts.unpin(changes.contacts)
            await self.load()
            raise
        self.state.alarms.extend(changes.alarms)
        if replays:
            alarm = explanations.replayed("somebody")
            self.state.alarms.append(alarm)
            room_id, now = self.record.room_id, int(time.time())
            await self.store.transact(lambda database: log_table.add_alarm(database, room_id, alarm, now))
        await self.notify()

    async def save_ratchets(self, encrypted: tuple[outbox_table.OutboxRecord, ...] = ()) -> None:
        """Store the ratchet step of what was just encrypted; only then may it be sent (threats.md B4)."""
        await self.save(self.state.finish(self.state.begin()), encrypted)

    async def notify(self) -> None:
        """Tell who waits that something is different."""
        self.revision += 1
        async with self.changed:
            self.changed.notify_all()
        self.announce()

    def announce(self) -> None:
        """Something that is shown of the room changed."""
        for watcher in self.watchers:
            watcher()


def observed_future() -> asyncio.Future[None]:
    """A future whose failure nobody needs to fetch."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
