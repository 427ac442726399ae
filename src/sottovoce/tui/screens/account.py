"""The second screen: a user name and a password, for a new account or one that exists."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static
from textual.worker import Worker

from sottovoce.client.sanitize import sanitize
from sottovoce.tui.password_strength import BEST, WEAK, Strength, estimate
from sottovoce.tui.safe_text import NOTHING, Safe, safe_name, words
from sottovoce.tui.screens.dialog import Choice, Dialog, Told, paragraph
from sottovoce.tui.screens.door import Door, Place, Refusal, Step
from sottovoce.tui.screens.either import Either
from sottovoce.tui.screens.text_field import PasswordField, TextField

NAME_RULE: Final = Safe("A user name has 1 to 32 of the letters A to Z, digits, dot, dash and underscore.")

_IF_LOST: Final = Safe(
    "Nobody can reset this password, not even whoever runs the server: write it down and keep it safe. If it "
    "is lost, so are the account and its messages."
)
_BACK: Final = "back"
_ENTER: Final = "enter"
_NAME_LENGTH: Final = 32  # characters
_PAUSE: Final = 0.15  # seconds without a key after which a password is judged
_BAR: Final = 12  # cells
_KINDS: Final = ("alarm", "alarm", "warning", "good", "good")  # of the scores


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """What was typed so far. ``is_new``: None while nobody said."""

    user: str = ""
    password: str = field(default="", repr=False)
    is_new: bool | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """The door opened for ``user``; ``is_new``: a new account was made."""

    user: Safe
    is_new: bool


@dataclass(frozen=True, slots=True)
class BackToServer:
    """The server must be asked for again; ``problem``: why, if it was refused."""

    draft: AccountDraft
    problem: Safe = NOTHING


class AccountScreen(Dialog[Entered | BackToServer]):
    """Asks who one is, and enters through ``door``. Esc while entering stops it and keeps the screen."""

    WIDTH: ClassVar[int] = 74
    ENTER: ClassVar[str] = _ENTER

    # With priority, the focus is there before the next key is looked at: a password that a program types, or
    # a person ahead of a slow machine, would be in the field of the name otherwise, to be read by all.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next_field", show=False, priority=True),
        Binding("ctrl+t", "show_password", show=False),
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    AccountScreen {
        .row { height: 1; }
        .row Label { width: 11; }
        .row Input { width: 1fr; }
        .row Button { margin-left: 1; }
        .strength { margin-left: 12; height: auto; min-height: 1; }
        &.-roomy .strength { min-height: 2; }
        Either { margin-bottom: 1; }
        .last { margin-bottom: 1; }
    }
    """

    def __init__(self, door: Door, place: Place, draft: AccountDraft) -> None:
        super().__init__(
            words("Your account on {server}", server=place.server),
            [Choice(_BACK, Safe("Back")), Choice(_ENTER, NOTHING, "primary")],
            hint="Ctrl+T show · Enter next",
        )
        if not draft.user and len(place.accounts) == 1:
            draft = replace(draft, user=place.accounts[0])
        self._is_new = not place.accounts if draft.is_new is None else draft.is_new
        self._door: Final = door
        self._place: Final = place
        self._draft: Final = draft
        self._entering: Worker[None] | None = None

    def compose_body(self) -> ComposeResult:
        """The fields; the second password and its warning are there for a new account only."""
        draft = self._draft
        yield Either([Safe("I'm new"), Safe("I have an account")], 0 if self._is_new else 1)
        name = TextField(draft.user, id="name", max_length=_NAME_LENGTH, restrict=r"[A-Za-z0-9._-]*")
        yield _row("User name", name)
        password = PasswordField(draft.password, id="password")
        yield _row("Password", password, _show_button())
        yield Static("", classes="strength new", markup=False)
        yield _row("Once more", PasswordField(draft.password, id="again"), classes="new last")
        yield Told()
        yield paragraph(_IF_LOST, "quiet new lost")

    def on_mount(self) -> None:
        """Begin with the first field that is empty."""
        super().on_mount()
        self._show_fields()
        self._input("password" if self._draft.user else "name").focus()
        # The word lists take a while to load: better now than at the first key.
        self._load_word_lists()

    @on(Either.Changed)
    def _take(self, event: Either.Changed) -> None:
        self._is_new = event.taken == 0
        self._show_fields()
        self.tell(NOTHING)

    def _show_fields(self) -> None:
        for widget in self.query(".new"):
            widget.display = self._is_new
        button = self.query_one(f"#{_ENTER}", Button)
        button.label = Content("Create account" if self._is_new else "Log in")
        button.refresh(layout=True)  # a label alone does not change the width

    @on(Input.Changed, "#password")
    def _judge(self, event: Input.Changed) -> None:
        self._show_strength(event.value)

    @work
    async def _load_word_lists(self) -> None:
        await asyncio.to_thread(estimate, "password")

    @work(exclusive=True, group="strength")
    async def _show_strength(self, password: str) -> None:
        line = self.query_one(".strength", Static)
        if not password:
            line.update("")
            return
        known = (self._input("name").value, self._place.server, self._place.room or "", "sottovoce")
        await asyncio.sleep(_PAUSE)
        bar = _strength_bar(await asyncio.to_thread(estimate, password, known))
        if line.is_attached:
            line.update(bar)

    def action_next_field(self) -> None:
        """From a field to the next; the last one, and a button, take Enter themselves."""
        here = self.focused.id if isinstance(self.focused, Input) else None
        after = {"name": "password", "password": "again" if self._is_new else None}.get(here or "")
        if after is None:
            raise SkipAction
        self.set_focus(self._input(after))

    def choose(self, choice_id: str) -> None:
        """Show the password, go back, or in."""
        if choice_id == "show":
            self.action_show_password()
        elif choice_id == _BACK:
            self.dismiss(BackToServer(self._typed()))
        elif self._entering is None and self._is_complete():
            self._entering = self.run_worker(self._enter(self._typed()), group="entering")

    def action_leave(self) -> None:
        """Stop entering, or close."""
        if self._entering is None:
            self.dismiss(None)
            return
        self._entering.cancel()
        self._end_entering()
        self.tell(Safe("Stopped."))

    def action_show_password(self) -> None:
        """Show what was typed, or hide it again."""
        fields = [self._input("password"), self._input("again")]
        is_hidden = not fields[0].password
        if not is_hidden and any(sanitize(one.value) != one.value for one in fields):
            self.tell(Safe("This password holds characters that cannot be shown."), "warning")
            return
        for one in fields:
            one.password = is_hidden
        self._name_button()

    @on(Input.Changed)
    def _name_button(self) -> None:
        """A field hides itself when it gets what cannot be shown."""
        is_hidden = self._input("password").password
        self.query_one("#show", Button).label = Content("Show" if is_hidden else "Hide")

    def _is_complete(self) -> bool:
        """Tell whether all is there; say what is not, and go to its field."""
        typed = self._typed()
        if not typed.user:
            return self._refuse(NAME_RULE, "name")
        if not typed.password:
            return self._refuse(Safe("Type a password: an empty one protects nothing."), "password")
        if self._is_new and self._input("again").value != typed.password:
            return self._refuse(Safe("The two passwords are not the same: type it once more."), "again")
        return True

    def _refuse(self, sentence: Safe, field_id: str) -> bool:
        self.tell(sentence, "alarm")
        self._input(field_id).focus()
        return False

    async def _enter(self, typed: AccountDraft) -> None:
        self.query_one(".body").disabled = True
        self.query_one(f"#{_ENTER}", Button).disabled = True
        self.tell(Safe("Entering …"))
        try:
            await self._door.enter(
                self._place, typed.user, typed.password, is_new=self._is_new, tell=self._tell_progress
            )
        except Refusal as refusal:
            self._end_entering()
            self._take_refusal(refusal)
        else:
            self.dismiss(Entered(safe_name(typed.user), self._is_new))

    def _end_entering(self) -> None:
        self._entering = None
        self.query_one(".body").disabled = False
        self.query_one(f"#{_ENTER}", Button).disabled = False
        self._input("password").focus()

    def _take_refusal(self, refusal: Refusal) -> None:
        if refusal.step is Step.SERVER:
            self.dismiss(BackToServer(self._typed(), refusal.sentence))
            return
        if refusal.step is Step.PASSWORD:
            self._input("password").clear()
            self._input("again").clear()
        self._refuse(refusal.sentence, refusal.step.value)

    def _tell_progress(self, doing: Safe) -> None:
        self.tell(words("{doing} …", doing=doing))

    def _typed(self) -> AccountDraft:
        return AccountDraft(self._input("name").value, self._input("password").value, self._is_new)

    def _input(self, field_id: str) -> Input:
        return self.query_one(f"#{field_id}", Input)


def _show_button() -> Button:
    """Ctrl+T does the same, so that Tab leads from one password to the other."""
    button = Button(Content("Show"), id="show", compact=True)
    button.can_focus = False
    return button


def _row(label: str, *widgets: Widget, classes: str = "") -> Horizontal:
    return Horizontal(
        Label(Content(label), classes="field", markup=False), *widgets, classes=f"row {classes}".strip()
    )


def _strength_bar(strength: Strength) -> Content:
    full = max(1, _BAR * strength.score // BEST)
    kind = {"alarm": "$text-error", "warning": "$text-warning", "good": "$text-success"}[
        _KINDS[strength.score]
    ]
    advice = f"\n{strength.advice}" if strength.advice and strength.score <= WEAK + 1 else ""
    return Content.assemble(
        ("━" * full, kind),
        ("━" * (_BAR - full), "$foreground 20%"),
        (f" {strength.word}", kind),
        (advice, "$foreground-muted"),
    )
