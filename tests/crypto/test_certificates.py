import contextlib
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto import certificates
from sottovoce.crypto.errors import InvalidArgument, InvalidCertificate

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_names_and_validity() -> None:
    made = certificates.self_signed_certificate(["localhost", "127.0.0.1", "::1"], NOW)
    certificate = x509.load_pem_x509_certificate(made.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    der = certificates.certificate_der(made.certificate)
    assert certificates.valid_until(der) == NOW + certificates.VALIDITY
    assert "PRIVATE KEY" not in repr(made)


@pytest.mark.parametrize("names", [[], [""], ["exämple.org"]])
def test_names_that_are_none(names: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        certificates.self_signed_certificate(names, NOW)


def test_pin_is_of_the_public_key_alone() -> None:
    made = certificates.self_signed_certificate(["localhost"], NOW)
    other = certificates.self_signed_certificate(["localhost"], NOW)
    der = certificates.certificate_der(made.certificate)
    pin = certificates.public_key_pin(der)
    assert len(pin) == certificates.PIN_LENGTH
    assert certificates.public_key_pin(certificates.certificate_der(other.certificate)) != pin
    # SubjectPublicKeyInfo is a part of the certificate's DER: find it and hash it by hand.
    start = der.index(bytes.fromhex("3059301306072a8648ce3d0201"))
    assert hashlib.sha256(der[start : start + 91]).digest() == pin


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate(garbage: bytes) -> None:
    with pytest.raises(InvalidCertificate):
        certificates.public_key_pin(garbage)
    with pytest.raises(InvalidCertificate):
        certificates.certificate_der(garbage)
    with pytest.raises(InvalidCertificate):
        certificates.valid_until(garbage)


def test_truncated_and_flipped_certificates_meet_only_the_documented_error() -> None:
    der = certificates.certificate_der(certificates.self_signed_certificate(["localhost"], NOW).certificate)
    for position in range(len(der)):
        flipped = bytearray(der)
        flipped[position] ^= 0x21
        for damaged in (bytes(flipped), der[:position]):
            for read in (certificates.public_key_pin, certificates.valid_until):
                with contextlib.suppress(InvalidCertificate):
                    read(damaged)


def test_tls_accepts_it_as_its_own_authority(tmp_path: Path) -> None:
    made = certificates.self_signed_certificate(["localhost"], datetime.now(UTC))
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(made.certificate)
    key.write_bytes(made.private_key.reveal())
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cafile=str(certificate))

    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    server.do_handshake()
    assert client.version() == "TLSv1.3"
    der = client.getpeercert(binary_form=True)
    assert der == certificates.certificate_der(made.certificate)
