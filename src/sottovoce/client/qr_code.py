"""QR codes: of an invite link a smaller one than its text would take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sottovoce.link.invite_link import BadInviteLink, in_digits, is_invite_link

if TYPE_CHECKING:
    from segno import QRCode


def qr_code(text: str) -> QRCode:
    """Return the code of ``text``: error correction L or better, in the smallest size that holds it.

    Raises ValueError for a text of more than about 2,900 bytes.
    """
    import segno

    return segno.make(qr_parts(text), error="l", micro=False)  # type: ignore[arg-type]  # it takes parts too


def qr_parts(text: str) -> list[str]:
    """Return what is stored, one part after the other (ISO/IEC 18004, 7.4: a mode for each).

    Of an invite link that is the link with its fragment in digits, which take less room than letters: a phone
    reads another text than is on the screen, and it leads to the same room.
    """
    if is_invite_link(text):
        try:
            return list(in_digits(text))
        except BadInviteLink:
            pass
    return [text]
