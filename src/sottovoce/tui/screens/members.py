"""A person in a room, and bringing another one in."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.widgets import Input, Static

from sottovoce.tui.safe_text import NOTHING, Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, Told, paragraph
from sottovoce.tui.screens.text_field import TextField
from sottovoce.tui.view import Member

_CLOSE: Final = "close"
_ADD: Final = "add"


class AddMember(Dialog[str]):
    """Asks for a user name; result: the name. ``problem``: why the last one was refused."""

    WIDTH: ClassVar[int] = 60
    ENTER: ClassVar[str] = _ADD

    def __init__(self, room: Safe, *, typed: str = "", problem: Safe = NOTHING) -> None:
        super().__init__(
            words("Add somebody to {room}", room=room),
            [Choice(_CLOSE, Safe("Cancel")), Choice(_ADD, Safe("Add"), "primary")],
            hint="Enter add",
        )
        self._typed: Final = typed
        self._problem: Final = problem

    def compose_body(self) -> ComposeResult:
        """The field, and what adding means."""
        yield Static("The user name of somebody who has an account on this server:", markup=False)
        yield TextField(self._typed, placeholder="bob", max_length=32)
        yield Told(self._problem, "alarm")
        yield paragraph(
            Safe(
                "They read what is written from now on, not what was written before. For somebody without an "
                "account make an invite link instead."
            ),
            "quiet",
        )

    def on_mount(self) -> None:
        """Begin in the field."""
        super().on_mount()
        self.query_one(Input).focus()

    def choose(self, choice_id: str) -> None:
        """Give the name back."""
        typed = self.query_one(Input).value.strip().removeprefix("@")
        if choice_id != _ADD:
            self.dismiss(None)
        elif typed:
            self.dismiss(typed)
        else:
            self.query_one(Input).focus()


class MemberAction(Enum):
    """What can be done about a person."""

    COMPARE = "compare"
    REMOVE = "remove"


class MemberScreen(Dialog[MemberAction]):
    """Shows one person; result: what to do about them."""

    WIDTH: ClassVar[int] = 60

    def __init__(self, member: Member, room: Safe) -> None:
        choices = [Choice(_CLOSE, Safe("Close"))]
        if not member.is_me:
            compare = (
                Safe("Compare numbers") if not member.verified or member.key_changed else Safe("Show number")
            )
            choices.insert(0, Choice(MemberAction.REMOVE.value, Safe("Remove"), "error"))
            choices.append(Choice(MemberAction.COMPARE.value, compare, "primary"))
        super().__init__(
            member.user, choices, hint="← → choose" if len(choices) > 1 else "", is_alarm=member.key_changed
        )
        self._member: Final = member
        self._room: Final = room

    def compose_body(self) -> ComposeResult:
        """Devices, and whether this is the person."""
        member = self._member
        devices = (
            Safe("one device") if member.devices == 1 else words("{count} devices", count=member.devices)
        )
        yield paragraph(words("In {room} with {devices}.", room=self._room, devices=devices))
        yield paragraph(*_trust(member))
        if member.looks_like:
            yield paragraph(
                words(
                    "⚠ {user} and {other} are two people with similar names: look twice whom you mean.",
                    user=member.user,
                    other=member.looks_like,
                ),
                "warning",
            )

    def on_mount(self) -> None:
        """The most useful of the harmless buttons has the focus."""
        super().on_mount()
        self.query(f"#{_CLOSE}, #{MemberAction.COMPARE.value}").last().focus()

    def choose(self, choice_id: str) -> None:
        """Give the action back."""
        self.dismiss(None if choice_id == _CLOSE else MemberAction(choice_id))


def _trust(member: Member) -> tuple[Safe, str]:
    """What is known about a person's key, and the kind of paragraph that says it."""
    if member.is_me:
        return Safe("This is you."), "quiet"
    if member.key_changed:
        return words(
            "⚠ The key of {user} is another one than before. Somebody may be in between: compare numbers "
            "before you write anything that matters.",
            user=member.user,
        ), "alarm"
    if member.verified:
        return words(
            "✓ Verified: this is {user}, by numbers you compared or a link {user} gave you. A change of the "
            "key stops you from sending.",
            user=member.user,
        ), "good"
    return words(
        "Not verified yet: nobody has checked that this is {user}, and not somebody the server put in "
        "between. Comparing numbers takes a minute.",
        user=member.user,
    ), "warning"
