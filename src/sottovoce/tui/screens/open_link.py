"""Before a link is opened: the whole address, with what decides where it leads in bold (threat E4)."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from sottovoce.tui.links import Judgement
from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph

_CLOSE: Final = "close"
_COPY: Final = "copy"
_OPEN: Final = "open"


class OpenLink(Dialog[bool]):
    """Asks whether to open a link; result: True to open it. One that cannot be opened is only shown."""

    WIDTH: ClassVar[int] = 76

    DEFAULT_CSS = """
    OpenLink .address {
        background: $foreground 10%; padding: 0 1; margin-bottom: 1; height: auto; color: $text-muted;
    }
    """

    def __init__(self, judgement: Judgement) -> None:
        choices = [Choice(_COPY, Safe("Copy")), Choice(_CLOSE, Safe("Do not open"))]
        is_odd = bool(judgement.warnings)
        if judgement.can_open:
            choices.append(Choice(_OPEN, Safe("Open"), "warning" if is_odd else "primary"))
        super().__init__(Safe("Open this link?"), choices, hint="← → choose", is_alarm=is_odd)
        self._judged: Final = judgement

    def compose_body(self) -> ComposeResult:
        """The address, its host in bold, then what is odd about it."""
        judged = self._judged
        address = Content(judged.url)
        start, end = host_span(judged.url)
        yield Static(address.stylize("bold $text-accent", start, end), classes="address", markup=False)
        for warning in judged.warnings:
            yield paragraph(words("⚠ {warning}", warning=warning), "alarm")
        if not judged.can_open:
            return
        yield paragraph(
            words(
                "It opens in your web browser. {host} then learns your address on the internet.",
                host=judged.ascii_host,
            )
        )
        if judged.url.lower().startswith("http:"):
            yield paragraph(Safe("The connection is not encrypted (http)."), "warning")

    def on_mount(self) -> None:
        """The harmless answer has the focus."""
        super().on_mount()
        self.query_one(f"#{_CLOSE}").focus()

    def choose(self, choice_id: str) -> None:
        """Open, copy, or close."""
        if choice_id == _COPY:
            self.app.copy_to_clipboard(self._judged.url)
            self.dismiss(None)
        else:
            self.dismiss(True if choice_id == _OPEN else None)


def host_span(url: str) -> tuple[int, int]:
    """Return where the host stands in an address; an empty span where none is seen.

    What is before an ``@`` is no host, however much it looks like one.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:  # such as an IPv6 address that is none
        return 0, 0
    if not host:
        return 0, 0
    after_user = url.find("//") + 2 + parts.netloc.rfind("@") + 1
    start = url.lower().find(host, after_user)
    return (0, 0) if start < 0 else (start, start + len(host))
