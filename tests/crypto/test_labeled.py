import hashlib

import pytest

from sottovoce.crypto.errors import InvalidArgument
from sottovoce.crypto.kdf import SHA256, hkdf_expand, hkdf_extract
from sottovoce.crypto.labeled import LabeledKdf, labeled_derive


def test_extract_and_expand_by_the_letter_of_rfc_9180() -> None:
    labeled = LabeledKdf(SHA256, b"SUITE")
    assert labeled.extract(b"salt", b"label", b"ikm") == hkdf_extract(
        SHA256, b"salt", b"HPKE-v1SUITElabelikm"
    )
    expected = hkdf_expand(SHA256, bytes(32), b"\x00\x21HPKE-v1SUITElabelinfo", 33)
    assert labeled.expand(bytes(32), b"label", b"info", 33) == expected


@pytest.mark.parametrize("length", [-1, 255 * 32 + 1, 1 << 16, 1 << 40])
def test_expand_refuses_impossible_lengths(length: int) -> None:
    with pytest.raises(InvalidArgument):
        LabeledKdf(SHA256, b"").expand(bytes(32), b"", b"", length)


def test_derive_by_the_letter_of_the_draft() -> None:
    labeled_ikm = b"ikm" + b"HPKE-v1" + b"SUITE" + b"\x00\x05label" + b"\x00\x20" + b"context"
    expected = hashlib.shake_256(labeled_ikm).digest(32)
    assert labeled_derive(b"SUITE", b"ikm", b"label", b"context", 32) == expected
