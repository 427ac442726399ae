"""What a person has chosen, in a small JSON file (0600) beside the profiles; nothing of it is secret."""

from __future__ import annotations

import os
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

FILE: Final = "app.json"


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the app looks and behaves.

    ``clock``: ``24`` or ``12`` hours; ``time_zone``: a name of the IANA list, empty: the machine's;
    ``notifications``: say in the app that a message came in another room; ``desktop``: ask the terminal to
    show it too; ``bell``: ring the terminal's bell; ``quiet``: do not disturb; ``mouse``: the app takes the
    mouse, from its next start on.
    """

    theme: str = "dark"
    clock: int = 24
    time_zone: str = ""
    show_seconds: bool = False
    compact: bool = False
    notifications: bool = True
    desktop: bool = False
    bell: bool = False
    quiet: bool = False
    mouse: bool = True

    def but(self, **changes: str | int | bool) -> Settings:
        """The same with some values changed; raises TypeError for a name that is none."""
        return msgspec.structs.replace(self, **changes)

    @property
    def zone(self) -> tzinfo | None:
        """The time zone that was chosen; None: the machine's, also where the chosen one is unknown."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None


def load_settings(home: Path) -> Settings:
    """Read the settings; a file that is missing or that nobody can read means the defaults."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=Settings)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return Settings()


def save_settings(home: Path, settings: Settings) -> None:
    """Write the settings whole or not at all; raises OSError."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = home / f"{FILE}.{os.getpid()}"
    try:
        partial.touch(mode=0o600)
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(settings)))
        partial.replace(home / FILE)
    finally:
        partial.unlink(missing_ok=True)
