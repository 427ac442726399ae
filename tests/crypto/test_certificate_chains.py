"""Chains to a trusted root: one right one of each shape, and every way to be wrong."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package; their shared parts are plain modules

from certificate_maker import NOW, Authority

from sottovoce.crypto.certificate_chains import LONGEST_CHAIN, verify_chain
from sottovoce.crypto.errors import InvalidCertificate

ROOT = Authority("root")
MIDDLE = Authority("middle", ROOT, path_length=0)
KEY = Ed25519PrivateKey.generate().public_key()
ROOTS = [ROOT.certificate]


def usage(**chosen: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: chosen.get(name, False) for name in names})


def refused(chain: list[bytes], roots: list[bytes] | None = None) -> None:
    with pytest.raises(InvalidCertificate):
        verify_chain(chain, ROOTS if roots is None else roots, NOW)


@pytest.mark.parametrize("with_root", [True, False])
def test_through_an_intermediate(with_root: bool) -> None:
    names = x509.SubjectAlternativeName(
        [x509.RFC822Name("alice@example.org"), x509.DNSName("phone.example.org")]
    )
    leaf = MIDDLE.certify("alice", KEY, extensions=((names, False), (usage(digital_signature=True), True)))
    chain = [leaf, MIDDLE.certificate, *([ROOT.certificate] if with_root else [])]
    found = verify_chain(chain, [Authority("other").certificate, *ROOTS], NOW)
    assert (found.subject, found.public_key) == ("CN=alice", KEY.public_bytes_raw())
    assert set(found.names) == {"alice@example.org", "phone.example.org"}


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_keys_of_the_nist_curves(curve: ec.EllipticCurve) -> None:
    root = Authority("curves", key=ec.generate_private_key(curve))
    key = ec.generate_private_key(curve).public_key()
    found = verify_chain([root.certify("bob", key)], [root.certificate], NOW)
    assert found.public_key == key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_ed448() -> None:
    key = Ed448PrivateKey.generate().public_key()
    found = verify_chain([ROOT.certify("bob", key)], ROOTS, NOW)  # type: ignore[arg-type]
    assert found.public_key == key.public_bytes_raw()


def test_no_path_to_a_root() -> None:
    leaf = MIDDLE.certify("alice", KEY)
    refused([leaf])
    refused([leaf, MIDDLE.certificate], [Authority("root").certificate])
    refused([leaf, MIDDLE.certificate], [])
    refused([MIDDLE.certificate, leaf])
    refused([leaf, ROOT.certificate])


def test_a_forged_link() -> None:
    """An impostor of the right name, whose key is another."""
    impostor = Authority("middle", Authority("root"))
    refused([impostor.certify("alice", KEY), MIDDLE.certificate])


def test_who_is_no_authority() -> None:
    key = Ed25519PrivateKey.generate()
    member = ROOT.certify("member", key.public_key())
    forger = Authority("member", key=key)
    refused([forger.certify("alice", KEY), member])
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    for extensions in (
        ((x509.BasicConstraints(ca=False, path_length=None), True),),
        ((constraints, True), (usage(digital_signature=True), True)),
    ):
        member = ROOT.certify("member", key.public_key(), extensions=extensions)
        refused([forger.certify("alice", KEY), member])
    member = ROOT.certify(
        "member", key.public_key(), extensions=((constraints, True), (usage(key_cert_sign=True), True))
    )
    assert verify_chain([forger.certify("alice", KEY), member], ROOTS, NOW).subject == "CN=alice"


def test_longer_than_allowed() -> None:
    below = Authority("below", MIDDLE)
    refused([below.certify("alice", KEY), below.certificate, MIDDLE.certificate])
    refused([])
    refused([MIDDLE.certify("alice", KEY)] * (LONGEST_CHAIN + 1))


def test_out_of_its_time() -> None:
    early = ROOT.certify("alice", KEY, begins=NOW + timedelta(seconds=1))
    late = ROOT.certify("alice", KEY, begins=NOW - timedelta(2), ends=NOW - timedelta(seconds=1))
    refused([early])
    refused([late])
    with pytest.raises(InvalidCertificate):
        verify_chain([ROOT.certify("alice", KEY, ends=NOW + timedelta(9))], ROOTS, NOW + timedelta(days=2))


def test_uses_and_criticals() -> None:
    refused([ROOT.certify("alice", KEY, extensions=((usage(key_agreement=True), True),))])
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    refused([ROOT.certify("alice", KEY, extensions=((unknown, True),))])
    tolerated = ROOT.certify("alice", KEY, extensions=((unknown, False),))
    assert verify_chain([tolerated], ROOTS, NOW).subject == "CN=alice"


def test_an_old_hash() -> None:
    root = Authority("old", key=ec.generate_private_key(ec.SECP256R1()))
    refused([root.certify("alice", KEY, hash_algorithm=hashes.SHA224())], [root.certificate])


def test_keys_that_sign_nothing_in_mls() -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    refused([ROOT.certify("alice", key)])  # type: ignore[arg-type]


def test_a_root_alone() -> None:
    refused([ROOT.certificate])


@pytest.mark.parametrize("at", [0, 1])
def test_garbage(at: int) -> None:
    chain = [MIDDLE.certify("alice", KEY), MIDDLE.certificate]
    for spoilt in (b"", b"\x30\x00", chain[at][:-1]):
        refused([*chain[:at], spoilt, *chain[at + 1 :]])


def test_a_name_and_algorithms_that_cannot_be_read() -> None:
    """Whoever makes a certificate up chooses every byte of it; none leads to an error of another kind."""
    names = x509.SubjectAlternativeName([x509.DNSName("phone.example.org")])
    good = MIDDLE.certify("alice", KEY, extensions=((names, False),))
    ed25519, dns_name, utf8_text = b"\x06\x03\x2b\x65\x70", b"\x82\x11phone", b"\x0c\x05alice"
    for found, put in (
        (ed25519, b"\x06\x03\x2b\x65\x01"),  # nobody's algorithm
        (dns_name, b"\xa3\x11phone"),  # an X.400 address
        (utf8_text, b"\x03\x05\x00lice"),  # a bit string
    ):
        assert found in good
        refused([good.replace(found, put), MIDDLE.certificate])


@pytest.mark.parametrize("end", ["begins", "ends"])
def test_a_year_that_is_none(end: str) -> None:
    """Times beyond 2049 have four digits for the year, zeros perhaps; no `datetime` has such a one."""
    far = NOW.replace(year=2055, month=6)
    times = {"begins": NOW - timedelta(days=1), "ends": far + timedelta(days=1), end: far}
    good = MIDDLE.certify("alice", KEY, **times)  # type: ignore[arg-type]
    assert b"205506" in good
    refused([good.replace(b"205506", b"000006", 1), MIDDLE.certificate])


# A spoilt serial number may be negative, which `cryptography` says it will refuse itself one day.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_every_spoilt_byte() -> None:
    """Refused, or, where the signature is another encoding of the same, nothing else than before."""
    good = MIDDLE.certify("alice", KEY)
    honest, refusals = verify_chain([good, MIDDLE.certificate], ROOTS, NOW), 0
    for place in range(len(good)):
        for mask in (0x01, 0x10, 0x80, 0xFF):
            spoilt = good[:place] + bytes((good[place] ^ mask,)) + good[place + 1 :]
            try:
                assert verify_chain([spoilt, MIDDLE.certificate], ROOTS, NOW) == honest
            except InvalidCertificate:
                refusals += 1
    # The one byte that may differ counts the unused bits of the signature, which nobody signs.
    assert refusals >= 4 * (len(good) - 1)
