"""The way in, as the screens of the first run ask for it, made of the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Final, TypeVar

from sottovoce.client.errors import (
    BadUserName,
    NameTaken,
    ProfileInUse,
    RateLimited,
    StoreDamaged,
    StoreTooNew,
    WrongPassword,
)
from sottovoce.tui import view
from sottovoce.tui.bridge import Bridge, Entrance, Refused
from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.door import Place, Refusal, Step, Tell

Result = TypeVar("Result")

_BY_LINK_ONLY: Final = Safe(
    "This server takes new people by invite link only: paste one here. Ask a friend for one, or whoever runs "
    "the server (`sottovoce invite`). If you have an account here already, go on and choose that."
)
_LINK_IS_USED: Final = Safe(
    "This link makes no new account any more: each is for one person, and for a limited time. Ask for a "
    "fresh one (`sottovoce invite`). If you have an account here already, go on and choose that."
)
_OF_THE_NAME: Final = (BadUserName, NameTaken, ProfileInUse, StoreDamaged, StoreTooNew)
_OF_THE_PASSWORD: Final = (WrongPassword, RateLimited)


class FrontDoor:
    """See :class:`~sottovoce.tui.screens.door.Door`; ``first_room``: what to open once inside."""

    def __init__(self, bridge: Bridge, home: Path | None, wanted: WantedRoom) -> None:
        self.first_room: bytes | None = None
        self._bridge: Final = bridge
        self._home: Final = home
        self._wanted: Final = wanted

    async def local_server(self) -> Safe | None:
        """The address of the server that runs on this machine."""
        try:
            return (await self._bridge.find(None, self._home)).server
        except Refused:
            return None

    async def find(self, typed: str | None) -> Place:
        """Resolve a link or an address; None: the server on this machine."""
        found = await _mendable(self._bridge.find(typed, self._home))
        return Place(typed, found.server, found.room, found.accounts)

    async def enter(self, place: Place, user: str, password: str, *, is_new: bool, tell: Tell) -> None:
        """Register or log in, and be in the first room."""
        tell(Safe("Making your keys and your account" if is_new else "Logging in"))
        # Who says "new" by mistake and knows the password of an account is let in: the SDK tries both.
        register = None if is_new else False
        try:
            await self._bridge.enter(Entrance(place.typed, user, password, self._home, register))
        except Refused as refused:
            raise _refusal(refused, place if is_new else None) from refused
        tell(Safe("Entering the room"))
        try:
            self.first_room = await _mendable(self._wanted.enter(self._bridge, place.typed))
        except (Refusal, asyncio.CancelledError):
            await self._bridge.leave()
            raise

    async def invite(self) -> view.Invite:
        """A link into the first room."""
        if self.first_room is None:
            raise Refusal(Safe("You are in no room yet."), Step.SERVER)
        return await _mendable(self._bridge.invite(self.first_room))


class WantedRoom:
    """Which room to be in first, as the command line said it."""

    def __init__(self, name: str | None = None, *, is_new: bool = False, key: bytes | None = None) -> None:
        self._name: Final = name
        self._is_new: Final = is_new
        self._key: Final = key

    async def enter(self, bridge: Bridge, link: str | None) -> bytes | None:
        """Be in it; None: in the room that was open last. Raises :class:`~sottovoce.tui.bridge.Refused`."""
        if self._name is not None and self._is_new:
            return await bridge.create_room(self._name, unless_there=True)
        if self._name is not None:
            return await bridge.join(self._name, self._key)
        return await bridge.enter_first_room(link)


async def _mendable(work: Awaitable[Result]) -> Result:
    try:
        return await work
    except Refused as refused:
        raise _refusal(refused) from refused


def _refusal(refused: Refused, new_at: Place | None = None) -> Refusal:
    """What the screens are told; ``new_at``: where somebody who says they are new wanted in."""
    cause = refused.cause
    if new_at is not None and isinstance(cause, WrongPassword) and cause.needs_invite:
        return Refusal(_LINK_IS_USED if new_at.room else _BY_LINK_ONLY, Step.SERVER)
    return Refusal(refused.sentence, _step(cause))


def _step(cause: Exception) -> Step:
    if isinstance(cause, _OF_THE_PASSWORD):
        return Step.PASSWORD
    return Step.NAME if isinstance(cause, _OF_THE_NAME) else Step.SERVER
