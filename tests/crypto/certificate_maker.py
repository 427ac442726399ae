"""Authorities for tests: certificates of any shape over given keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def name_of(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Authority:
    """Signs what it is asked to; its own certificate is self-signed unless ``issuer`` is another."""

    name: str
    issuer: Authority | None = None
    path_length: int | None = None
    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        constraints = x509.BasicConstraints(ca=True, path_length=self.path_length)
        issuer = self.issuer or self
        self.certificate = issuer.certify(self.name, self.key.public_key(), extensions=((constraints, True),))

    def certify(
        self,
        name: str,
        public_key: Ed25519PublicKey | ec.EllipticCurvePublicKey | bytes,
        *,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        begins: datetime = NOW - timedelta(days=1),
        ends: datetime = NOW + timedelta(days=1),
        hash_algorithm: hashes.HashAlgorithm | None = None,
    ) -> bytes:
        """Return a certificate, DER."""
        if isinstance(public_key, bytes):
            public_key = Ed25519PublicKey.from_public_bytes(public_key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_of(name))
            .issuer_name(name_of(self.name))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            hash_algorithm = hash_algorithm or hashes.SHA256()
        return builder.sign(self.key, hash_algorithm).public_bytes(Encoding.DER)  # type: ignore[arg-type]
