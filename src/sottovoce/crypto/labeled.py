"""HPKE's labelled derivation (RFC 9180 §4 and draft-ietf-hpke-hpke-03 §4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sottovoce.crypto.kdf import HashFunction, check_expand_length, hkdf_expand, hkdf_extract

_VERSION: Final = b"HPKE-v1"


@dataclass(frozen=True, slots=True)
class LabeledKdf:
    """HKDF under the labels of one ``suite_id`` (RFC 9180 §4)."""

    hash_function: HashFunction
    suite_id: bytes

    def extract(self, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        """Return ``LabeledExtract(salt, label, ikm)``, Nh bytes."""
        return hkdf_extract(self.hash_function, salt, _VERSION + self.suite_id + label + ikm)

    def expand(self, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        """Return ``LabeledExpand(prk, label, info, L)``, ``length`` bytes.

        Raises :class:`~sottovoce.crypto.errors.InvalidArgument` above ``255 * Nh`` bytes.
        """
        check_expand_length(self.hash_function, length)
        labeled_info = length.to_bytes(2, "big") + _VERSION + self.suite_id + label + info
        return hkdf_expand(self.hash_function, prk, labeled_info, length)


def labeled_derive(suite_id: bytes, ikm: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``SHAKE256.LabeledDerive(ikm, label, context, L)``, ``length`` bytes.

    The single-stage derivation of draft-ietf-hpke-hpke-03 §4 with SHAKE256 (draft-ietf-hpke-pq-05 §5).
    """
    prefixed_label = len(label).to_bytes(2, "big") + label
    labeled_ikm = ikm + _VERSION + suite_id + prefixed_label + length.to_bytes(2, "big") + context
    return hashlib.shake_256(labeled_ikm).digest(length)
