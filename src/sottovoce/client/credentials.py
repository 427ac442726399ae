"""Who is behind a leaf: device certificates as MLS credentials, and the pins they are held against.

RFC 9420 §5.3.1 leaves to the application which credential is valid for a client, and which may succeed
which. Here: the identity is a device certificate, signed by the account key for exactly this leaf's
signature key; the account key must be the one pinned for that name; a successor is the same device of the
same account. Nothing here writes: first contacts are pinned by who has merged the commit they came in.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Final

from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.trust import PinDecision, PinnedContact, decide
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.signatures import ed25519_key_pair
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.errors import CertificateError
from sottovoce.mls import Credential, CredentialRefused, Member


class AccountKeyChanged(CredentialRefused):
    """A leaf's account key is not the one pinned for its name."""

    def __init__(self, user: str, account_key: bytes) -> None:
        self.user: Final = user
        self.account_key: Final = account_key
        super().__init__(f"The account key of {user} is not the one known so far.")


@dataclass(slots=True)
class Contacts:
    """The accounts known to this profile, by account name; one object for all rooms."""

    own_name: str
    own_key: bytes
    by_name: dict[str, ContactRecord] = field(default_factory=dict)
    watchers: list[Callable[[], None]] = field(default_factory=list)
    """Called after a person has decided about a key."""

    def decide(self, certificate: DeviceCertificate) -> PinDecision:
        """What the certificate's account key means against the pin."""
        if certificate.account_name == self.own_name:
            same = certificate.account_key == self.own_key
            return PinDecision.SAME if same else PinDecision.CHANGED
        known = self.by_name.get(certificate.account_name)
        pinned = None if known is None else PinnedContact(known.user, known.account_key, known.verified)
        return decide(pinned, certificate.account_key)

    def is_verified(self, account_name: str) -> bool:
        """Whether two people compared the safety number; oneself counts as verified."""
        known = self.by_name.get(account_name)
        return account_name == self.own_name or (known is not None and known.verified)

    def trust(self, contact: ContactRecord) -> None:
        """Take over a person's decision, and let who waits for it go on."""
        self.by_name[contact.account_name] = contact
        for watcher in self.watchers:
            watcher()

    def learn(self, other: PinnedContact, shown: Container[bytes]) -> ContactRecord | None:
        """What another device of this account knows of somebody, put together with what this one knows.

        None: nothing changes here. A person's later decision counts, on whichever device it was made.
        ``shown``: the account keys in the rooms of this device. Where one of them is another than the key
        verified elsewhere, it is a changed key, and a person must decide.
        """
        known = self.by_name.get(other.user.lower())
        if known is None:
            return ContactRecord(other.user, other.account_key, other.verified, None, other.decided_at)
        if _weight(other) <= _weight(known):
            return None
        changed_key = known.changed_key
        if other.account_key != known.account_key:
            if not other.verified:
                return None  # a doubt about another key says nothing about this one
            if changed_key == other.account_key:
                changed_key = None
            elif changed_key is None and known.account_key in shown:
                changed_key = known.account_key
        return ContactRecord(known.user, other.account_key, other.verified, changed_key, other.decided_at)

    def unpin(self, unstored: Iterable[ContactRecord]) -> None:
        """Take back first contacts that could not be stored: a pin that is not stored is none."""
        for contact in unstored:
            if self.by_name.get(contact.account_name) is contact:
                del self.by_name[contact.account_name]

    def first_contacts(self, certificates: Iterable[DeviceCertificate]) -> list[ContactRecord]:
        """Contacts to pin: one for each account not known yet.

        Raises :class:`AccountKeyChanged` when two certificates of one name disagree.
        """
        new: dict[str, ContactRecord] = {}
        for certificate in certificates:
            decision = self.decide(certificate)
            earlier = new.get(certificate.account_name)
            if decision is PinDecision.CHANGED or (
                earlier and earlier.account_key != certificate.account_key
            ):
                raise AccountKeyChanged(certificate.user, certificate.account_key)
            if decision is PinDecision.FIRST_CONTACT and earlier is None:
                contact = ContactRecord(certificate.user, certificate.account_key, False, None)
                new[certificate.account_name] = contact
        return list(new.values())


def _weight(contact: PinnedContact | ContactRecord) -> tuple[int, bool]:
    """Of two devices' knowledge the greater counts: the later decision, of one moment the distrust; where
    nobody decided, a link that vouched.
    """
    return contact.decided_at, contact.verified is (contact.decided_at == 0)


class DeviceAuthentication:
    """The MLS authentication service (RFC 9420 §5.3.1, RFC 9750 §3) over certificates and pins."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts: Final = contacts

    def validate(self, credential: Credential, signature_key: bytes) -> None:
        """Check one leaf.

        Raises :class:`~sottovoce.mls.CredentialRefused`: not a certificate, not signed by its account, of
        another leaf key; :class:`AccountKeyChanged` when the account's pin says otherwise.
        """
        certificate = certificate_of(credential)
        try:
            certificate.verify()
        except CertificateError as error:
            raise CredentialRefused(str(error)) from error
        if certificate.signature_key != signature_key:
            raise CredentialRefused("A leaf's signature key is not the one its certificate names.")
        if self._contacts.decide(certificate) is PinDecision.CHANGED:
            raise AccountKeyChanged(certificate.user, certificate.account_key)

    def same_client(self, old: Credential, new: Credential) -> bool:
        """Whether ``new`` may take the leaf of ``old``: the same device of the same account (B13)."""
        before, after = certificate_of(old), certificate_of(new)
        return (before.account_name, before.account_key, before.device_id) == (
            after.account_name,
            after.account_key,
            after.device_id,
        )


def certificate_of(credential: Credential) -> DeviceCertificate:
    """Read the certificate in a credential; raises :class:`~sottovoce.mls.CredentialRefused`."""
    try:
        return DeviceCertificate.from_bytes(credential.identity)
    except CertificateError as error:
        raise CredentialRefused(str(error)) from error


def certificates(members: Iterable[Member]) -> list[DeviceCertificate]:
    """The certificates of members whose leaves were validated."""
    return [certificate_of(member.credential) for member in members]


@dataclass(frozen=True, slots=True)
class OwnCredential:
    """What this device puts on its leaves: its credential, and the seed of the leaf's signature key."""

    certificate: DeviceCertificate
    credential: Credential
    signature_private: Secret

    @classmethod
    def of(cls, certificate: bytes, signature_private: Secret) -> OwnCredential:
        """From the account record's fields."""
        return cls(
            DeviceCertificate.from_bytes(certificate), Credential.basic(certificate), signature_private
        )

    @property
    def key_pair(self) -> KeyPair:
        """The leaf's signature key pair (every suite this client makes rooms with signs with Ed25519)."""
        return ed25519_key_pair(self.signature_private.reveal())
