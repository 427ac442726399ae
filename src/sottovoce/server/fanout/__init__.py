"""Who must be told: a hint that may be lost, never what is durable.

In this process by default; a bus between processes only has to keep :class:`Fanout`'s promises.
"""

from __future__ import annotations

from typing import Protocol


class Subscriber(Protocol):
    """A connection with a device logged in."""

    def push_entries(self, room_id: bytes, frame: bytes, head: int) -> None:
        """Send an encoded EntriesPush that ends at ``head``, or note that the room must be caught up with."""

    def push(self, frame: bytes) -> None:
        """Send any other encoded push, or drop it."""


class Fanout(Protocol):
    """Rooms and the connections that follow them."""

    def subscribe(self, room_id: bytes, subscriber: Subscriber) -> None:
        """From now on ``subscriber`` is told of the room's entries; twice is once."""

    def unsubscribe(self, room_id: bytes, device: int) -> None:
        """No connection of ``device`` is told of the room's entries any more."""

    def connect(self, device: int, subscriber: Subscriber) -> None:
        """A connection of ``device`` is there to be told of its inbox."""

    def disconnect(self, subscriber: Subscriber) -> None:
        """The connection is gone."""

    def publish_entries(self, room_id: bytes, frame: bytes, head: int) -> None:
        """Tell every subscriber of a room, with the same bytes."""

    def publish(self, room_id: bytes, frame: bytes) -> None:
        """Send another push to every subscriber of a room."""

    def wake(self, device: int, frame: bytes) -> None:
        """Send a push to every connection of one device."""
