"""The settings as rows of their screen, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import available_timezones

from sottovoce.tui.safe_text import NOTHING, Safe
from sottovoce.tui.screens.settings import Setting
from sottovoce.tui.settings import Settings

_SWITCH: Final = (("yes", Safe("on")), ("no", Safe("off")))
_LOOKS: Final = Safe("Looks")
_TIME: Final = Safe("Time")
_NEWS: Final = Safe("When something comes")

_SWITCHES: Final = (
    ("compact", "Compact messages", "Names and times beside the messages, no empty rows.", _LOOKS),
    (
        "mouse",
        "Mouse",
        "Off leaves it to your terminal. It counts from the next start on.",
        _LOOKS,
    ),
    ("show_seconds", "Seconds", "Shows the seconds in times.", _TIME),
    ("notifications", "Notifications", "A word in the corner when a message comes in another room.", _NEWS),
    ("desktop", "Desktop notifications", "Asks the terminal to show them outside of its window too.", _NEWS),
    ("bell", "Sound", "Rings the terminal's bell.", _NEWS),
    ("quiet", "Do not disturb", "No notifications and no sound until you switch it off.", _NEWS),
)


def rows(settings: Settings, themes: Sequence[str]) -> list[Setting]:
    """The rows, with the values of now."""
    zones = [("", Safe("as this machine")), *((zone, Safe(zone)) for zone in sorted(available_timezones()))]
    chosen = [
        Setting(
            "theme",
            Safe("Colours"),
            tuple((name, Safe(name)) for name in themes),
            settings.theme,
            NOTHING,
            _LOOKS,
        ),
        Setting(
            "clock",
            Safe("Clock"),
            (("24", Safe("24 hours")), ("12", Safe("12 hours"))),
            str(settings.clock),
            NOTHING,
            _TIME,
        ),
        Setting("time_zone", Safe("Time zone"), tuple(zones), settings.time_zone, NOTHING, _TIME),
    ]
    switches = [
        Setting(key, Safe(label), _SWITCH, "yes" if getattr(settings, key) else "no", Safe(words), section)
        for key, label, words, section in _SWITCHES
    ]
    return sorted([*chosen, *switches], key=lambda row: (_LOOKS, _TIME, _NEWS).index(row.section))


def taken(values: dict[str, str], before: Settings) -> Settings:
    """The settings that the rows' values say; ``before`` for what has no row."""
    switches = {key: values[key] == "yes" for key, *_ in _SWITCHES if key in values}
    return before.but(
        theme=values.get("theme", before.theme),
        clock=int(values.get("clock", before.clock)),
        time_zone=values.get("time_zone", before.time_zone),
        **switches,
    )
