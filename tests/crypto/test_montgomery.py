import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto.errors import InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.montgomery import X448, X25519, MontgomeryCurve

# Any: a parameter has one type, and the two curves have two.
every_curve = pytest.mark.parametrize("curve", [X25519, X448], ids=lambda curve: curve.name)


def test_one_iteration_of_rfc_7748_section_5_2() -> None:
    # The first scalar is the base point's own coordinate.
    assert X25519.public_key(b"\x09" + bytes(31)).hex() == (
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    )
    assert X448.public_key(b"\x05" + bytes(55)).hex() == (
        "3f482c8a9f19b01e6c46ee9711d9dc14fd4bf67af30765c2ae2b846a"
        "4d23a8cd0db897086239492caf350b51f833868b9bc2b3bca9cf4113"
    )


@every_curve
def test_two_agree(curve: MontgomeryCurve[Any, Any]) -> None:
    one, other = curve.generate(), curve.derive_key_pair(b"suite", b"ikm")
    assert len(other.private) == len(other.public) == curve.length
    shared = curve.exchange(one, curve.load_public_key(other.public))
    assert shared == curve.exchange(curve.load_private_key(other.private), one.public_key())
    assert curve.derive_key_pair(b"other", b"ikm") != other


@every_curve
@pytest.mark.parametrize("difference", [-1, 1])
def test_keys_of_another_length(curve: MontgomeryCurve[Any, Any], difference: int) -> None:
    wrong = b"\x09" * (curve.length + difference)
    with pytest.raises(InvalidPrivateKey):
        curve.load_private_key(wrong)
    with pytest.raises(InvalidPublicKey):
        curve.load_public_key(wrong)
    with pytest.raises(InvalidPublicKey):
        curve.validate_public_key(wrong)


@pytest.mark.parametrize(("curve", "count"), [(X25519, 14), (X448, 5)], ids=["X25519", "X448"])
def test_what_is_listed_as_low_order_gives_zero_with_every_key(
    curve: MontgomeryCurve[Any, Any], count: int
) -> None:
    assert len(curve.low_order) == count
    for point in curve.low_order:
        with pytest.raises(InvalidPublicKey, match="low order"):
            curve.validate_public_key(point)
        for _ in range(4):
            with pytest.raises(InvalidPublicKey, match="low order"):
                curve.exchange(curve.load_private_key(os.urandom(curve.length)), curve.load_public_key(point))


@every_curve
def test_a_neighbour_of_a_listed_point_is_a_key(curve: MontgomeryCurve[Any, Any]) -> None:
    private_key = curve.generate()
    for point in curve.low_order:
        number = int.from_bytes(point, "little")
        for near in (number - 2, number + 2):
            if near < 0 or near >= 1 << (8 * curve.length):
                continue
            neighbour = near.to_bytes(curve.length, "little")
            if neighbour not in curve.low_order:
                curve.validate_public_key(neighbour)
                curve.exchange(private_key, curve.load_public_key(neighbour))


@every_curve
def test_the_list_and_the_multiplication_agree(curve: MontgomeryCurve[Any, Any]) -> None:
    private_key = curve.generate()

    @given(st.binary(min_size=curve.length, max_size=curve.length) | st.sampled_from(sorted(curve.low_order)))
    def check(public_key: bytes) -> None:
        def refused(check: Any) -> bool:
            try:
                check()
            except InvalidPublicKey:
                return True
            return False

        assert refused(lambda: curve.validate_public_key(public_key)) == refused(
            lambda: curve.exchange(private_key, curve.load_public_key(public_key))
        )

    check()
