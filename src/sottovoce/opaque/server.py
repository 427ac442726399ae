"""The server's half of OPAQUE: registration (RFC 9807 §5.2.2) and login (§6.2.2, §6.2.4)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from sottovoce.crypto.errors import InvalidPoint, InvalidScalar
from sottovoce.crypto.kdf import SHA512, hkdf_expand
from sottovoce.crypto.ristretto import (
    ELEMENT_LENGTH,
    SCALAR_LENGTH,
    Element,
    deserialize_element,
    deserialize_scalar,
    scalar_mult,
    scalar_mult_base,
)
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.xor import xor
from sottovoce.opaque import oprf
from sottovoce.opaque.envelope import credential_response_pad
from sottovoce.opaque.errors import AuthenticationFailed, DamagedRecord, InvalidMessage
from sottovoce.opaque.key_exchange import (
    SEED_LENGTH,
    derive_dh_key_pair,
    derive_keys,
    identities,
    preamble,
)
from sottovoce.opaque.messages import (
    ENVELOPE_LENGTH,
    KE1,
    KE2,
    MASKING_KEY_LENGTH,
    NONCE_LENGTH,
    CredentialResponse,
    RegistrationRecord,
    RegistrationRequest,
    RegistrationResponse,
)
from sottovoce.opaque.oprf import DhKeyPair

OPRF_SEED_LENGTH: Final = 64
SETUP_LENGTH: Final = OPRF_SEED_LENGTH + SCALAR_LENGTH + ELEMENT_LENGTH + MASKING_KEY_LENGTH

_OPRF_KEY_SEED_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class ServerSetup:
    """The server's long-term secrets, made once: losing them loses every registration.

    ``fake_record`` (192 bytes) answers for accounts that do not exist. The RFC recommends one, "created
    once" and stored (§6.3.2.2), so that such an account answers the same way each time. It is kept
    serialised, as real records are, so that both cost the same to read.
    """

    oprf_seed: Secret
    key_pair: DhKeyPair
    fake_record: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Callable[[int], bytes]) -> Self:
        """Make a setup from 64, 32, 32 and 64 bytes of ``random``."""
        return cls(
            oprf_seed=Secret(random(OPRF_SEED_LENGTH)),
            key_pair=derive_dh_key_pair(random(SEED_LENGTH)),
            fake_record=_fake_record(
                derive_dh_key_pair(random(SEED_LENGTH)).public, random(MASKING_KEY_LENGTH)
            ),
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse the 192 bytes that :meth:`to_bytes` gave.

        Raises :class:`~sottovoce.opaque.errors.InvalidMessage` if they are damaged in length, in the
        private key or in the fake record's public key.
        """
        if len(octets) != SETUP_LENGTH:
            raise InvalidMessage(f"An OPAQUE setup has {SETUP_LENGTH} bytes.")
        private_end = OPRF_SEED_LENGTH + SCALAR_LENGTH
        fake_end = private_end + ELEMENT_LENGTH
        try:
            private = deserialize_scalar(octets[OPRF_SEED_LENGTH:private_end])
            fake_public_key = deserialize_element(octets[private_end:fake_end])
        except (InvalidScalar, InvalidPoint):
            raise InvalidMessage("This OPAQUE setup is damaged; restore it from a backup.") from None
        return cls(
            oprf_seed=Secret(octets[:OPRF_SEED_LENGTH]),
            key_pair=DhKeyPair(private, scalar_mult_base(private)),
            fake_record=_fake_record(fake_public_key, octets[fake_end:]),
        )

    def to_bytes(self) -> bytes:
        """Return the setup as 192 secret bytes: seed, private key, fake public key, fake masking key."""
        fake_keys = self.fake_record[: ELEMENT_LENGTH + MASKING_KEY_LENGTH]
        return self.oprf_seed.reveal() + self.key_pair.private + fake_keys


def registration_response(setup: ServerSetup, request: bytes, credential_identifier: bytes) -> bytes:
    """Answer a registration request of 32 bytes with 64 (RFC 9807 §5.2.2).

    ``credential_identifier`` is unique to the account and never changes. Raises
    :class:`~sottovoce.opaque.errors.InvalidMessage` for a request that is none.
    """
    message = RegistrationRequest.from_bytes(request)
    evaluated_message = _evaluate(setup, message.blinded_message, credential_identifier)
    return RegistrationResponse(evaluated_message, setup.key_pair.public).to_bytes()


