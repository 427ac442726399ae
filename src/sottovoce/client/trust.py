"""Whom a key belongs to: fingerprints, safety numbers, and what a pin decides. Pure functions.

An account is pinned at first contact. *Verified* means that two people compared their safety number
over a channel the server is not in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

SAFETY_NUMBER_ITERATIONS: Final = 5200
"""Hashes per side: makes looking for a key with a similar number dear (2^112 work stays out of reach)."""

_DIGIT_GROUPS: Final = 6  # of five digits, a side


class PinDecision(Enum):
    """What an account key that is shown means against what is pinned."""

    FIRST_CONTACT = "first contact"
    SAME = "same"
    CHANGED = "changed"


@dataclass(frozen=True)
class PinnedContact:
    """An account as it is known here: its name (compared in lower case), key (32 bytes), verified or not.

    ``decided_at``: when a person last compared numbers, with either outcome, in Unix seconds; 0: never.
    """

    user: str
    account_key: bytes
    verified: bool = False
    decided_at: int = 0


def fingerprint(account_key: bytes) -> bytes:
    """Return the 32 bytes that stand for an account key where the key itself need not be known."""
    return hashlib.sha256(b"Sottovoce 1 account fingerprint" + account_key).digest()


def safety_number(own_name: str, own_key: bytes, other_name: str, other_key: bytes) -> str:
    """Return 60 digits in groups of five, the same on both sides and bound to both names and keys."""
    sides = sorted((_side(own_name, own_key), _side(other_name, other_key)))
    digits = "".join(sides)
    return " ".join(digits[at : at + 5] for at in range(0, len(digits), 5))


def _side(name: str, account_key: bytes) -> str:
    name_octets = name.lower().encode()
    digest = b"Sottovoce 1 safety number" + len(name_octets).to_bytes(4, "big") + name_octets + account_key
    for _ in range(SAFETY_NUMBER_ITERATIONS):
        digest = hashlib.sha512(digest + account_key).digest()
    groups = (int.from_bytes(digest[5 * at : 5 * at + 5], "big") % 100_000 for at in range(_DIGIT_GROUPS))
    return "".join(f"{group:05d}" for group in groups)


def decide(pinned: PinnedContact | None, account_key: bytes) -> PinDecision:
    """Compare a key that is shown with the pin of the same user name."""
    if pinned is None:
        return PinDecision.FIRST_CONTACT
    return PinDecision.SAME if pinned.account_key == account_key else PinDecision.CHANGED
