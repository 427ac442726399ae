import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto import ristretto
from sottovoce.crypto.errors import InvalidArgument, InvalidPoint, InvalidScalar

ORDER = 2**252 + 27742317777372353535851937790883648493
GENERATOR = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"

# RFC 9496 appendix A.2: encodings that are not canonical, negative, or of no square.
BAD_ENCODINGS = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
]


def little_endian(number: int) -> bytes:
    return number.to_bytes(32, "little")


@pytest.mark.parametrize("encoding", BAD_ENCODINGS)
def test_bad_encodings_of_rfc_9496(encoding: str) -> None:
    with pytest.raises(InvalidPoint):
        ristretto.deserialize_element(bytes.fromhex(encoding))


def test_the_identity_is_refused() -> None:
    with pytest.raises(InvalidPoint, match="identity"):
        ristretto.deserialize_element(bytes(32))


@given(st.binary(max_size=80).filter(lambda octets: len(octets) != 32))
def test_other_lengths_never_reach_libsodium(octets: bytes) -> None:
    with pytest.raises(InvalidPoint):
        ristretto.deserialize_element(octets)
    with pytest.raises(InvalidScalar):
        ristretto.deserialize_scalar(octets)


def test_small_multiples_of_the_generator_of_rfc_9496() -> None:
    one = ristretto.deserialize_scalar(little_endian(1))
    assert ristretto.scalar_mult_base(one).hex() == GENERATOR
    five = ristretto.scalar_mult_base(ristretto.deserialize_scalar(little_endian(5)))
    assert five.hex() == "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e"
    assert ristretto.deserialize_element(five) == five


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**253, 2**256 - 1])
def test_scalars_zero_and_not_reduced_are_refused(number: int) -> None:
    with pytest.raises(InvalidScalar):
        ristretto.deserialize_scalar(little_endian(number))


@pytest.mark.parametrize("number", [1, 2, ORDER - 1])
def test_reduced_scalars_are_taken(number: int) -> None:
    assert ristretto.deserialize_scalar(little_endian(number)) == little_endian(number)


def test_multiplication_commutes_and_inverts() -> None:
    left, right = ristretto.random_scalar(os.urandom), ristretto.random_scalar(os.urandom)
    product = ristretto.scalar_mult(left, ristretto.scalar_mult_base(right))
    assert product == ristretto.scalar_mult(right, ristretto.scalar_mult_base(left))
    undone = ristretto.scalar_mult(ristretto.scalar_invert(left), product)
    assert undone == ristretto.scalar_mult_base(right)


def test_random_scalar_reduces_64_bytes() -> None:
    drawn = (ORDER * 3 + 7).to_bytes(64, "little")
    assert ristretto.random_scalar(lambda _: drawn) == little_endian(7)
    with pytest.raises(InvalidScalar):
        ristretto.random_scalar(bytes)
    with pytest.raises(InvalidArgument):
        ristretto.random_scalar(lambda _: bytes(32))


# RFC 9380 appendix K.3: expand_message_xmd, SHA-512.
XMD_DST = b"QUUX-V01-CS02-with-expander-SHA512-256"
XMD_VECTORS = [
    (b"", 0x20, "6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179ba"),
    (b"abc", 0x20, "0da749f12fbe5483eb066a5f595055679b976e93abe9be6f0f6318bce7aca8dc"),
]


@pytest.mark.parametrize(("message", "length", "expected"), XMD_VECTORS)
def test_expand_message_xmd_of_rfc_9380(message: bytes, length: int, expected: str) -> None:
    assert ristretto.expand_message_xmd(message, XMD_DST, length).hex() == expected


def test_expand_message_xmd_of_rfc_9380_over_two_blocks() -> None:
    expanded = ristretto.expand_message_xmd(b"", XMD_DST, 0x80)
    assert expanded.hex().startswith("41b037d1734a5f8df225dd8c7de38f851efdb45c372887be655212d07251b921")
    assert len(expanded) == 0x80


@pytest.mark.parametrize(("dst", "length"), [(b"", 32), (b"d" * 256, 32), (b"d", 0), (b"d", 255 * 64 + 1)])
def test_expand_message_xmd_has_bounds(dst: bytes, length: int) -> None:
    with pytest.raises(InvalidArgument):
        ristretto.expand_message_xmd(b"", dst, length)


def test_hashing_is_separated_by_tag() -> None:
    assert ristretto.hash_to_group(b"m", b"a") != ristretto.hash_to_group(b"m", b"b")
    assert ristretto.hash_to_scalar(b"m", b"a") != ristretto.hash_to_scalar(b"m", b"b")
