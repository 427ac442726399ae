"""Chains of X.509 certificates that end at a trusted root (RFC 5280 §6.1), for X.509 credentials."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from sottovoce.crypto.errors import InvalidCertificate

LONGEST_CHAIN: Final = 8
"""More certificates than this are not looked at."""

_UNDERSTOOD: Final = frozenset(
    (
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    )
)
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises for certificates it cannot read."""
_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True)
class EndEntity:
    """Whom a chain certifies."""

    subject: str
    """The distinguished name, as RFC 4514 writes it."""
    names: tuple[str, ...]
    """DNS names, mail addresses and URIs of the subject's alternative names."""
    public_key: bytes
    """As RFC 9420 §5.1.2 serialises signature keys: raw (Ed25519, Ed448), else an uncompressed point."""


def verify_chain(chain: Sequence[bytes], roots: Collection[bytes], now: datetime) -> EndEntity:
    """Verify a chain of DER certificates, the end entity's first, up to one of the trusted ``roots``.

    Each certificate is valid at ``now`` (an aware time), signed by the next one, and, but for the first,
    that of an authority allowed to sign so long a chain. The root itself may be left out of the chain; it is
    trusted for its key and name. Revocation is not looked at. Raises
    :class:`~sottovoce.crypto.errors.InvalidCertificate`.
    """
    if not 1 <= len(chain) <= LONGEST_CHAIN:
        raise InvalidCertificate(f"A chain has 1 to {LONGEST_CHAIN} certificates.")
    certificates = [_load(der) for der in chain]
    if chain[-1] in roots:
        *certificates, root = certificates
    else:
        root = _root_of(certificates[-1], roots)
    if not certificates:
        raise InvalidCertificate("A root certifies nobody but itself.")
    path = [*certificates, root]
    for depth, certificate in enumerate(path):
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise InvalidCertificate("A certificate of the chain is expired or not valid yet.")
        _check_extensions(certificate, depth)
    for certificate, issuer in pairwise(path):
        _check_issued(certificate, issuer)
    return _end_entity(certificates[0])


def _load(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Each is parsed when it is first asked for, and each raises errors of its own for what it is not.
        _ = certificate.extensions, certificate.subject, certificate.issuer
        _ = certificate.public_key(), certificate.signature_hash_algorithm
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except _UNREADABLE:
        raise InvalidCertificate("These bytes are no X.509 certificate of known kinds of keys.") from None
    return certificate


def _root_of(last: x509.Certificate, roots: Collection[bytes]) -> x509.Certificate:
    for root in map(_load, roots):
        if root.subject == last.issuer and _is_issued(last, root):
            return root
    raise InvalidCertificate("The chain does not lead to a trusted root.")


def _is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    # No hash is named where the signature scheme has its own: Ed25519 and Ed448.
    used = certificate.signature_hash_algorithm
    if used is not None and not isinstance(used, _HASHES):
        raise InvalidCertificate("A certificate of the chain is signed over a hash that is not trusted.")
    if not _is_issued(certificate, issuer):
        raise InvalidCertificate("A certificate of the chain is not issued by the next one.")


def _check_extensions(certificate: x509.Certificate, depth: int) -> None:
    """Check what a certificate says of its use, ``depth`` places above the end entity (RFC 5280 §6.1.4)."""
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise InvalidCertificate("A certificate has a critical extension that is not understood.")
    usage = _extension(certificate, x509.KeyUsage)
    if depth == 0:
        if usage is not None and not usage.digital_signature:
            raise InvalidCertificate("The certified key is not one to sign with.")
        return
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise InvalidCertificate("A certificate of the chain is not that of an authority.")
    if constraints.path_length is not None and constraints.path_length < depth - 1:
        raise InvalidCertificate("The chain is longer than one of its authorities may sign.")


_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _end_entity(certificate: x509.Certificate) -> EndEntity:
    found = _extension(certificate, x509.SubjectAlternativeName)
    kinds = (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier)
    names = [] if found is None else [name for kind in kinds for name in found.get_values_for_type(kind)]
    return EndEntity(certificate.subject.rfc4514_string(), tuple(names), _signature_key(certificate))


def _signature_key(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
        return key.public_bytes_raw()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise InvalidCertificate("The certified key is of no signature scheme of RFC 9420.")
