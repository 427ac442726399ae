import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sottovoce.crypto import nist_curves
from sottovoce.crypto.errors import InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.nist_curves import P256, P384, P521, NistCurve

every_curve = pytest.mark.parametrize("curve", [P256, P384, P521], ids=lambda curve: curve.name)


@every_curve
def test_the_order_is_the_first_scalar_refused(curve: NistCurve) -> None:
    # The comparison is with public constants here, so Python integers are in order.
    order = int.from_bytes(curve.order, "big")
    length = curve.scalar_length
    assert curve.curve.group_order == order
    for good in (1, 2, order - 1):
        nist_curves.load_private_key(curve, good.to_bytes(length, "big"))
    for bad in (0, order, order + 1):
        with pytest.raises(InvalidPrivateKey):
            nist_curves.load_private_key(curve, bad.to_bytes(length, "big"))


@every_curve
def test_public_key_is_what_another_way_computes(curve: NistCurve) -> None:
    key_pair = nist_curves.derive_key_pair(curve, b"suite", b"ikm")
    other = ec.derive_private_key(int.from_bytes(key_pair.private, "big"), curve.curve)
    assert nist_curves.serialize_point(other.public_key()) == key_pair.public
    assert len(key_pair.public) == curve.point_length


@every_curve
def test_short_scalars_are_padded(curve: NistCurve) -> None:
    padded = nist_curves.load_private_key(curve, (5).to_bytes(curve.scalar_length, "big"))
    short = nist_curves.load_private_key(curve, b"\x05")
    assert short.public_key() == padded.public_key()


@every_curve
def test_what_is_no_private_key(curve: NistCurve) -> None:
    for scalar in (b"", b"\x01" * (curve.scalar_length + 1), b"\xff" * curve.scalar_length):
        with pytest.raises(InvalidPrivateKey):
            nist_curves.load_private_key(curve, scalar)


@every_curve
def test_what_is_no_point(curve: NistCurve) -> None:
    good = nist_curves.derive_key_pair(curve, b"suite", b"ikm").public
    compressed = bytes([2 + (good[-1] & 1)]) + good[1 : 1 + curve.scalar_length]
    hybrid = bytes([6 + (good[-1] & 1)]) + good[1:]
    off_curve = good[:-1] + bytes([good[-1] ^ 1])
    for point in (b"", b"\x00", good[:-1], good + b"\0", compressed, hybrid, off_curve):
        with pytest.raises(InvalidPublicKey):
            nist_curves.load_public_key(curve, point)
    assert nist_curves.serialize_point(nist_curves.load_public_key(curve, good)) == good


def test_derivation_is_separated_by_suite_and_ikm() -> None:
    pairs = [nist_curves.derive_key_pair(P256, suite, ikm) for suite in (b"a", b"b") for ikm in (b"c", b"d")]
    assert len({pair.private for pair in pairs}) == 4


def test_candidates_out_of_range_are_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Draws:
        """A KDF whose candidates are too large, then zero, then good."""

        candidates = iter([b"\xff" * 32, bytes(32), b"\x07".rjust(32, b"\0")])

        def __init__(self, *_: object) -> None: ...

        def extract(self, *_: object) -> bytes:
            return b""

        def expand(self, *_: object) -> bytes:
            return next(self.candidates)

    monkeypatch.setattr(nist_curves, "LabeledKdf", Draws)
    assert nist_curves.derive_key_pair(P256, b"", b"").private[-1] == 7


def test_no_candidate_in_range(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnlyZeros:
        def __init__(self, *_: object) -> None: ...

        def extract(self, *_: object) -> bytes:
            return b""

        def expand(self, *_: object) -> bytes:
            return bytes(32)

    monkeypatch.setattr(nist_curves, "LabeledKdf", OnlyZeros)
    with pytest.raises(InvalidPrivateKey, match="No scalar"):
        nist_curves.derive_key_pair(P256, b"", b"")
