"""X25519 and X448 as fixed-length bytes (RFC 7748): curves on which every string of the length is a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from sottovoce.crypto.errors import InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.kdf import SHA256, SHA512, HashFunction
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.labeled import LabeledKdf

Private = TypeVar("Private", X25519PrivateKey, X448PrivateKey)
Public = TypeVar("Public", X25519PublicKey, X448PublicKey)


@dataclass(frozen=True, slots=True)
class MontgomeryCurve(Generic[Private, Public]):
    """A Diffie-Hellman function: private and public keys and results of ``length`` bytes each."""

    name: str
    length: int
    hash_function: HashFunction
    low_order: frozenset[bytes] = field(repr=False)
    generate: Callable[[], Private] = field(repr=False, compare=False)
    _private: Callable[[bytes], Private] = field(repr=False, compare=False)
    _public: Callable[[bytes], Public] = field(repr=False, compare=False)
    _exchange: Callable[[Private, Public], bytes] = field(repr=False, compare=False)

    def load_private_key(self, private_key: bytes) -> Private:
        """Return the key object; raise ``InvalidPrivateKey`` unless it has ``length`` bytes."""
        try:
            return self._private(private_key)
        except ValueError:
            raise InvalidPrivateKey(f"An {self.name} private key has {self.length} bytes.") from None

    def load_public_key(self, public_key: bytes) -> Public:
        """Return the key object; raise ``InvalidPublicKey`` unless it has ``length`` bytes.

        A key of low order passes: :meth:`exchange` is where it shows.
        """
        try:
            return self._public(public_key)
        except ValueError:
            raise InvalidPublicKey(f"An {self.name} public key has {self.length} bytes.") from None

    def validate_public_key(self, public_key: bytes) -> None:
        """Raise ``InvalidPublicKey`` for bytes that :meth:`exchange` refuses with any private key.

        Without a multiplication: a clamped scalar is a multiple of the cofactors of the curve and of its
        twist, so it takes the points of small order to zero, and no others (RFC 7748 §6).
        """
        if len(public_key) != self.length or public_key in self.low_order:
            raise InvalidPublicKey(f"These bytes are no {self.name} public key, or one of low order.")

    def exchange(self, private_key: Private, public_key: Public) -> bytes:
        """Return the shared secret; raise ``InvalidPublicKey`` for a public key of low order."""
        # RFC 9180 §7.1.4: "implementations MUST check whether the Diffie-Hellman shared secret is the
        # all-zero value and abort if so"; OpenSSL does, and raises ValueError then.
        try:
            return self._exchange(private_key, public_key)
        except ValueError:
            raise InvalidPublicKey(f"This {self.name} public key is of low order.") from None

    def public_key(self, private_key: bytes) -> bytes:
        """Return the public key of a private one; raise ``InvalidPrivateKey``."""
        return self.load_private_key(private_key).public_key().public_bytes_raw()

    def derive_key_pair(self, suite_id: bytes, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines under ``suite_id`` (RFC 9180 §7.1.3)."""
        labeled_kdf = LabeledKdf(self.hash_function, suite_id)
        prk = labeled_kdf.extract(b"", b"dkp_prk", ikm)
        private_key = labeled_kdf.expand(prk, b"sk", b"", self.length)
        return KeyPair(private_key, self.public_key(private_key))


def _encodings(length: int, prime: int, coordinates: Iterable[int], *, ignored: int = 0) -> frozenset[bytes]:
    """Return every way to write these coordinates: reduced or not, with the ``ignored`` bit or without."""
    values = (one + multiple * prime for one in coordinates for multiple in (0, 1))
    canonical = [value for value in values if value < 1 << (8 * length - (ignored != 0))]
    return frozenset((value | bit).to_bytes(length, "little") for value in canonical for bit in (0, ignored))


_P25519: Final = 2**255 - 19
_P448: Final = 2**448 - 2**224 - 1
# The point (0, 0) of order 2; those of order 4, whose double it is: u * u = 1; on Curve25519 and its
# twist, those of order 8, whose double is u = 1. X25519 ignores the highest bit (RFC 7748 §5).
_ORDER_8: Final = (
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
)

X25519: Final[MontgomeryCurve[X25519PrivateKey, X25519PublicKey]] = MontgomeryCurve(
    "X25519",
    32,
    SHA256,
    _encodings(32, _P25519, (0, 1, _P25519 - 1, *_ORDER_8), ignored=1 << 255),
    X25519PrivateKey.generate,
    X25519PrivateKey.from_private_bytes,
    X25519PublicKey.from_public_bytes,
    lambda private, public: private.exchange(public),
)
X448: Final[MontgomeryCurve[X448PrivateKey, X448PublicKey]] = MontgomeryCurve(
    "X448",
    56,
    SHA512,
    _encodings(56, _P448, (0, 1, _P448 - 1)),
    X448PrivateKey.generate,
    X448PrivateKey.from_private_bytes,
    X448PublicKey.from_public_bytes,
    lambda private, public: private.exchange(public),
)
