"""Comparing safety numbers: the one check that nobody in between can pass."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from sottovoce.tui.qr import QrCode
from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph
from sottovoce.tui.view import SafetyNumber

_CLOSE: Final = "close"
_GROUPS_IN_ROW: Final = 4


class Verdict(Enum):
    """What comparing gave."""

    SAME = "same"
    DIFFERENT = "different"


class SafetyNumberScreen(Dialog[Verdict]):
    """Shows the number to compare with one person; result: how it compared.

    ``is_verified``: it was compared before. After *different* the screen says what to do first.
    """

    WIDTH: ClassVar[int] = 72

    DEFAULT_CSS = """
    SafetyNumberScreen {
        .beside { height: auto; }
        .words { width: 1fr; height: auto; }
        .digits {
            width: 25; height: auto; background: $foreground 10%; padding: 0 1;
            text-style: bold; margin-bottom: 1;
        }
        QrCode { width: auto; margin: 0 0 0 2; }
    }
    """

    def __init__(self, number: SafetyNumber, *, is_verified: bool = False) -> None:
        title = "The key of {user} has changed" if number.is_changed_key else "Is this really {user}?"
        same = Safe("Same, accept") if number.is_changed_key else Safe("Same")
        super().__init__(
            words(title, user=number.user),
            [
                Choice(_CLOSE, Safe("Later")),
                Choice(Verdict.DIFFERENT.value, Safe("Different"), "error"),
                Choice(Verdict.SAME.value, same, "success"),
            ],
            hint="← → choose",
            is_alarm=number.is_changed_key,
        )
        self._number: Final = number
        self._is_verified: Final = is_verified

    def compose_body(self) -> ComposeResult:
        """Why, how, the digits; and the same as a picture where there is room."""
        user = self._number.user
        if self._number.is_changed_key:
            yield paragraph(
                words(
                    "Either {user} has a new account, or somebody sits between you and reads along. "
                    "Nothing is sent to rooms with {user} until you decide.",
                    user=user,
                ),
                "alarm",
            )
        with Horizontal(classes="beside"):
            with Vertical(classes="words"):
                yield Static(Content(_rows(self._number.digits)), classes="digits", markup=False)
                yield paragraph(
                    words(
                        "Read this to {user} in person or by phone, never in this chat. {user} opens the "
                        "same screen for you and sees the same number, if nobody is in between.",
                        user=user,
                    )
                )
                if self._is_verified and not self._number.is_changed_key:
                    yield paragraph(words("✓ You have compared it with {user} before.", user=user), "good")
            yield QrCode(self._number.digits.replace(" ", ""))

    def on_mount(self) -> None:
        """Nothing is decided by a key too many."""
        super().on_mount()
        self.query_one(f"#{_CLOSE}").focus()

    def on_resize(self, event: events.Resize) -> None:
        """The picture stands beside the digits, or is left out."""
        super().on_resize(event)
        room = self.body_room(event.size)
        code = self.query_one(QrCode)
        code.fit(room - (27, 0), self.around_body(event.size))
        code.display = code.is_drawn

    def choose(self, choice_id: str) -> None:
        """Give the verdict back; a difference is explained first."""
        if choice_id == _CLOSE:
            self.dismiss(None)
        elif choice_id == Verdict.SAME.value:
            self.dismiss(Verdict.SAME)
        else:
            self.app.push_screen(NumbersDiffer(self._number.user), self._end_differing)

    def _end_differing(self, _: None) -> None:
        self.dismiss(Verdict.DIFFERENT)


class NumbersDiffer(Dialog[None]):
    """What a difference means and what to do."""

    def __init__(self, user: Safe) -> None:
        super().__init__(
            Safe("The numbers differ"), [Choice(_CLOSE, Safe("I understand"), "primary")], is_alarm=True
        )
        self._user: Final = user

    def compose_body(self) -> ComposeResult:
        """What happened, what to do."""
        user = self._user
        yield Static("What happened", classes="strong", markup=False)
        yield paragraph(
            words(
                "You and {user} do not see each other's real keys. Whoever runs the server, or somebody "
                "on the way, may be reading along.",
                user=user,
            )
        )
        yield Static("What to do", classes="strong", markup=False)
        yield paragraph(
            words(
                "Check that both of you look at each other's number, digit by digit. If it still "
                "differs, write nothing private to {user} here, and meet or phone instead. Ask for a new "
                "invite link to another server that you both trust.",
                user=user,
            )
        )


def _rows(digits: str) -> Safe:
    """The twelve groups in rows of four."""
    groups = digits.split()
    rows = (groups[at : at + _GROUPS_IN_ROW] for at in range(0, len(groups), _GROUPS_IN_ROW))
    return Safe("\n".join(" ".join(row) for row in rows))
