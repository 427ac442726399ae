"""What QR codes are made of: a smaller code, and the same link."""

from __future__ import annotations

import segno

from sottovoce.client.qr_code import qr_code, qr_parts
from sottovoce.crypto.secret import Secret
from sottovoce.link.invite_link import InviteLink

SIZES = (32, 16, 16, 32, 32)
PIN, TOKEN, ROOM, SECRET, INVITER = (bytes([number]) * size for number, size in enumerate(SIZES))
LINK = InviteLink("127.0.0.1", 7443, "lobby", PIN, TOKEN, ROOM, Secret(SECRET), 0, INVITER, 2_000_000_000)


def test_a_link_is_the_same_in_a_smaller_code() -> None:
    text = str(LINK)
    parts = qr_parts(text)
    assert InviteLink.parse("".join(parts), now=0) == LINK
    code = qr_code(text)
    assert code.version < segno.make(text, error="l", micro=False).version
    assert code.error == "L"
    assert code.version <= 8


def test_anything_else_is_as_it_is() -> None:
    for text in (
        "0123456789" * 6,
        "sottovoce://h:1/x#no!",
        "sottovoce:",
        "sottovoce:#" + "1" * 5000,
        "https://example.org/#mA",
    ):
        assert qr_parts(text) == [text]
