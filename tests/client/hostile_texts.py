"""Texts that terminals act on, for every test of a face (threats E1 and E2)."""

from __future__ import annotations

from itertools import product

_STRING_INTRODUCERS = {
    "OSC": ("\x1b]", "\x9d"),
    "DCS": ("\x1bP", "\x90"),
    "APC": ("\x1b_", "\x9f"),
    "PM": ("\x1b^", "\x9e"),
    "SOS": ("\x1bX", "\x98"),
}
_TERMINATORS = ("\x07", "\x1b\\", "\x9c", "", "\x1b", "\x18", "\x1a", "\n")
_CSI_BODIES = (
    "2J",
    "H",
    "31m",
    "?1049h",
    "6n",
    "c",
    ">c",
    "5n",
    "1000h",
    "?2004h",
    "21t",
    "20t",
    "3J",
    "10A",
    "2K",
    "1;1H",
    "?25l",
    "!p",
    "4i",
    "5i",
    "38;2;1;2;3m",
    "0;0q",
    "",
    "9999999999999m",
    " q",
)
_OSC_BODIES = (
    "52;c;cm0gLXJm",
    "8;;http://evil.example",
    "0;root#",
    "4;1;?",
    "11;?",
    "50;?",
    "1337;File=x:AAAA",
    "7;x",
)


def hostile_texts() -> list[str]:
    """At least 200 different ones; each holds the word ``shown`` that must survive."""
    texts = [f"{csi}{body}shown" for csi, body in product(("\x1b[", "\x9b"), _CSI_BODIES) if body != ""]
    texts += [
        f"shown{introducer}{body}{terminator}"
        for introducer, body, terminator in product(_STRING_INTRODUCERS["OSC"], _OSC_BODIES, _TERMINATORS)
    ]
    texts += [
        f"shown{introducer}1$r0m{terminator}"
        for kind, introducers in _STRING_INTRODUCERS.items()
        if kind != "OSC"
        for introducer, terminator in product(introducers, _TERMINATORS)
    ]
    texts += [f"\x1b{final}shown" for final in "c78DEHMNOZ=>nlo|}~"] + [
        "\x1b#8shown",
        "\x1b(0shown",
        "\x1b%Gshown",
    ]
    texts += [f"shown{chr(code)}" for code in (*range(0x20), *range(0x7F, 0xA0))]
    texts += ["\x1b\x1b[0m[31mshown", "\x1b[\x1b[mshown", "\x9b\x9b31mshown", "\x1b]\x1b]0;x\x07shown\x07"]
    texts += [
        f"shown{chr(code)}"
        for code in (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    ]
    texts += [
        f"shown{chr(code)}"
        for code in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, 0x3164, 0xE0041, 0xD800)
    ]
    texts += [
        "shown" + "\u0301" * 500,
        "\r\nBob: shown",
        "shown\rBob: x",
        "shown\u2028Bob: x",
        "shown\x85Bob: x",
    ]
    return texts
