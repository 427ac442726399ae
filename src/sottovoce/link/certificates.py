"""Device certificates, and the one way everything of Sottovoce's own is signed.

An account key signs one certificate for each device. The certificate's bytes are the identity in the device's
MLS credential (RFC 9420 §5.3), so every member checks every leaf with what the leaf itself carries. What is
signed is labelled and its fields are length-prefixed, so no signature means two things (threats A4).
"""

from __future__ import annotations

from typing import Final, Self

import msgspec

from sottovoce.crypto.signatures import ed25519_sign, ed25519_verify
from sottovoce.link.errors import CertificateError
from sottovoce.link.parts import DeviceId, Key, Signature, Stretching, UserName

DEVICE_CERTIFICATE: Final = b"Device Certificate"
DEVICE_LOGIN: Final = b"Device Login"

_OPAQUE_SUITE: Final = b"OPAQUE-3DH ristretto255-SHA512 HKDF-SHA512 HMAC-SHA512 Argon2id"
_PREFIX: Final = b"Sottovoce 1 "


def signed_content(label: bytes, *fields: bytes) -> bytes:
    """Return ``"Sottovoce 1 " || label``, then every field after its length in 4 bytes; the label too.

    No two (label, fields) give the same bytes.
    """
    parts = (_PREFIX + label, *fields)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def device_login_content(challenge: bytes, server_pin: bytes, user: str, device_id: bytes) -> bytes:
    """What a device signs to log in: this connection's challenge (32 bytes), the server's pin (32 bytes), the
    account name in lower case and the device id (16 bytes).
    """
    return signed_content(DEVICE_LOGIN, challenge, server_pin, user.lower().encode(), device_id)


def opaque_context(server_pin: bytes, stretching: Stretching) -> bytes:
    """The application context of OPAQUE (RFC 9807 §6.4.1): protocol, suite, stretching and the server's pin.

    A machine in the middle with another certificate, or with cheaper stretching, cannot complete a login.
    """
    parameters = (stretching.memory_kib, stretching.iterations, stretching.lanes)
    octets = b"".join(number.to_bytes(8, "big") for number in parameters)
    return signed_content(b"OPAQUE", b"sottovoce/1", _OPAQUE_SUITE, octets, server_pin)


class DeviceCertificate(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An account key's word that a device is the account's. ``user`` is the name as its owner typed it."""

    user: UserName
    device_id: DeviceId
    account_key: Key
    signature_key: Key  # of the MLS leaf (Ed25519)
    authentication_key: Key  # of the device login (Ed25519)
    signature: Signature  # by the account key

    @classmethod
    def issue(
        cls,
        account_private: bytes,
        *,
        user: str,
        device_id: bytes,
        account_key: bytes,
        signature_key: bytes,
        authentication_key: bytes,
    ) -> Self:
        """Sign a certificate with the account's private key, 32 bytes; ``account_key`` is its public half."""
        content = _certificate_content(user, device_id, account_key, signature_key, authentication_key)
        signature = ed25519_sign(account_private, content)
        return cls(user, device_id, account_key, signature_key, authentication_key, signature)

    @property
    def account_name(self) -> str:
        """The user name in lower case: the one that is compared."""
        return self.user.lower()

    def to_bytes(self) -> bytes:
        """Return the one encoding, a MessagePack array; about 190 to 220 bytes."""
        return _encoder.encode(self)

    @classmethod
    def from_bytes(cls, octets: bytes) -> DeviceCertificate:
        """Decode. The signature is not looked at: see :meth:`verify`.

        Raises :class:`CertificateError` for anything but the exact bytes :meth:`to_bytes` gives.
        """
        try:
            certificate = _decoder.decode(octets)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CertificateError("these bytes are not a device certificate") from error
        if certificate.to_bytes() != octets:
            raise CertificateError("this device certificate is not in its one encoding")
        return certificate

    def verify(self) -> None:
        """Check the account key's signature. Raises :class:`CertificateError`.

        Says nothing about whose account key it is: that is for pins and safety numbers.
        """
        content = _certificate_content(
            self.user, self.device_id, self.account_key, self.signature_key, self.authentication_key
        )
        if not ed25519_verify(self.account_key, content, self.signature):
            raise CertificateError("this device certificate is not signed by its account key")


def _certificate_content(
    user: str, device_id: bytes, account_key: bytes, signature_key: bytes, authentication_key: bytes
) -> bytes:
    fields = (user.encode(), device_id, account_key, signature_key, authentication_key)
    return signed_content(DEVICE_CERTIFICATE, *fields)


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(DeviceCertificate)
