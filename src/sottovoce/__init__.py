"""Sottovoce: a chat that a small group runs for itself, on a server that stores what it cannot read.

    async with sottovoce.connect(link, user="alice", password=...) as me:
        room = await me.join("lobby")
        await room.send("Hi everyone!")
        async for message in room.messages():
            print(f"{message.sender}: {message.text}")

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sottovoce.client.client import Client as Client
    from sottovoce.client.client import connect as connect
    from sottovoce.client.events import ReceivedMessage as ReceivedMessage
    from sottovoce.client.room import Room as Room
    from sottovoce.client.sanitize import sanitize as sanitize
    from sottovoce.errors import SottovoceError as SottovoceError

_HOMES: Final = {
    "Client": "sottovoce.client.client",
    "ReceivedMessage": "sottovoce.client.events",
    "Room": "sottovoce.client.room",
    "SottovoceError": "sottovoce.errors",
    "connect": "sottovoce.client.client",
    "sanitize": "sottovoce.client.sanitize",
}

__all__ = ["Client", "ReceivedMessage", "Room", "SottovoceError", "connect", "sanitize"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
