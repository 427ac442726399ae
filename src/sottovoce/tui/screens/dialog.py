"""The frame that all modal screens share: a title, a body that scrolls, buttons, and the keys below.

At least 60 columns and 20 rows: a frame in the middle, as high as what it holds. Smaller: the whole window.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, Literal, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from sottovoce.tui.safe_text import NOTHING, Safe, cut

Result = TypeVar("Result")

ROOMY: Final = (60, 20)
"""Columns and rows from which on a dialog leaves the screen behind it in sight."""

_FRAME_ROWS: Final = 2  # its border, above and below
_AROUND_TITLE: Final = 4  # columns: the border's corners, and a blank on either side


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. ``choice_id`` names it in code; ``kind`` is how it looks: ``error`` destroys something."""

    choice_id: str
    label: Safe
    kind: Literal["default", "primary", "success", "warning", "error"] = "default"


def _is_roomy(window: Size) -> bool:
    return window.width >= ROOMY[0] and window.height >= ROOMY[1]


def paragraph(text: Safe, kind: str = "") -> Static:
    """Return a text of the body. ``kind``: classes that say what it is: ``quiet``, ``warning``, ``alarm``."""
    return Static(Content(text), classes=f"paragraph {kind}".strip(), markup=False)


class Told(Static):
    """A line that answers what was typed; it takes no room while there is nothing to say."""

    DEFAULT_CSS = "Told { width: 100%; height: auto; margin-bottom: 1; }"

    def __init__(self, text: Safe = NOTHING, kind: str = "") -> None:
        super().__init__(Content(text), classes=kind, markup=False)
        self.display = bool(text)

    def tell(self, text: Safe, kind: str = "") -> None:
        """Say something else. ``kind``: as of :func:`paragraph`."""
        self.set_classes(kind)
        self.display = bool(text)
        self.update(Content(text))
        if text:
            self.call_after_refresh(self.scroll_visible, animate=False)


