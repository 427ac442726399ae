"""The inbox is emptied, however much is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from room_world import Person, talking

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.inbox import Inbox
from sottovoce.crypto.secret import Secret
from sottovoce.link.messages import Done, InboxDelete, InboxFetch, InboxFetchReply
from sottovoce.link.parts import InboxItem

AT_ONCE = 2


class _Server:
    """Gives the oldest two; ``deletes`` or only says so."""

    def __init__(self, waiting: int, *, deletes: bool) -> None:
        self.waiting = [InboxItem(number, bytes(16), 1, bytes(32), b"garbage") for number in range(waiting)]
        self.deletes = deletes
        self.requests = 0

    async def request(self, build: Any, _: type) -> Any:
        self.requests += 1
        request = build(self.requests)
        if isinstance(request, InboxFetch):
            return InboxFetchReply(request.id, self.waiting[:AT_ONCE])
        assert isinstance(request, InboxDelete)
        assert request.item_ids
        if self.deletes:
            self.waiting = [item for item in self.waiting if item.item_id not in request.item_ids]
        return Done(request.id)


def _inbox(person: Person, store: DeviceStore) -> Inbox:
    async def accept(*_: object) -> None:
        raise AssertionError("garbage was taken for a Welcome")

    return Inbox(person.around, store, cast("Any", None), accept)


@pytest.mark.parametrize(("deletes", "left", "requests"), [(True, 0, 7), (False, 5, 3)])
async def test_what_the_server_gives_in_parts_is_taken_whole(
    tmp_path: Path, deletes: bool, left: int, requests: int
) -> None:
    """And what an evil one gives again and again is not."""
    (bob,) = talking("bob")
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    server = _Server(5, deletes=deletes)
    await _inbox(bob, store)._empty(cast("Any", server))
    assert (len(server.waiting), server.requests) == (left, requests)
    await store.close()
