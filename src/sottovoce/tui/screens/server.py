"""The first screen: an invite link, a server's address, or the server on this machine."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from sottovoce.tui.safe_text import NOTHING, Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, Told, paragraph
from sottovoce.tui.screens.door import Door, Place, Refusal
from sottovoce.tui.screens.text_field import LinkField

_GO: Final = "go"
_LOCAL: Final = "local"
_PAUSE: Final = 0.2  # seconds without a key after which what was typed is looked at


class ServerScreen(Dialog[Place]):
    """Asks where to go. Result: the place, found. ``local``: the address of the server here, if one runs."""

    WIDTH: ClassVar[int] = 70
    ENTER: ClassVar[str] = _GO

    def __init__(self, door: Door, local: Safe | None, *, typed: str = "", problem: Safe = NOTHING) -> None:
        choices = [Choice(_GO, Safe("Continue"), "primary")]
        if local is not None:
            choices.insert(0, Choice(_LOCAL, Safe("Use this machine")))
        super().__init__(Safe("Welcome to Sottovoce"), choices, hint="Enter continue")
        self._door: Final = door
        self._local: Final = local
        self._typed: Final = typed
        self._problem: Final = problem

    def compose_body(self) -> ComposeResult:
        """The question, the field, and what the app makes of what is in it."""
        yield paragraph(
            Safe("A chat that only the people in it can read: not even whoever runs the server can.")
        )
        yield Static(
            Content("Paste the invite link you were sent, or type a server's address:"), markup=False
        )
        yield LinkField(self._typed, placeholder="sottovoce://…  or  chat.example.org", id="where")
        yield Told()
        if self._local is not None:
            yield paragraph(
                words("A server of yours runs on this machine ({local}).", local=self._local), "quiet"
            )

    def on_mount(self) -> None:
        """Begin in the field, with what is known already."""
        super().on_mount()
        self.query_one(Input).focus()
        if self._problem:
            self.tell(self._problem, "alarm")

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        if not event.input.disabled and (event.value != self._typed or not self._problem):
            self._recognise(event.value)

    @work(exclusive=True, group="recognise")
    async def _recognise(self, typed: str) -> None:
        """Say what was pasted, as soon as it is something; slips are told when one goes on."""
        self.tell(NOTHING)
        if not typed.strip():
            return
        await asyncio.sleep(_PAUSE)
        try:
            place = await self._door.find(typed)
        except Refusal:
            return
        if place.room is None:
            self.tell(words("✓ A server's address: {server}", server=place.server), "good")
        else:
            self.tell(
                words("✓ An invitation into {room}, on {server}", room=place.room, server=place.server),
                "good",
            )

    def choose(self, choice_id: str) -> None:
        """Go on with the field, or with the server here; an empty field means the server here too."""
        typed = self.query_one(Input).value.strip()
        if choice_id == _GO and not typed and self._local is None:
            self.tell(Safe("Paste an invite link, or type an address such as chat.example.org."), "warning")
            self.query_one(Input).focus()
            return
        wanted = None if choice_id == _LOCAL or not typed else typed
        self.query_one(Input).disabled = True  # what is typed meanwhile is meant for the next screen
        self._go(wanted)

    @work(exclusive=True, group="recognise")
    async def _go(self, typed: str | None) -> None:
        try:
            place = await self._door.find(typed)
        except Refusal as refusal:
            self.tell(refusal.sentence, "alarm")
            self.query_one(Input).disabled = False
            self.query_one(Input).focus()
        else:
            self.dismiss(place)
