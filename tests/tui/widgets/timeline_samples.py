"""Lines for the timeline's tests, and an app that holds nothing but a timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from textual.app import App, ComposeResult

from sottovoce.tui.safe_text import safe, safe_lines, safe_name
from sottovoce.tui.view import QUEUED_FROM, Delivery, Level, Line, Message, Notice, Page
from sottovoce.tui.widgets.timeline import Timeline
from sottovoce.tui.widgets.timeline_clock import Clock

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CLOCK: Final = Clock(UTC)


def message(
    position: int,
    text: str = "",
    sender: str = "Bob",
    *,
    minutes: float | None = None,
    is_mine: bool = False,
    verified: bool = False,
) -> Message:
    """A stored message, ``minutes`` after the start."""
    return Message(
        position=position,
        seq=position,
        at=START + timedelta(minutes=position if minutes is None else minutes),
        sender=safe_name(sender),
        text=safe_lines(text or f"message {position}"),
        is_mine=is_mine,
        verified=verified,
        message_id=position.to_bytes(32, "big"),
        delivery=Delivery.STORED,
    )


def queued(order: int, text: str, message_id: int, minutes: float = 0) -> Message:
    """One's own message on its way."""
    return Message(
        position=QUEUED_FROM + order,
        seq=0,
        at=START + timedelta(minutes=minutes),
        sender=safe_name("Me"),
        text=safe_lines(text),
        is_mine=True,
        verified=True,
        message_id=message_id.to_bytes(32, "big"),
        delivery=Delivery.QUEUED,
    )


def notice(position: int, text: str, level: Level = Level.INFO, minutes: float | None = None) -> Notice:
    """Something that is no message."""
    at = START + timedelta(minutes=position if minutes is None else minutes)
    return Notice(position, position, at, safe(text), level)


def page(*lines: Line, has_older: bool = False) -> Page:
    return Page(lines, has_older)


class TimelineApp(App[None]):
    """A timeline that shows a page, and what it asked for: ``events``."""

    def __init__(self, first: Page, **options: object) -> None:
        super().__init__()
        self.first = first
        self.options = options
        self.timeline = Timeline(clock=CLOCK)
        self.events: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.timeline

    def on_mount(self) -> None:
        self.timeline.show(self.first, **self.options)
        self.timeline.focus()

    def on_timeline_older_wanted(self, event: Timeline.OlderWanted) -> None:
        self.events.append(event)

    def on_timeline_end_seen(self, event: Timeline.EndSeen) -> None:
        self.events.append(event)

    def on_timeline_chosen(self, event: Timeline.Chosen) -> None:
        self.events.append(event)

    def on_timeline_xray_wanted(self, event: Timeline.XRayWanted) -> None:
        self.events.append(event)

    def on_timeline_link_chosen(self, event: Timeline.LinkChosen) -> None:
        self.events.append(event)

    def said(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]
