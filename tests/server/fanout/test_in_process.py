"""Fan-out: who is told what, and that nothing is kept of who has gone."""

from __future__ import annotations

import pytest

from sottovoce.server.fanout.in_process import InProcessFanout

ROOM, OTHER = b"r" * 16, b"o" * 16


class Listener:
    def __init__(self):
        self.told = []

    def push_entries(self, room_id, frame, head):
        self.told.append((room_id, frame, head))

    def push(self, frame):
        self.told.append(frame)


@pytest.fixture
def fanout():
    return InProcessFanout()


def connected(fanout, device, *rooms):
    listener = Listener()
    fanout.connect(device, listener)
    for room in rooms:
        fanout.subscribe(room, listener)
    return listener


def test_a_rooms_subscribers_are_told_with_the_same_bytes(fanout):
    one, two, elsewhere = (
        connected(fanout, 1, ROOM, ROOM),
        connected(fanout, 2, ROOM),
        connected(fanout, 3, OTHER),
    )
    frame = b"frame"
    fanout.publish_entries(ROOM, frame, 7)
    fanout.publish(ROOM, b"wanted")
    assert one.told == two.told == [(ROOM, frame, 7), b"wanted"]
    assert one.told[0][1] is frame
    assert elsewhere.told == []


def test_every_connection_of_a_device_is_woken(fanout):
    phone, tablet, other = connected(fanout, 1), connected(fanout, 1), connected(fanout, 2)
    fanout.wake(1, b"inbox")
    fanout.wake(9, b"nobody")
    assert phone.told == tablet.told == [b"inbox"]
    assert other.told == []


def test_a_device_taken_out_hears_no_more_on_any_connection(fanout):
    phone, tablet = connected(fanout, 1, ROOM, OTHER), connected(fanout, 1, ROOM)
    fanout.unsubscribe(ROOM, 1)
    fanout.unsubscribe(ROOM, 9)
    fanout.publish_entries(ROOM, b"x", 1)
    fanout.publish_entries(OTHER, b"y", 1)
    assert (phone.told, tablet.told) == ([(OTHER, b"y", 1)], [])


def test_nothing_is_kept_of_who_has_gone(fanout):
    gone = connected(fanout, 1, ROOM)
    stays = connected(fanout, 1, ROOM)
    fanout.disconnect(gone)
    fanout.disconnect(gone)
    fanout.subscribe(ROOM, gone)
    fanout.publish_entries(ROOM, b"x", 1)
    assert (gone.told, len(stays.told)) == ([], 1)
    fanout.disconnect(stays)
    assert [fanout._rooms, fanout._devices, fanout._subscribers] == [{}, {}, {}]
