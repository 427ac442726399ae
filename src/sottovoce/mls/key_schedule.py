"""From one epoch's secrets to the next one's (RFC 9420 §8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.labels import derive_secret, expand_with_label
from sottovoce.mls.presentation import opaque, uint16
from sottovoce.mls.proposals import PreSharedKeyID


@dataclass(frozen=True, repr=False)
class EpochSecrets:
    """Secrets an epoch keeps for as long as it is current (RFC 9420 §8, Table 4); each is Nh bytes.

    The encryption secret is not among them: it becomes the secret tree and is gone.
    """

    sender_data_secret: bytes
    exporter_secret: bytes
    external_secret: bytes
    confirmation_key: bytes
    membership_key: bytes
    resumption_psk: bytes
    epoch_authenticator: bytes
    init_secret: bytes

    def __repr__(self) -> str:
        return "EpochSecrets(<redacted>)"

    def authenticator_only(self) -> EpochSecrets:
        """Return this with every secret forgotten but what members compare (§8.7)."""
        return EpochSecrets(b"", b"", b"", b"", b"", b"", self.epoch_authenticator, b"")

    def encode(self) -> bytes:
        """Encode for the snapshot of an epoch."""
        return b"".join(opaque(getattr(self, one.name)) for one in fields(self))


@dataclass(frozen=True, repr=False)
class KeySchedule:
    """What one run of the key schedule yields."""

    joiner_secret: bytes
    welcome_secret: bytes
    encryption_secret: bytes
    secrets: EpochSecrets

    def __repr__(self) -> str:
        return "KeySchedule(<redacted>)"


def joiner_secret(
    suite: CipherSuite, init_secret: bytes, commit_secret: bytes, group_context: bytes
) -> bytes:
    """Return the secret that new members get in a Welcome, Nh bytes (Figure 22)."""
    joined = suite.extract(init_secret, commit_secret)
    return expand_with_label(suite, joined, b"joiner", group_context, suite.secret_length)


def welcome_secret(suite: CipherSuite, joiner: bytes, psk_secret: bytes) -> bytes:
    """Return the secret that seals a Welcome's GroupInfo, Nh bytes."""
    return derive_secret(suite, suite.extract(joiner, psk_secret), b"welcome")


def key_schedule(suite: CipherSuite, joiner: bytes, psk_secret: bytes, group_context: bytes) -> KeySchedule:
    """Derive an epoch's secrets from its joiner secret (Figure 22)."""
    intermediate = suite.extract(joiner, psk_secret)
    epoch = expand_with_label(suite, intermediate, b"epoch", group_context, suite.secret_length)
    names = (b"sender data", b"exporter", b"external", b"confirm", b"membership", b"resumption")
    secrets = [derive_secret(suite, epoch, name) for name in (*names, b"authentication", b"init")]
    return KeySchedule(
        joiner,
        derive_secret(suite, intermediate, b"welcome"),
        derive_secret(suite, epoch, b"encryption"),
        EpochSecrets(*secrets),
    )


def external_key_pair(suite: CipherSuite, external_secret: bytes) -> KeyPair:
    """Return the key pair that outsiders join with (§8.3)."""
    return suite.derive_key_pair(external_secret)


def exported(suite: CipherSuite, exporter_secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``MLS-Exporter(label, context, length)`` (§8.5)."""
    secret = derive_secret(suite, exporter_secret, label)
    return expand_with_label(suite, secret, b"exported", suite.hash(context), length)


def psk_secret(suite: CipherSuite, psks: Iterable[tuple[PreSharedKeyID, bytes]]) -> bytes:
    """Return the Nh bytes that combine pre-shared keys in their order; zeros for none (§8.4)."""
    zeros = secret = bytes(suite.secret_length)
    chosen = list(psks)
    for index, (identifier, psk) in enumerate(chosen):
        label = identifier.encode() + uint16(index) + uint16(len(chosen))
        extracted = suite.extract(zeros, psk)
        psk_input = expand_with_label(suite, extracted, b"derived psk", label, suite.secret_length)
        secret = suite.extract(psk_input, secret)
    return secret


def welcome_key_and_nonce(suite: CipherSuite, secret: bytes) -> tuple[bytes, bytes]:
    """Return the AEAD key and nonce of a Welcome's GroupInfo (§12.4.3.1)."""
    return (
        expand_with_label(suite, secret, b"key", b"", suite.key_length),
        expand_with_label(suite, secret, b"nonce", b"", suite.nonce_length),
    )


def confirmed_transcript_hash(suite: CipherSuite, interim: bytes, commit_input: bytes) -> bytes:
    """Return the transcript hash up to a commit; ``commit_input`` is ConfirmedTranscriptHashInput (§8.2)."""
    return suite.hash(interim + commit_input)


def interim_transcript_hash(suite: CipherSuite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    """Return the transcript hash that the next commit builds upon (§8.2)."""
    return suite.hash(confirmed + opaque(confirmation_tag))
