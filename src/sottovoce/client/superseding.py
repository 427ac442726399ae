"""A room whose newest commit was passed over: wait for another in its place, then make one (threats.md B17).

Whether the others took that commit is asked before: the members are asked for a commit that renews the
GroupInfo, which only those in the later epoch can make.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

from sottovoce.client.joining import plan_join
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.log_reader import OutOfStep
from sottovoce.client.transport import ServerLink
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import Done, GroupInfoDamaged, RoomState, RoomStateReply

_WAIT: Final = (4.0, 6.0)
"""Seconds: longer than members take to renew the GroupInfo, and not the same for everybody."""


class Superseding:
    """When one room's passed-over commit is to be superseded by this device."""

    def __init__(self, kept: KeptRoom) -> None:
        self._kept: Final = kept
        self._passed_over: int | None = None
        self._due = 0.0
        self._checked = 0  # the seq up to which it was looked whether others went on

    @property
    def is_due(self) -> bool:
        """Whether it is time to send a superseding commit."""
        passed_over = self._kept.record.passed_over
        return passed_over is not None and passed_over == self._passed_over and _now() >= self._due

    async def wait(self, link: ServerLink) -> None:
        """Wait until it is time, or something else is to be done; raises what :meth:`check` does."""
        record = self._kept.record
        if record.passed_over != self._passed_over:
            epoch = (await self.check(link)).epoch or 0
            await link.request(lambda number: GroupInfoDamaged(number, record.room_id, epoch), Done)
            self._passed_over = record.passed_over
            self._due = _now() + random.uniform(*_WAIT)  # noqa: S311 - jitter
        elif self._checked != record.seq:
            await self.check(link)
        try:
            async with asyncio.timeout_at(self._due if _now() < self._due else None):
                await self._kept.wake.wait()
        except TimeoutError:
            return

    async def check(self, link: ServerLink) -> RoomStateReply:
        """Ask where the room stands.

        Raises :class:`OutOfStep` when entries are of a later epoch and its GroupInfo can be joined by: the
        others took the commit. Entries alone prove nothing, for whoever made it can write them.
        """
        state, record = self._kept.state, self._kept.record
        self._checked = record.seq
        reply = await link.request(lambda number: RoomState(number, record.room_id), RoomStateReply)
        if not record.has_later or reply.epoch is None:
            return reply
        try:
            plan_join(state, reply.epoch, reply.group_info or b"")
        except SottovoceError:
            return reply
        raise OutOfStep("A change of the room cannot be followed here, and others have followed it.")


def _now() -> float:
    return asyncio.get_running_loop().time()
