"""Before a link is opened: the whole address, with what decides where it leads in bold (threat E4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph

_CLOSE: Final = "close"
_COPY: Final = "copy"
_OPEN: Final = "open"
_SCHEMES: Final = ("http", "https")


class OpenLink(Dialog[bool]):
    """Asks whether to open ``url``; result: True to open it. Nothing but http and https can be.

    ``warnings``: what is odd about the address, in sentences.
    """

    WIDTH: ClassVar[int] = 76

    DEFAULT_CSS = """
    OpenLink .address {
        background: $foreground 10%; padding: 0 1; margin-bottom: 1; height: auto; color: $text-muted;
    }
    """

    def __init__(self, url: Safe, warnings: Sequence[Safe] = ()) -> None:
        self._url: Final = url
        self._host_at: Final = host_span(url)
        choices = [Choice(_COPY, Safe("Copy")), Choice(_CLOSE, Safe("Do not open"))]
        if self._host_at is not None:
            choices.append(Choice(_OPEN, Safe("Open"), "warning" if warnings else "primary"))
        super().__init__(Safe("Open this link?"), choices, hint="← → choose", is_alarm=bool(warnings))
        self._warnings: Final = tuple(warnings)

    def compose_body(self) -> ComposeResult:
        """The address, then what is odd about it."""
        address = Content(self._url)
        if self._host_at is None:
            yield Static(address, classes="address")
            yield paragraph(Safe("Only addresses of web pages (http and https) can be opened."), "alarm")
            return
        start, end = self._host_at
        yield Static(address.stylize("bold $text-accent", start, end), classes="address")
        for warning in self._warnings:
            yield paragraph(words("⚠ {warning}", warning=warning), "alarm")
        host = Safe(self._url[start:end])
        yield paragraph(
            words("It opens in your web browser. {host} then learns your address on the internet.", host=host)
        )
        if urlsplit(self._url).scheme.lower() == "http":
            yield paragraph(Safe("The connection is not encrypted (http)."), "warning")

    def on_mount(self) -> None:
        """The harmless answer has the focus."""
        super().on_mount()
        self.query_one(f"#{_CLOSE}").focus()

    def choose(self, choice_id: str) -> None:
        """Open, copy, or close."""
        if choice_id == _COPY:
            self.app.copy_to_clipboard(self._url)
            self.dismiss(None)
        else:
            self.dismiss(True if choice_id == _OPEN else None)


def host_span(url: str) -> tuple[int, int] | None:
    """Return where the host stands in an http or https address; None for any other text.

    What is before an ``@`` is no host, however much it looks like one.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:  # such as an IPv6 address that is none
        return None
    if parts.scheme.lower() not in _SCHEMES or not host or "\\" in parts.netloc:
        return None
    authority_at = url.find("//") + 2
    after_user = authority_at + parts.netloc.rfind("@") + 1
    start = url.lower().find(host, after_user)
    return None if start < 0 else (start, start + len(host))
