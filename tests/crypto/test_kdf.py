import hashlib
import hmac

import pytest

from sottovoce.crypto import kdf
from sottovoce.crypto.errors import InvalidArgument
from sottovoce.crypto.kdf import SHA256, SHA384, SHA512, HashFunction

every_hash = pytest.mark.parametrize("hash_function", [SHA256, SHA384, SHA512], ids=lambda h: h.name)


def test_hkdf_of_rfc_5869_a_1() -> None:
    ikm, salt, info = b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA))
    prk = kdf.hkdf_extract(SHA256, salt, ikm)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert kdf.hkdf_expand(SHA256, prk, info, 42).hex() == okm
    assert kdf.hkdf(ikm, salt, info, 42).hex() == okm


def test_hkdf_of_rfc_5869_a_3_without_salt_and_info() -> None:
    okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert kdf.hkdf(b"\x0b" * 22, b"", b"", 42).hex() == okm


def test_hmac_of_rfc_4231_case_2() -> None:
    tag = kdf.mac(SHA256, b"Jefe", b"what do ya want for nothing?")
    assert tag.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@every_hash
def test_digest(hash_function: HashFunction) -> None:
    assert hash_function.digest(b"abc") == hashlib.new(hash_function.name, b"abc").digest()
    assert len(hash_function.digest(b"")) == hash_function.length


@every_hash
@pytest.mark.parametrize("length", [-1, 255 * 64 + 1])
def test_expand_refuses_impossible_lengths(hash_function: HashFunction, length: int) -> None:
    with pytest.raises(InvalidArgument):
        kdf.hkdf_expand(hash_function, bytes(64), b"", length)


@every_hash
def test_only_the_whole_tag_holds(hash_function: HashFunction) -> None:
    tag = kdf.mac(hash_function, b"key", b"data")
    assert kdf.verify_mac(hash_function, b"key", b"data", tag)
    assert not any(kdf.verify_mac(hash_function, b"key", b"data", tag[:length]) for length in range(len(tag)))


@every_hash
def test_expand_is_the_same_stream_at_every_length(hash_function: HashFunction) -> None:
    """One block is made by another call than several: RFC 5869 §2.3 spelled out over :mod:`hmac`."""
    prk, info, blocks, last = b"p" * 50, b"info", b"", b""
    for counter in (1, 2, 3):
        last = hmac.digest(prk, last + info + bytes([counter]), hash_function.name)
        blocks += last
    for length in range(len(blocks) + 1):
        assert kdf.hkdf_expand(hash_function, prk, info, length) == blocks[:length]


@every_hash
@pytest.mark.parametrize("key_length", [0, 1, 64, 65, 128, 129])
def test_mac_is_hmac_for_keys_of_every_size(hash_function: HashFunction, key_length: int) -> None:
    key = b"k" * key_length
    for data in (b"", b"data"):
        assert kdf.mac(hash_function, key, data) == hmac.digest(key, data, hash_function.name)
