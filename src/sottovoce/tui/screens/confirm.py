"""Questions with two answers, the harmless one first: leave a room, remove a person, quit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.widgets import Button

from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph

_YES: Final = "yes"
_NO: Final = "no"


class Confirm(Dialog[bool]):
    """Ask whether to do something that cannot be taken back. Result: True, or None for no."""

    def __init__(self, title: Safe, sentences: Sequence[Safe], *, yes: Safe, no: Safe) -> None:
        super().__init__(title, [Choice(_NO, no), Choice(_YES, yes, "error")], hint="← → choose")
        self._sentences: Final = tuple(sentences)

    def compose_body(self) -> ComposeResult:
        """The sentences."""
        for sentence in self._sentences:
            yield paragraph(sentence)

    def on_mount(self) -> None:
        """The harmless answer has the focus."""
        super().on_mount()
        self.query_one(f"#{_NO}", Button).focus()

    def choose(self, choice_id: str) -> None:
        """Yes, or nothing."""
        self.dismiss(True if choice_id == _YES else None)


def leave_room(room: Safe) -> Confirm:
    """Ask whether to leave a room for good."""
    return Confirm(
        words("Leave {room}?", room=room),
        [
            words("This device leaves {room} for good and gets no more messages from it.", room=room),
            Safe("To come back you need an invite link from somebody who is in it."),
        ],
        yes=Safe("Leave the room"),
        no=Safe("Stay"),
    )


def remove_member(user: Safe, room: Safe) -> Confirm:
    """Ask whether to take a person out of a room."""
    return Confirm(
        words("Remove {user}?", user=user),
        [
            words("{user} can read nothing that is written in {room} from now on.", user=user, room=room),
            words(
                "What {user} has received already stays there. Invite links made before stop working.",
                user=user,
            ),
        ],
        yes=Safe("Remove"),
        no=Safe("Keep"),
    )


def quit_unsent(count: int) -> Confirm:
    """Ask whether to quit while ``count`` messages wait for the server."""
    messages = words("{count} messages wait", count=count) if count != 1 else Safe("One message waits")
    return Confirm(
        Safe("Quit now?"),
        [
            words("{messages} for the server, which cannot be reached right now.", messages=messages),
            Safe(
                "Nothing is lost: they are kept on this device, and go out the next time you start Sottovoce."
            ),
        ],
        yes=Safe("Quit"),
        no=Safe("Wait"),
    )
