"""Certificates as credentials, and the pins they are held against (threats A2, B13)."""

from __future__ import annotations

import os

import pytest

from sottovoce.client.credentials import (
    AccountKeyChanged,
    Contacts,
    DeviceAuthentication,
    OwnCredential,
    certificate_of,
)
from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.trust import PinnedContact
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.signatures import ed25519_key_pair
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.mls import Credential, CredentialRefused


def _certificate(
    user: str, account: KeyPair, device_id: bytes = bytes(16)
) -> tuple[DeviceCertificate, KeyPair]:
    leaf = ed25519_key_pair(os.urandom(32))
    certificate = DeviceCertificate.issue(
        account.private,
        user=user,
        device_id=device_id,
        account_key=account.public,
        signature_key=leaf.public,
        authentication_key=bytes(32),
    )
    return certificate, leaf


def _account() -> KeyPair:
    return ed25519_key_pair(os.urandom(32))


def _contacts(*known: ContactRecord) -> Contacts:
    return Contacts("me", bytes(32), {contact.account_name: contact for contact in known})


def test_a_true_certificate_of_somebody_new_passes_and_is_not_pinned_by_that() -> None:
    certificate, leaf = _certificate("Bob", _account())
    contacts = _contacts()
    DeviceAuthentication(contacts).validate(Credential.basic(certificate.to_bytes()), leaf.public)
    assert contacts.by_name == {}
    (new,) = contacts.first_contacts([certificate, certificate])
    assert (new.user, new.account_key, new.verified) == ("Bob", certificate.account_key, False)


def test_another_account_key_than_the_pinned_one_is_refused_whatever_the_case_of_the_name() -> None:
    certificate, leaf = _certificate("BOB", _account())
    contacts = _contacts(ContactRecord("Bob", _account().public, False, None))
    with pytest.raises(AccountKeyChanged) as caught:
        DeviceAuthentication(contacts).validate(Credential.basic(certificate.to_bytes()), leaf.public)
    assert caught.value.account_key == certificate.account_key
    with pytest.raises(AccountKeyChanged):
        contacts.first_contacts([certificate])


def test_nobody_else_can_be_this_account() -> None:
    certificate, leaf = _certificate("Me", _account())
    with pytest.raises(AccountKeyChanged):
        DeviceAuthentication(_contacts()).validate(Credential.basic(certificate.to_bytes()), leaf.public)


def test_two_new_leaves_of_one_name_must_agree() -> None:
    first, _ = _certificate("Bob", _account())
    second, _ = _certificate("bob", _account())
    with pytest.raises(AccountKeyChanged):
        _contacts().first_contacts([first, second])


@pytest.mark.parametrize("kind", ["garbage", "other leaf key", "not signed by its account"])
def test_what_is_no_certificate_of_this_leaf_is_refused(kind: str) -> None:
    certificate, leaf = _certificate("Bob", _account())
    identity, key = certificate.to_bytes(), leaf.public
    if kind == "garbage":
        identity = b"garbage"
    elif kind == "other leaf key":
        key = _account().public
    else:
        other, _ = _certificate("Bob", _account())
        identity = DeviceCertificate(
            certificate.user,
            certificate.device_id,
            other.account_key,
            certificate.signature_key,
            certificate.authentication_key,
            certificate.signature,
        ).to_bytes()
    with pytest.raises(CredentialRefused):
        DeviceAuthentication(_contacts()).validate(Credential.basic(identity), key)


def test_a_successor_is_the_same_device_of_the_same_account() -> None:
    """RFC 9420 §5.3.1; threats B13."""
    account = _account()
    before, _ = _certificate("Bob", account)
    renewed, _ = _certificate("Bob", account)
    other_device, _ = _certificate("Bob", account, device_id=bytes(15) + b"\x01")
    other_name, _ = _certificate("alice", account)
    other_key, _ = _certificate("Bob", _account())
    service = DeviceAuthentication(_contacts())

    def may_follow(after: DeviceCertificate) -> bool:
        return service.same_client(Credential.basic(before.to_bytes()), Credential.basic(after.to_bytes()))

    assert may_follow(renewed)
    assert not any(map(may_follow, (other_device, other_name, other_key)))


