"""X.509 for the server's TLS: a self-signed certificate, and the pin by which clients know its key."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from sottovoce.crypto.errors import InvalidArgument, InvalidCertificate
from sottovoce.crypto.secret import Secret

VALIDITY: Final = timedelta(days=3650)
PIN_LENGTH: Final = 32

_CLOCK_SKEW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SelfSignedCertificate:
    """A certificate and its private key (PKCS #8, not encrypted), both PEM."""

    certificate: bytes
    private_key: Secret


def self_signed_certificate(host_names: Sequence[str], now: datetime) -> SelfSignedCertificate:
    """Make a P-256 key and a certificate over it for these host names and IP addresses.

    Valid for ten years from a day before ``now`` (an aware time), so that a client whose clock is a
    day behind accepts it. The key and the serial number are drawn inside ``cryptography``. Raises
    :class:`~sottovoce.crypto.errors.InvalidArgument` for no name, or one that is not ASCII.
    """
    if not host_names or not all(name and name.isascii() for name in host_names):
        raise InvalidArgument("A certificate needs host names or addresses, in ASCII.")
    private_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sottovoce server")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + VALIDITY)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in host_names]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private_key, hashes.SHA256())
    )
    key_pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SelfSignedCertificate(certificate.public_bytes(Encoding.PEM), Secret(key_pem))


def public_key_pin(certificate_der: bytes) -> bytes:
    """Return the 32 bytes of SHA-256 over the certificate's SubjectPublicKeyInfo (RFC 7469 §2.4).

    The pin outlives the certificate: it stays when the same key is certified anew. Raises
    :class:`~sottovoce.crypto.errors.InvalidCertificate` for bytes that are no certificate.
    """
    try:
        public_key = x509.load_der_x509_certificate(certificate_der).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise InvalidCertificate("These bytes are no X.509 certificate with a known kind of key.") from None
    return hashlib.sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def certificate_der(certificate_pem: bytes) -> bytes:
    """Return the first certificate of a PEM file as DER.

    Raises :class:`~sottovoce.crypto.errors.InvalidCertificate` if there is none.
    """
    try:
        return x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER)
    except (ValueError, x509.InvalidVersion):
        raise InvalidCertificate("There is no certificate in PEM form here.") from None


def valid_until(certificate_der: bytes) -> datetime:
    """Return the last moment (an aware time) at which a certificate is valid.

    Raises :class:`~sottovoce.crypto.errors.InvalidCertificate` for bytes that are no certificate.
    """
    try:
        return x509.load_der_x509_certificate(certificate_der).not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        raise InvalidCertificate("These bytes are no X.509 certificate.") from None


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
