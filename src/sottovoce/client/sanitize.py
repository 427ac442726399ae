"""The one gate between other people's text and a screen (threats E1, E2, E3).

Every face passes everything that came from outside through :func:`sanitize` before it reaches a terminal,
a widget, a title, a notification or a log line. What comes out holds no control character, no part of an
escape sequence that a terminal acts on, nothing invisible and nothing that turns the direction of writing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

DEFAULT_LIMIT: Final = 32 * 1024
"""Characters; the longest text that fits into one message is never cut by it."""

NAME_LIMIT: Final = 64
"""Characters of a name of a person or a room on the screen."""

MAX_COMBINING_MARKS: Final = 4
"""Marks kept on one base character; every living orthography manages with fewer."""

MAX_JOINERS: Final = 4
"""Joiners in a row of joined emoji: no emoji of Unicode has more. Longer rows would count as one character of
two cells, and be drawn as many beyond the edge of the screen.
"""

CUT: Final = "…"
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
POP_ISOLATE: Final = "\N{POP DIRECTIONAL ISOLATE}"
ZWNJ: Final = "\N{ZERO WIDTH NON-JOINER}"
ZWJ: Final = "\N{ZERO WIDTH JOINER}"
VARIATION_SELECTOR_16: Final = "\N{VARIATION SELECTOR-16}"

# ECMA-48 §5.3-5.6. The bodies exclude every control character, so each text is scanned once: a string that
# is not ended by BEL or ST loses its introducer alone, and its body stays to be seen.
_ESCAPE_SEQUENCE: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC DCS SOS PM APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[\]PX^_]"  # a string that never ends
    r"|\x1b[ -/]*[0-~]?"  # everything else that ESC begins
)
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u034f\u2800")
"""Letters and marks that show nothing (Default_Ignorable_Code_Point, and the empty Braille cell)."""


def sanitize(text: str, *, limit: int = DEFAULT_LIMIT, multiline: bool = False) -> str:
    """Return ``text`` as it may be shown: at most ``limit`` characters, ``…`` last if it was cut.

    Escape sequences go whole, other control, format, bidirectional and invisible characters one by one;
    what stands for nothing (lone surrogates, private use, noncharacters) becomes U+FFFD. A line break
    stays one ``\\n`` if ``multiline``, else it becomes a blank, so that no text makes a line of its own.
    Idempotent. Raises nothing.
    """
    plain = text if text.isascii() and text.isprintable() else _clean(text, "\n" if multiline else " ")
    return plain if len(plain) <= limit else plain[: max(limit - 1, 0)].rstrip() + CUT


def _clean(text: str, line_break: str) -> str:
    text = _LINE_BREAK.sub(line_break, _ESCAPE_SEQUENCE.sub("", text))
    kept: list[str] = []
    marks = joiners = 0
    for index, character in enumerate(text):
        shown = _shown(character, kept, text[index + 1 : index + 2])
        if shown and unicodedata.category(shown)[0] == "M" and shown != VARIATION_SELECTOR_16:
            marks += 1
            # A mark without a base would sit on what the face itself printed before it.
            if marks > MAX_COMBINING_MARKS or not kept or kept[-1] == "\n":
                continue
        elif shown == ZWJ:
            joiners += 1
            if joiners > MAX_JOINERS:
                continue
        elif shown and shown != VARIATION_SELECTOR_16:
            marks = 0
            if kept[-1:] != [ZWJ] and not _is_skin_tone(shown):
                joiners = 0
        if shown:
            kept.append(shown)
    return "".join(kept).removesuffix(ZWJ)


def _shown(character: str, before: list[str], after: str) -> str:
    """Return what stands on the screen for ``character``: itself, another one, or nothing."""
    if character == "\n" or " " <= character <= "~":
        return character
    category = unicodedata.category(character)
    if character == "\t" or (category == "Zs" and character != "\N{IDEOGRAPHIC SPACE}"):
        return " "
    if category in ("Cs", "Co") or (ord(character) & 0xFFFE) == 0xFFFE or "\ufdd0" <= character <= "\ufdef":
        return REPLACEMENT
    if character in (ZWJ, ZWNJ):
        return character if _joins(character, before, after) else ""
    if character == VARIATION_SELECTOR_16:
        return character if before and _takes_emoji_style(before[-1]) else ""
    if category in ("Cc", "Cf", "Zl", "Zp") or character in _BLANK_LETTERS or _is_ignorable(character):
        return ""
    return character


def _joins(joiner: str, before: list[str], after: str) -> bool:
    """Tell whether a joiner does a visible job: in an emoji, or between letters of a script that needs it."""
    if not before or not after:
        return False
    if "\u0600" <= before[-1] <= "\u0dff" and "\u0600" <= after <= "\u0dff":
        return True  # Arabic to Sinhala: RFC 5892 Appendix A.1 and A.2 allow them there
    after_emoji = _is_emoji(before[-1]) or before[-1] == VARIATION_SELECTOR_16
    return joiner == ZWJ and after_emoji and _is_emoji(after)


def _is_emoji(character: str) -> bool:
    return "\U0001f000" <= character <= "\U0001faff" or "\u2190" <= character <= "\u2bff"


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _takes_emoji_style(character: str) -> bool:
    return _is_emoji(character) or character in "#*0123456789©®‼⁉™〰〽㊗㊙\N{INFORMATION SOURCE}"


def _is_ignorable(character: str) -> bool:
    """Variation selectors, tags and what Unicode keeps free for more of their kind."""
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\u180b" <= character <= "\u180f"
        or "\ufff0" <= character <= "\ufff8"
        or character == "\u2065"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def isolate(name: str) -> str:
    """Return a name that cannot turn the direction of what stands beside it.

    An ASCII name, and every user name is one, comes back as it is; any other is set between
    U+2068 and U+2069 (UAX #9 §2.7), the only two such characters that a face may print.
    """
    clean = sanitize(name, limit=NAME_LIMIT)
    return clean if clean.isascii() else f"{ISOLATE}{clean}{POP_ISOLATE}"


_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SINGLES: Final = str.maketrans("01i|!5", "olllls", "._-")
# Cyrillic and Greek letters that fonts draw as Latin ones. User names are ASCII, so these are refused at the
# door; a room's name may hold them.
_FOREIGN: Final = str.maketrans(
    "аеорсхуіјѕһԁԛԝкмтвнѵӏαονρικτυεχß",
    "aeopcxyljshdgwkmtbhvlaovplktvexb",
)


def skeleton(name: str) -> str:
    """Return what ``name`` looks like at a glance: two names with one skeleton are confusable (UTS #39 §4).

    Coarser than the Unicode table where terminals' fonts are: letter case, dots, dashes and digits that
    resemble letters make no difference.
    """
    folded = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(character for character in folded if not unicodedata.combining(character))
    seen = letters.translate(_FOREIGN).translate(_SINGLES)
    for pair, single in _PAIRS:
        seen = seen.replace(pair, single)
    return seen


def looks_like(name: str, known: Iterable[str]) -> str | None:
    """Return the first of ``known`` that ``name`` could be taken for, or None.

    The same user name, whatever its letter case, is not a look-alike of itself.
    """
    seen, own = skeleton(name), name.lower()
    return next((other for other in known if other.lower() != own and skeleton(other) == seen), None)
