"""The oblivious pseudorandom function of RFC 9497, mode OPRF (0x00), suite ristretto255-SHA512.

The server's key stays with the server, the input stays with the client, and the 64-byte output is
known to the client alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sottovoce.crypto.errors import InvalidScalar
from sottovoce.crypto.ristretto import (
    Element,
    Scalar,
    hash_to_group,
    hash_to_scalar,
    random_scalar,
    scalar_invert,
    scalar_mult,
    scalar_mult_base,
)
from sottovoce.opaque.encoding import prefixed
from sottovoce.opaque.errors import InvalidInput

OUTPUT_LENGTH: Final = 64

# CreateContextString(mode, identifier) of RFC 9497 §3.1, with mode 0x00.
_CONTEXT_STRING: Final = b"OPRFV1-\x00-ristretto255-SHA512"


@dataclass(frozen=True, slots=True)
class DhKeyPair:
    """A scalar and its element: an OPRF key, or a key of the 3DH key exchange."""

    private: Scalar = field(repr=False)
    public: Element


@dataclass(frozen=True, slots=True)
class BlindedInput:
    """What :func:`blind` returns: the blind, to be kept, and the element, to be sent."""

    blind: Scalar = field(repr=False)
    element: Element


def derive_key_pair(seed: bytes, info: bytes) -> DhKeyPair:
    """Return the key pair that ``seed`` (32 bytes) and ``info`` determine (RFC 9497 §3.2.1).

    Raises :class:`~sottovoce.crypto.errors.InvalidScalar` (the RFC's DeriveKeyPairError) if 256
    tries give zero, which nobody can bring about.
    """
    derive_input = seed + prefixed(info)
    for counter in range(256):
        try:
            private = hash_to_scalar(derive_input + bytes([counter]), b"DeriveKeyPair" + _CONTEXT_STRING)
        except InvalidScalar:
            continue
        return DhKeyPair(private, scalar_mult_base(private))
    raise InvalidScalar("No key can be derived from this seed.")


def blind(private_input: bytes, random: Callable[[int], bytes]) -> BlindedInput:
    """Return ``private_input``, hashed to the group and hidden by a random scalar (RFC 9497 §3.3.1).

    Takes 64 bytes of ``random``. Raises :class:`~sottovoce.opaque.errors.InvalidInput` above 65,535
    bytes of input.
    """
    if len(private_input) > 0xFFFF:
        raise InvalidInput("A password has at most 65535 bytes.")
    scalar = random_scalar(random)
    input_element = hash_to_group(private_input, b"HashToGroup-" + _CONTEXT_STRING)
    return BlindedInput(scalar, scalar_mult(scalar, input_element))


def blind_evaluate(private: Scalar, blinded_element: Element) -> Element:
    """Return the server's evaluation of a blinded input (RFC 9497 §3.3.1 BlindEvaluate)."""
    return scalar_mult(private, blinded_element)


def finalize(private_input: bytes, scalar: Scalar, evaluated_element: Element) -> bytes:
    """Remove the blind and return the 64 bytes of output (RFC 9497 §3.3.1 Finalize)."""
    unblinded_element = scalar_mult(scalar_invert(scalar), evaluated_element)
    return hashlib.sha512(prefixed(private_input) + prefixed(unblinded_element) + b"Finalize").digest()
