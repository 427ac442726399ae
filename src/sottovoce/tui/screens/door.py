"""What the screens of the first run ask for, and are refused: the app stands behind it with the SDK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.view import Invite


class Step(Enum):
    """Where a refusal can be mended."""

    SERVER = "server"
    NAME = "name"
    PASSWORD = "password"  # noqa: S105 - the name of a field


class Refusal(Exception):
    """Something cannot be done. ``sentence``: what happened and what to do; ``step``: where to do it."""

    def __init__(self, sentence: Safe, step: Step) -> None:
        self.sentence = sentence
        self.step = step
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person wants to go.

    ``typed``: the link or address as it was typed, None: the server on this machine. ``server``: its address.
    ``room``: the room an invite link leads to, None: there is none. ``accounts``: user names that have been
    used at this server on this machine.
    """

    typed: str | None
    server: Safe
    room: Safe | None = None
    accounts: tuple[Safe, ...] = ()


Tell = Callable[[Safe], None]
"""Takes what is being done now, in a few words, such as ``Making your keys``; on the app's own thread."""


class Door(Protocol):
    """The way in. Every method raises :class:`Refusal`."""

    async def local_server(self) -> Safe | None:
        """Return the address of the server that runs on this machine, if one does."""

    async def find(self, typed: str | None) -> Place:
        """Resolve an invite link or ``HOST:PORT``; None: the server on this machine. Asks nobody else."""

    async def enter(self, place: Place, user: str, password: str, *, is_new: bool, tell: Tell) -> None:
        """Make the account or log in to it, and be in the first room."""

    async def invite(self) -> Invite:
        """Make a link into the first room, once :meth:`enter` is through."""
