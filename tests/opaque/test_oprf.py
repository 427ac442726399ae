import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sottovoce.crypto.errors import InvalidScalar
from sottovoce.crypto.ristretto import hash_to_group, scalar_mult
from sottovoce.opaque import oprf
from sottovoce.opaque.errors import InvalidInput

KEY_PAIR = oprf.derive_key_pair(bytes(32), b"test")


@settings(max_examples=50)
@given(st.binary(max_size=100))
def test_the_output_does_not_depend_on_the_blind(private_input: bytes) -> None:
    outputs = set()
    for _ in range(2):
        blinded = oprf.blind(private_input, os.urandom)
        evaluated = oprf.blind_evaluate(KEY_PAIR.private, blinded.element)
        outputs.add(oprf.finalize(private_input, blinded.blind, evaluated))
    # RFC 9497 §3.3.1 Evaluate: what the key's owner computes without any blind.
    element = hash_to_group(private_input, b"HashToGroup-OPRFV1-\x00-ristretto255-SHA512")
    unblinded = scalar_mult(KEY_PAIR.private, element)
    length = len(private_input).to_bytes(2, "big")
    outputs.add(hashlib.sha512(length + private_input + b"\x00\x20" + unblinded + b"Finalize").digest())
    assert len(outputs) == 1
    assert len(outputs.pop()) == oprf.OUTPUT_LENGTH


def test_each_blind_hides_the_input_anew() -> None:
    assert oprf.blind(b"input", os.urandom).element != oprf.blind(b"input", os.urandom).element


def test_keys_differ_by_seed_and_info() -> None:
    keys = {
        oprf.derive_key_pair(seed, info).private for seed in (b"a" * 32, b"b" * 32) for info in (b"c", b"d")
    }
    assert len(keys) == 4


def test_inputs_that_are_too_long() -> None:
    with pytest.raises(InvalidInput):
        oprf.blind(bytes(65536), os.urandom)
    with pytest.raises(InvalidInput):
        oprf.derive_key_pair(bytes(32), bytes(65536))


def test_derivation_tries_again_after_zero_and_gives_up_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refuse_twice(message: bytes, dst: bytes) -> bytes:
        tries.append(message[-1])
        if len(tries) < 3:
            raise InvalidScalar("A scalar is not zero.")
        return bytes(KEY_PAIR.private)

    monkeypatch.setattr(oprf, "hash_to_scalar", refuse_twice)
    assert oprf.derive_key_pair(bytes(32), b"") == KEY_PAIR
    assert tries == [0, 1, 2]

    def refuse(message: bytes, dst: bytes) -> bytes:
        raise InvalidScalar("A scalar is not zero.")

    monkeypatch.setattr(oprf, "hash_to_scalar", refuse)
    with pytest.raises(InvalidScalar, match="No key"):
        oprf.derive_key_pair(bytes(32), b"")


def test_repr_hides_private_parts() -> None:
    blinded = oprf.blind(b"input", os.urandom)
    assert repr(blinded) == f"BlindedInput(element={blinded.element!r})"
    assert repr(KEY_PAIR) == f"DhKeyPair(public={KEY_PAIR.public!r})"
