"""What a line of the chat that begins with ``/`` does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from sottovoce.cli.console import Console
from sottovoce.cli.timeline_text import name_text
from sottovoce.client.sanitize import sanitize
from sottovoce.errors import SottovoceError

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.room import Room

HELP: Final = """\
/who                 who is in the room, and whose key you have verified
/why                 what went wrong here, and what to do about it
/verify NAME         the number to compare with NAME, in person or by phone
/verify NAME done    it was the same: from now on a change of the key stops you from sending
/invite              an invite link for a friend, with a QR code
/add NAME            add somebody who has an account here
/remove NAME         take somebody out of the room
/leave               leave the room for good, on this device
/help                this list
//text               send a line that begins with a slash
quit                 leave the chat (so does Ctrl-D); you stay in the room"""


class ChatCommands:
    """The commands of one chat. Refusals are said, not raised: the chat goes on."""

    def __init__(self, client: Client, room: Room, console: Console) -> None:
        self.has_left = False
        """Whether this person wanted to be out of the room."""
        self._client: Final = client
        self._room: Final = room
        self._console: Final = console
        self._commands: Final[dict[str, Callable[[str], Awaitable[None]]]] = {
            "help": self._help,
            "who": self._who,
            "why": self._why,
            "verify": self._verify,
            "invite": self._invite,
            "add": self._add,
            "remove": self._remove,
            "leave": self._leave,
        }

    async def run(self, command: str, argument: str) -> None:
        """Run one; an unknown one gets a hint."""
        handler = self._commands.get(command)
        if handler is None:
            self._console.say(
                f"There is no command /{command}; nothing was sent. /help lists them; //{command} sends it."
            )
            return
        try:
            await handler(argument)
        except SottovoceError as refusal:
            self._console.say(sanitize(str(refusal)))

    async def _help(self, _: str) -> None:
        self._console.say(HELP)

    async def _who(self, _: str) -> None:
        lines = []
        for member in self._room.members():
            devices = "1 device" if member.device_count == 1 else f"{member.device_count} devices"
            mark = "verified" if member.verified else "not verified"
            if self._room.has_changed_key(member.user):
                mark = "KEY CHANGED: /why"
            if member.user.lower() == self._client.user.lower():
                mark = "you"
            lines.append(f"{name_text(member.user)} ({devices}, {mark})")
        self._console.say("\n".join(lines))

    async def _why(self, _: str) -> None:
        explanations = self._room.explain()
        if not explanations:
            self._console.say("Nothing went wrong in this room.")
        for explanation in explanations:
            self._console.say(f"{sanitize(explanation.what_happened)}\n  {sanitize(explanation.what_to_do)}")

    async def _verify(self, argument: str) -> None:
        user, _, done = argument.partition(" ")
        if not user or done.strip() not in ("", "done"):
            self._console.say("Say whom: /verify NAME, and /verify NAME done when the numbers are the same.")
        elif done:
            await self._room.verify(user)
            self._console.say(f"{name_text(user)} is verified.")
        else:
            number = self._room.safety_number(user).split()
            rows = "\n".join("  " + " ".join(number[at : at + 4]) for at in range(0, len(number), 4))
            self._console.say(
                f"Your number with {name_text(user)}:\n{rows}\nAsk {name_text(user)} for theirs, in person "
                f"or by phone. If all of it is the same: /verify {name_text(user)} done"
            )

    async def _invite(self, _: str) -> None:
        from sottovoce.cli.invite import show_link

        show_link(str(await self._client.invite(self._room)), self._console)

    async def _add(self, argument: str) -> None:
        if not argument:
            self._console.say("Say whom: /add NAME.")
            return
        await self._room.add(argument)
        self._console.say(f"{name_text(argument)} was added.")

    async def _remove(self, argument: str) -> None:
        if not argument:
            self._console.say("Say whom: /remove NAME.")
            return
        await self._room.remove(argument)
        self._console.say(f"{name_text(argument)} was removed, and the room's secret changed.")

    async def _leave(self, _: str) -> None:
        self.has_left = True  # before it is so: the timeline ends while one leaves
        try:
            await self._room.leave()
        except SottovoceError:
            self.has_left = False
            raise
        self._console.say(f"You left {name_text(self._room.name)}.")
