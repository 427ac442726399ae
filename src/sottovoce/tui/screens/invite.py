"""An invite link to give to a friend: to copy, to scan, and until when it is good."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Static

from sottovoce.tui.qr import QrCode
from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph
from sottovoce.tui.view import Invite
from sottovoce.tui.widgets.timeline_clock import MACHINE_CLOCK, Clock

_COPY: Final = "copy"
_DONE: Final = "done"


class InviteScreen(Dialog[None]):
    """Shows one link. ``c`` copies it. ``title`` and ``first``: other words than the usual ones."""

    WIDTH: ClassVar[int] = 68

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "copy", "Copy the link", show=False)]

    DEFAULT_CSS = """
    InviteScreen {
        .link { background: $foreground 10%; color: $text-accent; padding: 0 1; height: auto; }
        QrCode { margin-bottom: 0; }
        .body { align-horizontal: center; }
    }
    """

    def __init__(
        self,
        invite: Invite,
        *,
        clock: Clock = MACHINE_CLOCK,
        title: Safe | None = None,
        first: Safe | None = None,
        done: Safe | None = None,
    ) -> None:
        title = title or words("Invite a friend into {room}", room=invite.room)
        super().__init__(
            title,
            [Choice(_COPY, Safe("Copy the link"), "primary"), Choice(_DONE, done or Safe("Close"))],
            hint="c copy",
        )
        self._invite: Final = invite
        self._first: Final = first
        self._until: Final = words(
            "{day}, {time}", day=clock.day_text(invite.expires_at), time=clock.time_text(invite.expires_at)
        )

    def compose_body(self) -> ComposeResult:
        """The link first: on a small window it is what matters."""
        if self._first is not None:
            yield paragraph(self._first)
        yield paragraph(
            words("Whoever has this link can join {room}: send it to one friend.", room=self._invite.room)
        )
        yield Static(Content(self._invite.link), classes="link", markup=False)
        yield Static(
            Content(words("For one person, good until {until}.", until=self._until)),
            classes="paragraph quiet told",
            markup=False,
        )
        yield QrCode(self._invite.link)

    def on_mount(self) -> None:
        """Copying is what most people want first."""
        super().on_mount()
        self.query_one(f"#{_COPY}", Button).focus()

    def on_resize(self, event: events.Resize) -> None:
        """Draw the code where it fits below the frame's own rows."""
        super().on_resize(event)
        self.query_one(QrCode).fit(self.body_room(event.size), self.around_body(event.size))

    def action_copy(self) -> None:
        """Give the link to the terminal's clipboard."""
        self.app.copy_to_clipboard(self._invite.link)
        self.query_one(".told", Static).update(
            Content(
                Safe(
                    "Copied. If nothing is pasted, your terminal forbids it: select the link with the mouse."
                )
            )
        )

    def choose(self, choice_id: str) -> None:
        """Copy, or close."""
        if choice_id == _COPY:
            self.action_copy()
        else:
            self.dismiss(None)
