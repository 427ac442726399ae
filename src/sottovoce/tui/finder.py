"""What the command palette finds: the commands of the table, and the rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.commands import COMMANDS
from sottovoce.tui.safe_text import Safe


class Finder(Provider):
    """Commands by name or words, rooms by name."""

    async def discover(self) -> Hits:
        """Everything there is, before anything is typed."""
        for words, post in self._found():
            yield DiscoveryHit(Text(words), post, text=words)

    async def search(self, query: str) -> Hits:
        """What matches, the best first."""
        matcher = self.matcher(query)
        for words, post in self._found():
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, Text(words), post, text=words)

    def _found(self) -> Iterator[tuple[Safe, Callable[[], object]]]:
        """Words, and what posts the wish for it. Rich's text: the palette would read markup in a string."""
        chat = next((one for one in self.app.screen_stack if isinstance(one, ChatScreen)), None)
        if chat is None:
            return
        for command in COMMANDS:
            if command.name != "palette" and not (command.needs_room and chat.room_id is None):
                keys = f"  {command.key_words}" if command.key_words else ""
                yield (
                    Safe(f"{command.slash}: {command.words}{keys}"),
                    partial(chat.action_command, command.name),
                )
        for room in chat.rooms:
            if room.room_id != chat.room_id:
                yield (
                    Safe(f"Go to {room.name}"),
                    partial(chat.want_room, room.room_id),
                )