def registration_record(upload: bytes) -> bytes:
    """Return the record to store for an account, the 192 bytes that its client uploaded.

    Raises :class:`~sottovoce.opaque.errors.InvalidMessage` for a wrong length and for a public key that
    is none (RFC 9807 §5: both sides "MUST validate the other party's public key before use").
    """
    return RegistrationRecord.from_bytes(upload).to_bytes()


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """A login between KE2 and KE3: ``ke2`` (320 bytes) has been or will be sent. One object, one login."""

    ke2: bytes
    _expected_client_mac: Secret = field(repr=False)
    _session_key: Secret = field(repr=False)

    @classmethod
    def start(
        cls,
        setup: ServerSetup,
        record: bytes | None,
        ke1: bytes,
        *,
        credential_identifier: bytes,
        context: bytes,
        client_identity: bytes | None,
        server_identity: bytes | None,
        random: Callable[[int], bytes],
    ) -> Self:
        """Answer a KE1 of 96 bytes (RFC 9807 §6.2.2); ``record`` is None for an unknown account.

        Takes 32 bytes of ``random`` three times: masking nonce, nonce, key share seed. Raises
        :class:`~sottovoce.opaque.errors.InvalidMessage` for a KE1 that is none,
        :class:`~sottovoce.opaque.errors.DamagedRecord` for such a record, and
        :class:`~sottovoce.opaque.errors.InvalidInput` for an identity that is empty or, like
        ``context``, too long.
        """
        message = KE1.from_bytes(ke1)
        # RFC 9807 §6.3.2.2: for a record that does not exist "the server MUST respond to the credential
        # request to fake the existence of the record". Nothing else depends on whether there is one.
        account = _stored_record(setup.fake_record if record is None else record)
        credential_response = _credential_response(
            setup, account, message.blinded_message, credential_identifier, random
        )
        server_nonce = random(NONCE_LENGTH)
        keyshare = derive_dh_key_pair(random(SEED_LENGTH))
        transcript = preamble(
            context=context,
            names=identities(
                client_identity, account.client_public_key, server_identity, setup.key_pair.public
            ),
            ke1=message,
            credential_response=credential_response,
            server_nonce=server_nonce,
            server_public_keyshare=keyshare.public,
        )
        dh1 = scalar_mult(keyshare.private, message.client_public_keyshare)
        dh2 = scalar_mult(setup.key_pair.private, message.client_public_keyshare)
        dh3 = scalar_mult(keyshare.private, account.client_public_key)
        keys = derive_keys(dh1 + dh2 + dh3, transcript)
        ke2 = KE2(credential_response, server_nonce, keyshare.public, keys.server_mac)
        return cls(ke2.to_bytes(), Secret(keys.client_mac), Secret(keys.session_key))

    def finish(self, ke3: bytes) -> Secret:
        """Return the session key of 64 bytes if ``ke3`` holds (RFC 9807 §6.2.4).

        Raises :class:`~sottovoce.opaque.errors.AuthenticationFailed` otherwise: the RFC's function
        "MUST NOT return the session_key value if the client authentication material is invalid".
        """
        if not hmac.compare_digest(ke3, self._expected_client_mac.reveal()):
            raise AuthenticationFailed("The name or the password is wrong.")
        return self._session_key


def _stored_record(octets: bytes) -> RegistrationRecord:
    try:
        return RegistrationRecord.from_bytes(octets)
    except InvalidMessage:
        raise DamagedRecord("The stored OPAQUE record of an account is damaged.") from None


def _fake_record(client_public_key: Element, masking_key: bytes) -> bytes:
    """Return a record of nobody: its envelope consists "only of zeros" (RFC 9807 §6.3.2.2)."""
    return client_public_key + masking_key + bytes(ENVELOPE_LENGTH)


def _evaluate(setup: ServerSetup, blinded_message: Element, credential_identifier: bytes) -> Element:
    """Evaluate under the account's own OPRF key, derived from the seed (RFC 9807 §5.2.2)."""
    info = credential_identifier + b"OprfKey"
    seed = hkdf_expand(SHA512, setup.oprf_seed.reveal(), info, _OPRF_KEY_SEED_LENGTH)
    oprf_key = oprf.derive_key_pair(seed, b"OPAQUE-DeriveKeyPair")
    return oprf.blind_evaluate(oprf_key.private, blinded_message)


def _credential_response(
    setup: ServerSetup,
    account: RegistrationRecord,
    blinded_message: Element,
    credential_identifier: bytes,
    random: Callable[[int], bytes],
) -> CredentialResponse:
    """Evaluate, and mask server key and envelope with the record's key (RFC 9807 §6.3.2.2)."""
    masking_nonce = random(NONCE_LENGTH)
    return CredentialResponse(
        evaluated_message=_evaluate(setup, blinded_message, credential_identifier),
        masking_nonce=masking_nonce,
        masked_response=xor(
            credential_response_pad(account.masking_key, masking_nonce),
            setup.key_pair.public + account.envelope.to_bytes(),
        ),
    )
