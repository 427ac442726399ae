"""What draws attention to a message that nobody is looking at: when, in which words, and how loud.

Nothing here makes a sound or leaves the app unless a person asked for it: the bell and the desktop are off
until the settings say otherwise. The desktop, which others may see, is told who wrote and never what.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sottovoce.client.sanitize import sanitize
from sottovoce.tui.safe_text import NOTHING, Safe, words
from sottovoce.tui.settings import Settings
from sottovoce.tui.view import Level, Line, Message, Note, Notice, Room

PREVIEW_LENGTH: Final = 80
DESKTOP_LENGTH: Final = 100
"""Characters."""

PAUSE: Final = 5.0
"""Seconds in which a room draws attention once; only a mention of one's name does so again."""

MENTION_PAUSE: Final = 1.0
"""Seconds in which mentions do so once: a name written a hundred times a second is an attack."""

MOST_NOTES: Final = 5
NOTE_SPAN: Final = 10.0
"""Notes about no message are shown so many in so many seconds: strangers may add one to rooms without end."""

MOST_ALARMS: Final = 3
ALARM_SPAN: Final = 60.0
"""Alarms are shown so many in so many seconds: who can raise one can raise thousands."""

COUNT_PAUSE: Final = 10.0
"""Seconds from one word of how many more there were to the next."""

_WHERE_ALARMS_ARE: Final = Safe(
    "F3 lists your rooms, with a ! where something is wrong; F6 says in each of them what, and what to do."
)

_FLOODED: Final = Note(
    Safe(
        "More is happening in your rooms than is told here: F3 lists them, with a ! where something is wrong."
    ),
    Level.WARNING,
)

_TERMINALS_OF_777: Final = ("rxvt", "foot")


@dataclass(frozen=True, slots=True)
class Attention:
    """What to do.

    ``is_shown``: in the app, with ``title`` and ``text``; ``rings``: the terminal's bell; ``desktop``: what
    the desktop is told, empty for nothing.
    """

    title: Safe
    text: Safe
    level: Level
    is_shown: bool
    rings: bool
    desktop: Safe


