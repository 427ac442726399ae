import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto import aead
from sottovoce.crypto.errors import DecryptionError, InvalidArgument


def test_gcm_specification_case_14() -> None:
    sealed = aead.seal(bytes(32), bytes(12), b"", bytes(16))
    assert sealed.hex() == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
    assert aead.open(bytes(32), bytes(12), b"", sealed) == bytes(16)


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_what_was_sealed_opens(plaintext: bytes, aad: bytes) -> None:
    for algorithm in (aead.AES_128_GCM, aead.AES_256_GCM, aead.CHACHA20_POLY1305):
        key = bytes(algorithm.key_length)
        sealed = algorithm.seal(key, bytes(12), aad, plaintext)
        assert len(sealed) == len(plaintext) + aead.TAG_LENGTH
        assert algorithm.open(key, bytes(12), aad, sealed) == plaintext


@given(st.binary(max_size=60))
def test_anything_else_does_not(garbage: bytes) -> None:
    with pytest.raises(DecryptionError):
        aead.open(b"k" * 32, bytes(12), b"", garbage)


@pytest.mark.parametrize(("key", "nonce"), [(16, 12), (33, 12), (0, 12), (32, 8), (32, 16), (32, 0)])
def test_wrong_lengths_are_the_callers_fault(key: int, nonce: int) -> None:
    with pytest.raises(InvalidArgument, match="AES-256-GCM takes a key of 32"):
        aead.seal(bytes(key), bytes(nonce), b"", b"")
    with pytest.raises(InvalidArgument):
        aead.open(bytes(key), bytes(nonce), b"", bytes(16))
