"""HPKE, base mode: single-shot encryption and secret export (RFC 9180 §5.1.1, §6.1, §6.2).

``cryptography`` seals and opens where it knows the KEM and there is no associated data; the key schedule
here does it otherwise, and exports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke

from sottovoce.crypto.aead import AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, Aead
from sottovoce.crypto.errors import DecryptionError, InvalidPublicKey
from sottovoce.crypto.kdf import SHA256, SHA384, SHA512, HashFunction
from sottovoce.crypto.kem import Kem, SingleShotKem
from sottovoce.crypto.labeled import LabeledKdf

_MODE_BASE: Final = b"\x00"
_KDFS: Final = {
    SHA256: (0x0001, hpke.KDF.HKDF_SHA256),
    SHA384: (0x0002, hpke.KDF.HKDF_SHA384),
    SHA512: (0x0003, hpke.KDF.HKDF_SHA512),
}
_AEADS: Final = {
    AES_128_GCM: hpke.AEAD.AES_128_GCM,
    AES_256_GCM: hpke.AEAD.AES_256_GCM,
    CHACHA20_POLY1305: hpke.AEAD.CHACHA20_POLY1305,
}


@dataclass(frozen=True, slots=True)
class _Context:
    """The part of an HPKE context that one message and one export need."""

    key: bytes = field(repr=False)
    base_nonce: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Hpke:
    """A KEM, the HKDF of ``hash_function`` and an AEAD, used in base mode."""

    kem: Kem
    hash_function: HashFunction
    aead: Aead

    def seal(self, public_key: bytes, info: bytes, aad: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
        """Return (KEM output, ciphertext), the first ``kem.output_length`` bytes long (``SealBase``).

        Raises :class:`~sottovoce.crypto.errors.InvalidPublicKey`.
        """
        if aad or self._single_shot is None:
            shared_secret, kem_output = self.kem.encapsulate(public_key)
            context = self._key_schedule(shared_secret, info)
            return kem_output, self.aead.seal(context.key, context.base_nonce, aad, plaintext)
        suite, kem = self._single_shot
        recipient = kem.load_public_key(public_key)
        try:
            sealed = suite.encrypt(plaintext, recipient, info)
        except ValueError:
            raise InvalidPublicKey("This public key is of low order.") from None
        return sealed[: kem.output_length], sealed[kem.output_length :]

    def open(
        self, private_key: bytes, kem_output: bytes, info: bytes, aad: bytes, ciphertext: bytes
    ) -> bytes:
        """Return the plaintext (``OpenBase``).

        Raises :class:`~sottovoce.crypto.errors.DecryptionError` whatever is wrong with what the peer
        sent, and :class:`~sottovoce.crypto.errors.InvalidPrivateKey` for a private key that is none.
        """
        if aad or self._single_shot is None:
            context = self._key_schedule(self.kem.decapsulate(private_key, kem_output), info)
            return self.aead.open(context.key, context.base_nonce, aad, ciphertext)
        suite, kem = self._single_shot
        recipient = kem.load_private_key(private_key)
        if len(kem_output) != kem.output_length:
            raise DecryptionError("The KEM output has a wrong length.")
        try:
            return suite.decrypt(kem_output + ciphertext, recipient, info)
        except InvalidTag:
            raise DecryptionError("The HPKE ciphertext is not authentic.") from None

    def export_to(
        self, public_key: bytes, info: bytes, exporter_context: bytes, length: int
    ) -> tuple[bytes, bytes]:
        """Return (KEM output, exported secret of ``length`` bytes) (``SendExportBase``).

        Raises :class:`~sottovoce.crypto.errors.InvalidPublicKey`.
        """
        shared_secret, kem_output = self.kem.encapsulate(public_key)
        return kem_output, self._export(self._key_schedule(shared_secret, info), exporter_context, length)

    def export_from(
        self, private_key: bytes, kem_output: bytes, info: bytes, exporter_context: bytes, length: int
    ) -> bytes:
        """Return the ``length`` bytes that :meth:`export_to` exported (``ReceiveExportBase``).

        Raises :class:`~sottovoce.crypto.errors.DecryptionError` for a KEM output that is none.
        """
        shared_secret = self.kem.decapsulate(private_key, kem_output)
        return self._export(self._key_schedule(shared_secret, info), exporter_context, length)

    @cached_property
    def _single_shot(self) -> tuple[hpke.Suite, SingleShotKem] | None:
        if not isinstance(self.kem, SingleShotKem):
            return None
        return hpke.Suite(self.kem.primitive, _KDFS[self.hash_function][1], _AEADS[self.aead]), self.kem

    @cached_property
    def _labeled_kdf(self) -> LabeledKdf:
        numbers = (self.kem.id, _KDFS[self.hash_function][0], self.aead.id)
        suite_id = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in numbers)
        return LabeledKdf(self.hash_function, suite_id)

    def sealer(self, info: bytes) -> HpkeSealer:
        """Return what seals to any number of keys under one ``info``."""
        return HpkeSealer(self, self._key_schedule_context(info))

    def _key_schedule(self, shared_secret: bytes, info: bytes) -> _Context:
        """Run ``KeySchedule`` in base mode (§5.1)."""
        context = self._key_schedule_context(info)
        secret = self._labeled_kdf.extract(shared_secret, b"secret", b"")
        key, base_nonce = self._key_and_nonce(secret, context)
        exporter_secret = self._labeled_kdf.expand(secret, b"exp", context, self.hash_function.length)
        return _Context(key, base_nonce, exporter_secret)

    def _key_schedule_context(self, info: bytes) -> bytes:
        """Return ``key_schedule_context``; in base mode ``psk_id`` is empty (§5.1)."""
        psk_id_hash = self._labeled_kdf.extract(b"", b"psk_id_hash", b"")
        return _MODE_BASE + psk_id_hash + self._labeled_kdf.extract(b"", b"info_hash", info)

    def _key_and_nonce(self, secret: bytes, context: bytes) -> tuple[bytes, bytes]:
        return (
            self._labeled_kdf.expand(secret, b"key", context, self.aead.key_length),
            self._labeled_kdf.expand(secret, b"base_nonce", context, self.aead.nonce_length),
        )

    def _export(self, context: _Context, exporter_context: bytes, length: int) -> bytes:
        """Return ``Context.Export(exporter_context, L)`` (§5.3)."""
        return self._labeled_kdf.expand(context.exporter_secret, b"sec", exporter_context, length)


@dataclass(frozen=True, slots=True)
class HpkeSealer:
    """Seals to any number of keys under one ``info``, which is hashed once and not for each.

    That counts where the info is a megabyte, as in the Welcome of a large group.
    """

    hpke: Hpke
    key_schedule_context: bytes = field(repr=False)

    def seal(self, public_key: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
        """Return what :meth:`Hpke.seal` does without associated data; raise ``InvalidPublicKey``."""
        hpke = self.hpke
        shared_secret, kem_output = hpke.kem.encapsulate(public_key)
        secret = hpke._labeled_kdf.extract(shared_secret, b"secret", b"")  # noqa: SLF001  # of this module
        key, base_nonce = hpke._key_and_nonce(secret, self.key_schedule_context)  # noqa: SLF001  # likewise
        return kem_output, hpke.aead.seal(key, base_nonce, b"", plaintext)