class Notices:
    """Decides for one person. Times are seconds of a clock that does not go back."""

    def __init__(self, user: str) -> None:
        # Names may hold dots, dashes and underscores, but the dot after a name may end a sentence too.
        name = re.escape(user)
        self._mention: Final = re.compile(rf"(?<![\w.-])@?{name}(?!\.?[\w-])", re.IGNORECASE)
        self._last: Final[dict[bytes, float]] = {}
        self._last_mention: Final[dict[bytes, float]] = {}
        self._untold: Final[dict[bytes, int]] = {}
        self._noted: Final[deque[float]] = deque(maxlen=MOST_NOTES)
        self._is_flooded = False
        self._alarmed: Final[deque[float]] = deque(maxlen=MOST_ALARMS)
        self._more_alarms = 0
        self._counted = -COUNT_PAUSE

    def mentions_me(self, text: str) -> bool:
        """Tell whether this person's name is in the text as a word, with ``@`` or without."""
        return self._mention.search(text) is not None

    def notes(self, notes: Iterable[Note], now: float) -> list[Note]:
        """Return what is said of ``notes``: not too much in a while, and once that it was too much."""
        said = []
        for note in notes:
            if len(self._noted) < MOST_NOTES or now - self._noted[0] >= NOTE_SPAN:
                self._noted.append(now)
                self._is_flooded = False
                said.append(note)
            elif not self._is_flooded:
                self._is_flooded = True
                said.append(_FLOODED)
        return said

    def seen(self, room_id: bytes) -> None:
        """Somebody looks at the room now: nothing in it waits to be told."""
        self._untold.pop(room_id, None)

    def take(
        self,
        room: Room,
        lines: Sequence[Line],
        settings: Settings,
        now: float,
        *,
        is_open: bool,
        has_keys: bool,
    ) -> Attention | None:
        """Return what to do about ``lines`` that just came in ``room``, None for nothing.

        ``is_open``: the room is the one on the screen; ``has_keys``: the terminal is the one that is typed
        into. Do-not-disturb holds back everything but alarms, and those are shown without a sound.
        """
        if is_open and has_keys:
            self.seen(room.room_id)
            return None
        alarms = [line for line in lines if isinstance(line, Notice) and line.level is Level.ALARM]
        if alarms:
            return self._alarm(room, alarms, settings, now, is_open)
        messages = [line for line in lines if isinstance(line, Message) and not line.is_mine]
        return self._about(room, messages, settings, now, is_open) if messages else None

    def overdue(self, now: float) -> Attention | None:
        """Return how to tell of the alarms that were too many to be shown each; asked every second or so."""
        if not self._more_alarms or now - self._counted < COUNT_PAUSE:
            return None
        count = self._more_alarms
        title = Safe("1 more alarm") if count == 1 else words("{count} more alarms", count=count)
        self._counted, self._more_alarms = now, 0
        return Attention(title, _WHERE_ALARMS_ARE, Level.ALARM, is_shown=True, rings=False, desktop=NOTHING)

    def _alarm(
        self, room: Room, alarms: Sequence[Notice], settings: Settings, now: float, is_open: bool
    ) -> Attention | None:
        is_told = len(self._alarmed) < MOST_ALARMS or now - self._alarmed[0] >= ALARM_SPAN
        if not is_open:  # there they are on the screen
            self._more_alarms += len(alarms) - is_told
        if not is_told:
            return None
        self._alarmed.append(now)
        title = words("Alarm in {room}", room=room.name)
        return _attention(title, alarms[0].text, Level.ALARM, settings, is_open)

    def _about(
        self, room: Room, messages: Sequence[Message], settings: Settings, now: float, is_open: bool
    ) -> Attention | None:
        count = self._untold.get(room.room_id, 0) + len(messages)
        mention = next((message for message in messages if self.mentions_me(message.text)), None)
        last, pause = (self._last, PAUSE) if mention is None else (self._last_mention, MENTION_PAUSE)
        if settings.quiet or now - last.get(room.room_id, -pause) < pause:
            self._untold[room.room_id] = count
            return None
        self._last[room.room_id] = now
        if mention is not None:
            self._last_mention[room.room_id] = now
        self.seen(room.room_id)
        message = mention or messages[-1]
        if mention is not None:
            title = words("{sender} mentioned you in {room}", sender=message.sender, room=room.name)
        elif count == 1:
            title = words("{sender} wrote in {room}", sender=message.sender, room=room.name)
        else:
            title = words("{count} new messages in {room}", count=count, room=room.name)
        by_whom = "" if mention or count == 1 else f"{message.sender}: "
        preview = Safe(sanitize(by_whom + message.text, limit=PREVIEW_LENGTH))
        return _attention(title, preview, Level.INFO, settings, is_open)


def _attention(title: Safe, text: Safe, level: Level, settings: Settings, is_open: bool) -> Attention | None:
    is_shown = not is_open and (settings.notifications or level is Level.ALARM)
    rings = settings.bell and not settings.quiet
    told = settings.desktop and not settings.quiet
    desktop = Safe(sanitize(f"Sottovoce: {title}", limit=DESKTOP_LENGTH)) if told else NOTHING
    return Attention(title, text, level, is_shown, rings, desktop) if is_shown or rings or told else None


def desktop_sequence(told: Safe, environment: Mapping[str, str]) -> str:
    """Return what makes the terminal show some words on the desktop: OSC 777 where it is known, else OSC 9.

    A terminal that knows neither shows nothing. The words can neither end the sequence nor add a parameter.
    """
    shown = sanitize(told, limit=DESKTOP_LENGTH)
    if environment.get("TERM", "").startswith(_TERMINALS_OF_777) or "VTE_VERSION" in environment:
        title, _, body = shown.replace(";", ",").partition(": ")
        return f"\x1b]777;notify;{title};{body}\x1b\\"
    # A digit and a semicolon would be ConEmu's commands, the progress bar among them.
    return f"\x1b]9;{shown.lstrip('0123456789;')}\x1b\\"
