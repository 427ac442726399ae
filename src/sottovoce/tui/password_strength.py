"""How hard a password is to guess, by zxcvbn: word lists, keyboard walks, dates and repeats, in any mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sottovoce.tui.safe_text import NOTHING, Safe, safe

BEST: Final = 4
"""The highest score."""

WEAK: Final = 1
"""A password of this score or less falls to somebody with a list and an evening."""

_JUDGED: Final = (
    72  # characters; zxcvbn's time grows with the square, and so many are strong or repeat themselves
)
_WORDS: Final = ("very weak", "weak", "fair", "good", "strong")


@dataclass(frozen=True, slots=True)
class Strength:
    """``score``: 0 to :data:`BEST`; ``word``: what it is called; ``advice``: how to do better, or nothing."""

    score: int
    word: Safe
    advice: Safe


def estimate(password: str, known: Sequence[str] = ()) -> Strength:
    """Judge a password that is not empty; ``known``: what a guesser tries first, such as the user name.

    Takes some milliseconds, the first time a tenth of a second: not for an event loop's thread.
    """
    from zxcvbn import zxcvbn

    judged = zxcvbn(password[:_JUDGED], user_inputs=[word for word in known if word])
    feedback = judged["feedback"]
    advice = feedback["warning"] or next(iter(feedback["suggestions"]), "")
    return Strength(judged["score"], Safe(_WORDS[judged["score"]]), safe(advice) if advice else NOTHING)
