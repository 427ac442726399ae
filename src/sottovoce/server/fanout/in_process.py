"""Fan-out inside one process: two dictionaries."""

from __future__ import annotations

from sottovoce.server.fanout import Subscriber


class InProcessFanout:
    """Implements :class:`~sottovoce.server.fanout.Fanout`; used on the event loop only."""

    def __init__(self) -> None:
        self._rooms: dict[bytes, dict[Subscriber, None]] = {}
        self._devices: dict[int, dict[Subscriber, None]] = {}
        self._subscribers: dict[Subscriber, tuple[int, set[bytes]]] = {}

    def subscribe(self, room_id: bytes, subscriber: Subscriber) -> None:
        """See the protocol; a connection that is gone is not subscribed."""
        known = self._subscribers.get(subscriber)
        if known is not None:
            known[1].add(room_id)
            self._rooms.setdefault(room_id, {})[subscriber] = None

    def unsubscribe(self, room_id: bytes, device: int) -> None:
        """See the protocol."""
        for subscriber in self._devices.get(device, ()):
            self._subscribers[subscriber][1].discard(room_id)
            self._drop(room_id, subscriber)

    def connect(self, device: int, subscriber: Subscriber) -> None:
        """See the protocol."""
        self._devices.setdefault(device, {})[subscriber] = None
        self._subscribers[subscriber] = (device, set())

    def disconnect(self, subscriber: Subscriber) -> None:
        """See the protocol; nothing happens to who is not there."""
        known = self._subscribers.pop(subscriber, None)
        if known is None:
            return
        device, rooms = known
        for room_id in rooms:
            self._drop(room_id, subscriber)
        connections = self._devices[device]
        del connections[subscriber]
        if not connections:
            del self._devices[device]

    def publish_entries(self, room_id: bytes, frame: bytes, head: int) -> None:
        """See the protocol."""
        for subscriber in self._rooms.get(room_id, ()):
            subscriber.push_entries(room_id, frame, head)

    def publish(self, room_id: bytes, frame: bytes) -> None:
        """See the protocol."""
        for subscriber in self._rooms.get(room_id, ()):
            subscriber.push(frame)

    def wake(self, device: int, frame: bytes) -> None:
        """See the protocol."""
        for subscriber in self._devices.get(device, ()):
            subscriber.push(frame)

    def _drop(self, room_id: bytes, subscriber: Subscriber) -> None:
        subscribers = self._rooms.get(room_id)
        if subscribers is not None:
            subscribers.pop(subscriber, None)
            if not subscribers:
                del self._rooms[room_id]
