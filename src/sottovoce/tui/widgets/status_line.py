"""The line at the bottom: the connection, what protects the room, and what wants to be looked at."""

from __future__ import annotations

from time import monotonic
from typing import Final

from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from sottovoce.tui import view
from sottovoce.tui.safe_text import Safe

_SEPARATOR: Final = "  "
_ONLINE, _AWAY, _ALARM = 7, 9, 10
"""What the connection weighs while it is there and while it is not, and an alarm."""


class StatusLine(Widget):
    """One row; what matters least is left out first where it is narrow."""

    DEFAULT_CSS = "StatusLine { height: 1; padding: 0 1; background: $panel; color: $text-muted; }"
    ALLOW_SELECT = False

    class Pressed(Message):
        """The line was clicked: what it tells of is wanted in full."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._link: view.LinkState | None = None
        self._retry_at = 0.0
        self._details: view.RoomDetails | None = None
        self._unread_elsewhere = 0
        self._has_alarm_elsewhere = False
        self._is_quiet = False
        self._ended: Safe | None = None
        self._clock: Timer | None = None

    def on_mount(self) -> None:
        """Count down while the server is away."""
        self._clock = self.set_interval(1.0, self.refresh, pause=True)

    def show_link(self, link: view.LinkState) -> None:
        """Show the connection."""
        self._link = link
        if link.retry_in is not None:
            self._retry_at = monotonic() + link.retry_in
        if self._clock is not None:
            if link.is_online:
                self._clock.pause()
            else:
                self._clock.resume()
        self.refresh()

    def show_end(self, reason: Safe) -> None:
        """Say that the connection is over for good."""
        self._ended = reason
        if self._clock is not None:
            self._clock.pause()
        self.refresh()

    def show_room(
        self,
        details: view.RoomDetails | None,
        unread_elsewhere: int,
        *,
        is_quiet: bool,
        has_alarm_elsewhere: bool = False,
    ) -> None:
        """Show what protects the open room, how many messages wait in others, and if one has an alarm."""
        before = self._details, self._unread_elsewhere, self._is_quiet, self._has_alarm_elsewhere
        now = details, unread_elsewhere, is_quiet, has_alarm_elsewhere
        self._details, self._unread_elsewhere, self._is_quiet, self._has_alarm_elsewhere = now
        if before != now:
            self.refresh()

    def on_click(self) -> None:
        """A click asks for more."""
        self.post_message(self.Pressed())

    def render(self) -> Content:
        """The parts that fit, in their order."""
        parts = [(weight, part) for weight, part in self._parts() if part]
        width = self.content_size.width
        while len(parts) > 1 and _length(parts) > width:
            parts.remove(min(parts, key=lambda weighed: weighed[0]))
        return Content(_SEPARATOR).join(part for _, part in parts).truncate(width, ellipsis=True)

    def _parts(self) -> list[tuple[int, Content]]:
        """The parts from left to right with what each weighs."""
        details = self._details
        is_online = self._ended is None and (self._link is None or self._link.is_online)
        parts = [(_ONLINE if is_online else _AWAY, self._link_part())]
        if details is not None and details.waits_for:
            parts.append((8, Content.styled(f"! {details.waits_for}: key changed (F6)", "$text-error bold")))
        elif details is not None and details.unseen:
            alarms = "1 alarm" if details.unseen == 1 else f"{details.unseen} alarms"
            parts.append((_ALARM, Content.styled(f"! {alarms} (F6)", "$text-error bold")))
        if self._has_alarm_elsewhere:
            parts.append((_ONLINE, Content.styled("! alarm in another room (F3)", "$text-error bold")))
        if self._unread_elsewhere:
            parts.append((6, Content.styled(f"{self._unread_elsewhere} unread (F3)", "$text-accent bold")))
        if details is not None:
            parts += _protection(details)
        if self._is_quiet:
            parts.append((3, Content("do not disturb")))
        return parts

    def _link_part(self) -> Content:
        if self._ended is not None:
            return Content.styled(f"✗ stopped: {self._ended}", "$text-error bold")
        link = self._link
        if link is None:
            return Content("… connecting")
        if link.is_online:
            return Content.assemble(("● ", "$text-success"), "online")
        seconds = round(self._retry_at - monotonic())
        again = f"next try in {seconds} s" if seconds > 0 else "trying now"
        return Content.styled(f"○ offline, {again}", "$text-warning bold")


def _protection(details: view.RoomDetails) -> list[tuple[int, Content]]:
    security = details.security
    if security.epoch is None:
        return [(5, Content.styled("entering the room …", "$text-warning"))]
    others = [member for member in details.members if not member.is_me]
    unverified = sum(not member.verified for member in others)
    if not others:
        trust = Content("nobody else is here (F5)")
    elif unverified:
        trust = Content.styled(f"{unverified} not verified (F4)", "$text-warning")
    else:
        trust = Content.styled("✓ all verified", "$text-success")
    return [
        (5, trust),
        (2, Content(f"epoch {security.epoch}")),
        (1, Content(security.suite.removeprefix("MLS_"))),
    ]


def _length(parts: list[tuple[int, Content]]) -> int:
    return sum(part.cell_length for _, part in parts) + len(_SEPARATOR) * (len(parts) - 1)
