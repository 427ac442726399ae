"""HPKE's labelled derivation (RFC 9180 §4 and draft-ietf-hpke-hpke-03 §4)."""

from __future__ import annotations

import hashlib
from typing import Final

from sottovoce.crypto.kdf import HashFunction, hkdf_expand, hkdf_extract

_VERSION: Final = b"HPKE-v1"


def labeled_extract(hash_function: HashFunction, suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """Return ``LabeledExtract(salt, label, ikm)``, Nh bytes (RFC 9180 §4)."""
    return hkdf_extract(hash_function, salt, _VERSION + suite_id + label + ikm)


def labeled_expand(
    hash_function: HashFunction, suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int
) -> bytes:
    """Return ``LabeledExpand(prk, label, info, L)``, ``length`` bytes (RFC 9180 §4)."""
    labeled_info = length.to_bytes(2, "big") + _VERSION + suite_id + label + info
    return hkdf_expand(hash_function, prk, labeled_info, length)


def labeled_derive(suite_id: bytes, ikm: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``SHAKE256.LabeledDerive(ikm, label, context, L)``, ``length`` bytes.

    The single-stage derivation of draft-ietf-hpke-hpke-03 §4 with SHAKE256 (draft-ietf-hpke-pq-05 §5).
    """
    prefixed_label = len(label).to_bytes(2, "big") + label
    labeled_ikm = ikm + _VERSION + suite_id + prefixed_label + length.to_bytes(2, "big") + context
    return hashlib.shake_256(labeled_ikm).digest(length)
