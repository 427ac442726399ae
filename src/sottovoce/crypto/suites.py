"""The cipher suites of MLS (RFC 9420 §5.1 and §17.1, draft-ietf-mls-pq-ciphersuites-06) as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sottovoce.crypto import kdf
from sottovoce.crypto.aead import AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, Aead
from sottovoce.crypto.dhkem import DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X448, DHKEM_X25519
from sottovoce.crypto.errors import UnsupportedCipherSuite
from sottovoce.crypto.hpke import Hpke, HpkeSealer
from sottovoce.crypto.hybrid_kem import MLKEM768_X25519, X_WING
from sottovoce.crypto.kdf import SHA256, SHA384, SHA512, HashFunction
from sottovoce.crypto.kem import Kem
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.signatures import (
    ECDSA_P256,
    ECDSA_P384,
    ECDSA_P521,
    ED448,
    ED25519,
    SignatureScheme,
    Signer,
)


@dataclass(frozen=True, slots=True)
class CipherSuite:
    """One cipher suite: its number, its name and the algorithms behind it.

    Two suites are equal if their numbers are. All lengths are in bytes.
    """

    id: int
    name: str = field(compare=False)
    kem: Kem = field(repr=False, compare=False)
    hash_function: HashFunction = field(repr=False, compare=False)
    aead: Aead = field(repr=False, compare=False)
    signature: SignatureScheme = field(repr=False, compare=False)
    _hpke: Hpke = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hpke", Hpke(self.kem, self.hash_function, self.aead))

    @property
    def hash_length(self) -> int:
        """``Nh`` of the hash, of HKDF and of the MAC."""
        return self.hash_function.length

    @property
    def secret_length(self) -> int:
        """``KDF.Nh``, the length of every secret of the key schedule."""
        return self.hash_function.length

    @property
    def key_length(self) -> int:
        """``AEAD.Nk``."""
        return self.aead.key_length

    @property
    def nonce_length(self) -> int:
        """``AEAD.Nn``."""
        return self.aead.nonce_length

    @property
    def public_key_length(self) -> int:
        """``Npk`` of the KEM."""
        return self.kem.public_key_length

    @property
    def kem_output_length(self) -> int:
        """``Nenc`` of the KEM."""
        return self.kem.output_length

    @property
    def signature_seed_length(self) -> int:
        """The length of the seed that :meth:`signature_key_pair` takes."""
        return self.signature.seed_length

    def hash(self, data: bytes) -> bytes:
        """Return the ``hash_length`` bytes of the hash of ``data``."""
        return self.hash_function.digest(data)

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Return the HMAC of ``data``, ``hash_length`` bytes."""
        return kdf.mac(self.hash_function, key, data)

    def verify_mac(self, key: bytes, data: bytes, tag: bytes) -> bool:
        """Tell whether ``tag`` is the whole HMAC of ``data``: exact length, constant time."""
        return kdf.verify_mac(self.hash_function, key, data, tag)

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """HKDF-Extract: ``secret_length`` bytes."""
        return kdf.hkdf_extract(self.hash_function, salt, ikm)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand: ``length`` bytes; raise ``InvalidArgument`` above ``255 * Nh``."""
        return kdf.hkdf_expand(self.hash_function, prk, info, length)

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """AEAD encryption: 16 bytes more than ``plaintext``; raise ``InvalidArgument`` for a wrong length."""
        return self.aead.seal(key, nonce, aad, plaintext)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """AEAD decryption; raise :class:`~sottovoce.crypto.errors.DecryptionError`."""
        return self.aead.open(key, nonce, aad, ciphertext)

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """``KEM.DeriveKeyPair`` of the suite's HPKE."""
        return self.kem.derive_key_pair(ikm)

    def validate_public_key(self, public_key: bytes) -> None:
        """Raise ``InvalidPublicKey`` for bytes that :meth:`hpke_seal` would refuse, at less than its cost."""
        self.kem.validate_public_key(public_key)

    def hpke_seal(self, public_key: bytes, info: bytes, aad: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
        """Return (KEM output, ciphertext); raise ``InvalidPublicKey``."""
        return self._hpke.seal(public_key, info, aad, plaintext)

    def hpke_sealer(self, info: bytes) -> HpkeSealer:
        """Return what seals to any number of keys under one ``info``, without associated data."""
        return self._hpke.sealer(info)

    def hpke_open(
        self, private_key: bytes, kem_output: bytes, info: bytes, aad: bytes, ciphertext: bytes
    ) -> bytes:
        """Return the plaintext; raise ``DecryptionError`` or, for our own key, ``InvalidPrivateKey``."""
        return self._hpke.open(private_key, kem_output, info, aad, ciphertext)

    def hpke_export_to(
        self, public_key: bytes, info: bytes, exporter_context: bytes, length: int
    ) -> tuple[bytes, bytes]:
        """Return (KEM output, exported secret of ``length`` bytes); raise ``InvalidPublicKey``."""
        return self._hpke.export_to(public_key, info, exporter_context, length)

    def hpke_export_from(
        self, private_key: bytes, kem_output: bytes, info: bytes, exporter_context: bytes, length: int
    ) -> bytes:
        """Return the exported secret of ``length`` bytes; raise ``DecryptionError``."""
        return self._hpke.export_from(private_key, kem_output, info, exporter_context, length)

    def signature_key_pair(self, seed: bytes) -> KeyPair:
        """Return the signature key pair of a random seed of ``signature_seed_length`` bytes."""
        return self.signature.key_pair(seed)

    def signer(self, private_key: bytes) -> Signer:
        """Return what signs with this key, loaded once; raise ``InvalidPrivateKey``."""
        return self.signature.signer(private_key)

    def sign(self, private_key: bytes | Signer, message: bytes) -> bytes:
        """Return the signature of ``message`` by a key or its signer; raise ``InvalidPrivateKey``."""
        signer = self.signature.signer(private_key) if isinstance(private_key, bytes) else private_key
        return signer.sign(message)

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether ``signature`` is one of ``message``; a malformed key verifies nothing."""
        return self.signature.verify(public_key, message, signature)


MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519: Final = CipherSuite(
    1, "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", DHKEM_X25519, SHA256, AES_128_GCM, ED25519
)
MLS_128_DHKEMP256_AES128GCM_SHA256_P256: Final = CipherSuite(
    2, "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", DHKEM_P256, SHA256, AES_128_GCM, ECDSA_P256
)
MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519: Final = CipherSuite(
    3,
    "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
    DHKEM_X25519,
    SHA256,
    CHACHA20_POLY1305,
    ED25519,
)
MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448: Final = CipherSuite(
    4, "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448", DHKEM_X448, SHA512, AES_256_GCM, ED448
)
MLS_256_DHKEMP521_AES256GCM_SHA512_P521: Final = CipherSuite(
    5, "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", DHKEM_P521, SHA512, AES_256_GCM, ECDSA_P521
)
MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448: Final = CipherSuite(
    6, "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448", DHKEM_X448, SHA512, CHACHA20_POLY1305, ED448
)
MLS_256_DHKEMP384_AES256GCM_SHA384_P384: Final = CipherSuite(
    7, "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", DHKEM_P384, SHA384, AES_256_GCM, ECDSA_P384
)
# IANA has assigned no number yet; 0xF000 to 0xFFFF are for private use (RFC 9420 §17.1).
MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519: Final = CipherSuite(
    0xF002, "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519", MLKEM768_X25519, SHA384, AES_256_GCM, ED25519
)
# No registered suite: what ts-mls 1.6 calls 83, so that an implementation of others can check the hybrid.
MLS_256_XWING_AES256GCM_SHA512_Ed25519: Final = CipherSuite(
    83, "MLS_256_XWING_AES256GCM_SHA512_Ed25519", X_WING, SHA512, AES_256_GCM, ED25519
)

DEFAULT: Final = MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519

SUPPORTED: Final = MappingProxyType(
    {
        suite.id: suite
        for suite in (
            DEFAULT,
            MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
            MLS_128_DHKEMP256_AES128GCM_SHA256_P256,
            MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519,
            MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448,
            MLS_256_DHKEMP521_AES256GCM_SHA512_P521,
            MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448,
            MLS_256_DHKEMP384_AES256GCM_SHA384_P384,
            MLS_256_XWING_AES256GCM_SHA512_Ed25519,
        )
    }
)
"""Every suite of this build by its number, the preferred one first."""


def cipher_suite(id: int) -> CipherSuite:  # noqa: A002 - the registry's word for it
    """Return the suite with this number.

    Raises :class:`~sottovoce.crypto.errors.UnsupportedCipherSuite` for a number this build does not have.
    """
    try:
        return SUPPORTED[id]
    except KeyError:
        raise UnsupportedCipherSuite(f"Cipher suite {id:#06x} is not supported.") from None
