"""Events: in order, none lost that matters, and a busy room does not wake its listeners all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sottovoce.client import announcing
from sottovoce.client.announcing import MAX_WAITING, Announcer, EventQueue
from sottovoce.client.events import ClientEvent, Connected, RoomAppeared, RoomChanged

ROOM, OTHER = bytes(16), bytes([1]) * 16


async def _rest(events: AsyncIterator[ClientEvent]) -> list[ClientEvent]:
    return [event async for event in events]


async def test_who_asks_first_hears_what_was_before() -> None:
    announcer = Announcer([Connected("a")])
    announcer.emit(RoomAppeared("lobby"))
    first = announcer.listen()
    assert await anext(first) == Connected("a")
    second = announcer.listen()
    listening = asyncio.create_task(_rest(second))
    await asyncio.sleep(0)
    announcer.emit(Connected("b"))
    announcer.close()
    assert await _rest(first) == [RoomAppeared("lobby"), Connected("b")]
    assert await listening == [Connected("b")]
    assert await _rest(announcer.listen()) == []


async def test_who_does_not_listen_loses_the_oldest_but_no_changed_room() -> None:
    queue = EventQueue()
    queue.put(RoomChanged(ROOM))
    for number in range(MAX_WAITING + 3):
        queue.put(Connected(str(number)))
        queue.put(RoomChanged(OTHER))
    queue.close()
    found = [event async for event in _all(queue)]
    assert found == [Connected(str(number)) for number in range(3, MAX_WAITING + 3)] + [
        RoomChanged(ROOM),
        RoomChanged(OTHER),
    ]


async def _all(queue: EventQueue) -> AsyncIterator[ClientEvent]:
    while (event := await queue.get()) is not None:
        yield event


async def test_many_changes_of_a_room_are_one_event_now_and_one_at_the_end() -> None:
    announcer = Announcer()
    events = announcer.listen()
    announcer.room_changed(ROOM)
    assert await anext(events) == RoomChanged(ROOM)
    for _ in range(200):
        announcer.room_changed(ROOM)
    announcer.room_changed(OTHER)
    assert await anext(events) == RoomChanged(OTHER), "a room that is quiet does not wait for a busy one"
    assert await anext(events) == RoomChanged(ROOM)
    announcer.close()
    assert await _rest(events) == []


async def test_a_room_rests_between_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "REST", 3600)
    announcer = Announcer()
    for _ in range(200):
        announcer.room_changed(ROOM)
    events = announcer.listen()
    assert await anext(events) == RoomChanged(ROOM)
    announcer.room_changed(ROOM)
    announcer.close()
    announcer.room_changed(OTHER)
    assert await _rest(events) == []