def test_ones_own_credential_shows_no_key() -> None:
    account = _account()
    certificate, leaf = _certificate("Me", account)
    own = OwnCredential.of(certificate.to_bytes(), Secret(leaf.private))
    assert certificate_of(own.credential) == certificate
    assert own.key_pair.public == leaf.public
    assert leaf.private.hex() not in repr(own)
    assert repr(leaf.private)[2:-1] not in repr(own)


def test_a_decision_is_told_to_who_waits() -> None:
    told: list[str] = []
    contacts = _contacts(ContactRecord("Bob", bytes(32), False, bytes(32)))
    contacts.watchers.append(lambda: told.append("now"))
    contacts.trust(ContactRecord("Bob", bytes(32), True, None))
    assert told == ["now"]
    assert contacts.is_verified("bob")
    assert contacts.is_verified("me")
    assert not contacts.is_verified("carol")


K1, K2, K3 = (bytes([number]) * 32 for number in (1, 2, 3))
NEW, OLD = 200, 100  # times


def _learnt(known: ContactRecord | None, other: PinnedContact, *shown: bytes) -> ContactRecord | None:
    return _contacts(*([] if known is None else [known])).learn(other, shown)


def test_who_is_known_on_another_device_alone_is_known_here_too() -> None:
    assert _learnt(None, PinnedContact("Bob", K1, False, OLD)) == ContactRecord("Bob", K1, False, None, OLD)


@pytest.mark.parametrize(
    ("known", "other", "is_verified"),
    [
        # A person's later decision counts, whichever it is.
        (ContactRecord("Bob", K1, False, None, NEW), PinnedContact("bob", K1, True, OLD), False),
        (ContactRecord("Bob", K1, False, None, OLD), PinnedContact("bob", K1, True, NEW), True),
        (ContactRecord("Bob", K1, True, None, OLD), PinnedContact("bob", K1, False, NEW), False),
        (ContactRecord("Bob", K1, True, None, NEW), PinnedContact("bob", K1, False, OLD), True),
        # At one moment the distrust does.
        (ContactRecord("Bob", K1, True, None, OLD), PinnedContact("bob", K1, False, OLD), False),
        (ContactRecord("Bob", K1, False, None, OLD), PinnedContact("bob", K1, True, OLD), False),
        # A link that vouched, or a vault of before there were times, is weaker than that.
        (ContactRecord("Bob", K1, False, None, OLD), PinnedContact("bob", K1, True), False),
        (ContactRecord("Bob", K1, True, None), PinnedContact("bob", K1, False, OLD), False),
        (ContactRecord("Bob", K1, False, None), PinnedContact("bob", K1, True), True),
        (ContactRecord("Bob", K1, True, None), PinnedContact("bob", K1, False), True),
    ],
)
def test_of_two_decisions_the_later_one_counts(
    known: ContactRecord, other: PinnedContact, is_verified: bool
) -> None:
    after = _learnt(known, other, K1) or known
    assert (after.user, after.account_key, after.verified) == ("Bob", K1, is_verified)
    assert after.decided_at == max(known.decided_at, other.decided_at)


def test_a_key_verified_elsewhere_makes_another_one_shown_here_a_changed_key() -> None:
    known, other = ContactRecord("Bob", K1, False, None), PinnedContact("bob", K2, True, NEW)
    assert _learnt(known, other, K1) == ContactRecord("Bob", K2, True, K1, NEW)
    assert _learnt(known, other, K3) == ContactRecord("Bob", K2, True, None, NEW), "nobody shows the first"


def test_a_changed_key_is_settled_by_whoever_verified_it_alone() -> None:
    known = ContactRecord("Bob", K1, True, K2, OLD)
    assert _learnt(known, PinnedContact("bob", K2, True, NEW)) == ContactRecord("Bob", K2, True, None, NEW)
    assert _learnt(known, PinnedContact("bob", K1, True, NEW)) == ContactRecord("Bob", K1, True, K2, NEW)
    assert _learnt(known, PinnedContact("bob", K3, True, NEW), K1) == ContactRecord("Bob", K3, True, K2, NEW)


def test_a_doubt_about_another_key_says_nothing_about_this_one() -> None:
    known = ContactRecord("Bob", K1, True, K2, OLD)
    assert _learnt(known, PinnedContact("bob", K2, False, NEW)) is None