class ButtonRow(Horizontal):
    """Buttons beside each other; the arrow keys go from one to the next.

    They do so before the next key is looked at: an Enter typed at once must meet the button that was meant.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False, priority=True),
        Binding("right", "step(1)", show=False, priority=True),
    ]

    def action_step(self, by: int) -> None:
        """Focus the button ``by`` places further on."""
        buttons = [button for button in self.query(Button) if button.focusable]
        focused = self.screen.focused
        if isinstance(focused, Button) and focused in buttons:
            self.screen.set_focus(buttons[(buttons.index(focused) + by) % len(buttons)])


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """A modal screen in a frame. A subclass says what is in the body and what its buttons do.

    ``dismiss(None)``, by Esc, means that nothing was chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
    ]

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 55%;

        .frame {
            width: 100%;
            height: 100%;
            border: round $border;
            border-title-color: $text;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
        }
        &.-roomy .frame { height: auto; padding: 0 2; }
        &.-alarm .frame { border: round $error; border-title-color: $text-error; }

        .body { height: auto; scrollbar-size-vertical: 1; }
        &.-roomy .body { margin: 1 0 0 0; }

        .buttons { dock: bottom; height: 1; align-horizontal: right; }
        &.-roomy .buttons { margin: 1 0; }
        .buttons Button { margin-left: 1; }
        Button {
            height: 1; min-width: 6; border: none; padding: 0; line-pad: 1;
            &.-style-default { background: $foreground 15%; border: none; }
            &.-style-default.-primary { background: $primary; border: none; }
            &.-style-default.-success { background: $success; border: none; }
            &.-style-default.-warning { background: $warning; border: none; }
            &.-style-default.-error { background: $error; border: none; }
        }

        .paragraph { width: 100%; height: auto; margin-bottom: 1; }
        .body > .paragraph:last-child { margin-bottom: 0; }
        .body > Input { margin-bottom: 1; }
        .quiet { color: $text-muted; }
        .warning { color: $text-warning; }
        .alarm { color: $text-error; }
        .good { color: $text-success; }
        .strong { text-style: bold; }
        .center { text-align: center; }
        Label.field { color: $text-muted; }
        Input {
            height: 1; padding: 0 1 0 0; background: $foreground 10%;
            border: none; border-left: outer $foreground 30%;
        }
        Input:focus { border: none; border-left: outer $accent; }
    }
    """

    WIDTH: ClassVar[int] = 64
    """Columns of the frame where there is room."""

    ENTER: ClassVar[str] = ""
    """The choice that Enter in a field makes."""

    def __init__(
        self, title: Safe, choices: Sequence[Choice] = (), *, hint: str = "", is_alarm: bool = False
    ) -> None:
        super().__init__(classes="-alarm" if is_alarm else "")
        self._title: Final = title
        self._choices: Final = tuple(choices)
        self._hint: Final = hint

    def compose(self) -> ComposeResult:
        """The frame around :meth:`compose_body`."""
        with Vertical(classes="frame"):
            with VerticalScroll(classes="body", can_focus=False):
                yield from self.compose_body()
            if self._choices:
                with ButtonRow(classes="buttons"):
                    for choice in self._choices:
                        yield Button(Content(choice.label), choice.kind, id=choice.choice_id, compact=True)

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """What stands between title and buttons."""

    def on_mount(self) -> None:
        """Begin with the key hints of now."""
        self.show_hint()

    def on_resize(self, event: events.Resize) -> None:
        """Fit frame and body: the buttons stay in sight, the body scrolls."""
        is_roomy = _is_roomy(event.size)
        self.set_class(is_roomy, "-roomy")
        frame, body = self.query_one(".frame"), self.query_one(".body")
        width = min(self.WIDTH, event.size.width) if is_roomy else event.size.width
        frame.border_title = Content(cut(self._title, width - _AROUND_TITLE))
        frame.styles.width = width if is_roomy else "100%"
        body.styles.max_height = max(1, self.body_room(event.size).height)
        self.call_after_refresh(self.show_hint)

    def body_room(self, window: Size) -> Size:
        """Return what the body can show at once in a window of this size."""
        around = self.around_body(window)
        width = min(self.WIDTH, window.width) if _is_roomy(window) else window.width
        return Size(width - around.width, max(1, window.height - around.height))

    def around_body(self, window: Size) -> Size:
        """Return the columns and rows that frame, margins and buttons take."""
        buttons = 1 if self._choices else 0
        return Size(7, 4 + 2 * buttons) if _is_roomy(window) else Size(5, _FRAME_ROWS + buttons)

    def show_hint(self) -> None:
        """Say on the lower border which keys do something here."""
        body, frame = self.query_one(".body"), self.query_one(".frame")
        parts = ["PgUp PgDn more"] if body.max_scroll_y > 0 else []
        parts = [*parts, self._hint, "Esc close"] if self._hint else [*parts, "Esc close"]
        while len(parts) > 1 and cell_len(" · ".join(parts)) > frame.size.width - _FRAME_ROWS:
            del parts[-2]
        frame.border_subtitle = Content(" · ".join(parts))

    def tell(self, text: Safe, kind: str = "") -> None:
        """Answer what was typed; a worker may be late, when the line is gone already."""
        for line in self.query(Told):
            line.tell(text, kind)

    def action_leave(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll the body by rows."""
        self.query_one(".body").scroll_relative(y=by, animate=False)

    def action_scroll_page(self, by: int) -> None:
        """Scroll the body by its height."""
        body = self.query_one(".body")
        body.scroll_relative(y=by * max(1, body.size.height - 1), animate=False)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if self.ENTER:
            event.input.value = event.value  # what was typed ahead is no part of it
            self.choose(self.ENTER)

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        self.choose(event.button.id or "")

    def choose(self, choice_id: str) -> None:  # noqa: ARG002 - for the subclasses with more than one
        """Do what the button of this id says; closing is all that a dialog without other choices does."""
        self.dismiss(None)


def field(label: Safe, widget: Widget) -> tuple[Label, Widget]:
    """Return a label and what it is the label of, for ``yield from``."""
    return Label(Content(label), classes="field", markup=False), widget
