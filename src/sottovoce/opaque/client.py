"""The client's half of OPAQUE: registration (RFC 9807 §5.2) and login (§6.2)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from sottovoce.crypto.ristretto import ELEMENT_LENGTH, Element, Scalar, scalar_mult
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.xor import xor
from sottovoce.opaque import oprf
from sottovoce.opaque.envelope import (
    RecoveredCredentials,
    credential_response_pad,
    masking_key,
    randomized_password,
    recover,
    store,
)
from sottovoce.opaque.errors import InvalidMessage, LoginFailed
from sottovoce.opaque.key_exchange import (
    SEED_LENGTH,
    derive_dh_key_pair,
    derive_keys,
    preamble,
)
from sottovoce.opaque.messages import (
    KE1,
    KE2,
    NONCE_LENGTH,
    CredentialResponse,
    Envelope,
    RegistrationRecord,
    RegistrationRequest,
    RegistrationResponse,
    element,
)

_LOGIN_FAILED = "The login failed: the name or the password is wrong, or this is another server."


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The record to upload (192 bytes) and the export key (64 bytes), which never leaves the client."""

    record: bytes = field(repr=False)
    export_key: Secret


@dataclass(frozen=True, slots=True)
class LoginResult:
    """The last message (64 bytes), the session key both sides have, and the export key (64 bytes each)."""

    ke3: bytes
    session_key: Secret
    export_key: Secret


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """A registration under way: ``request`` (32 bytes) has been or will be sent."""

    request: bytes
    _password: Secret = field(repr=False)
    _blind: Scalar = field(repr=False)

    @classmethod
    def start(cls, password: bytes, *, random: Callable[[int], bytes]) -> Self:
        """Blind the password (RFC 9807 §5.2.1); takes 64 bytes of ``random``.

        Raises :class:`~sottovoce.opaque.errors.InvalidInput` for a password above 65,535 bytes.
        """
        blinded = oprf.blind(password, random)
        return cls(RegistrationRequest(blinded.element).to_bytes(), Secret(password), blinded.blind)

    def finish(
        self,
        response: bytes,
        *,
        server_identity: bytes | None,
        client_identity: bytes | None,
        ksf: Callable[[bytes], bytes],
        random: Callable[[int], bytes],
    ) -> RegistrationResult:
        """Make the record from the server's ``response`` of 64 bytes (RFC 9807 §5.2.3).

        Takes 32 bytes of ``random``. Identities left out are the public keys. Raises
        :class:`~sottovoce.opaque.errors.InvalidMessage` for a response that is none and
        :class:`~sottovoce.opaque.errors.InvalidInput` for an identity that is empty or too long.
        """
        message = RegistrationResponse.from_bytes(response)
        oprf_output = oprf.finalize(self._password.reveal(), self._blind, message.evaluated_message)
        stored = store(
            randomized_password(oprf_output, ksf),
            message.server_public_key,
            server_identity,
            client_identity,
            random,
        )
        record = RegistrationRecord(stored.client_public_key, stored.masking_key, stored.envelope)
        return RegistrationResult(record.to_bytes(), stored.export_key)


@dataclass(frozen=True, slots=True)
class ClientLogin:
    """A login under way: ``ke1`` (96 bytes) has been or will be sent. One object, one login."""

    ke1: bytes
    _password: Secret = field(repr=False)
    _blind: Scalar = field(repr=False)
    _client_secret: Scalar = field(repr=False)

    @classmethod
    def start(cls, password: bytes, *, random: Callable[[int], bytes]) -> Self:
        """Begin a login (RFC 9807 §6.2.1).

        Takes 64, 32 and 32 bytes of ``random``: blind, nonce, key share seed. Raises
        :class:`~sottovoce.opaque.errors.InvalidInput` for a password above 65,535 bytes.
        """
        blinded = oprf.blind(password, random)
        client_nonce = random(NONCE_LENGTH)
        keyshare = derive_dh_key_pair(random(SEED_LENGTH))
        ke1 = KE1(blinded.element, client_nonce, keyshare.public)
        return cls(ke1.to_bytes(), Secret(password), blinded.blind, keyshare.private)

    def finish(
        self,
        ke2: bytes,
        *,
        context: bytes,
        client_identity: bytes | None,
        server_identity: bytes | None,
        ksf: Callable[[bytes], bytes],
    ) -> LoginResult:
        """Check the server's message of 320 bytes and make the last one (RFC 9807 §6.2.3).

        Raises :class:`~sottovoce.opaque.errors.LoginFailed`, the same whatever is wrong with the
        password or ``ke2``, and :class:`~sottovoce.opaque.errors.InvalidInput` for an identity that is
        empty or, like ``context``, too long.
        """
        try:
            message = KE2.from_bytes(ke2)
            server_public_key, recovered = self._recover(
                message.credential_response, server_identity, client_identity, ksf
            )
        except (InvalidMessage, LoginFailed):
            raise LoginFailed(_LOGIN_FAILED) from None
        transcript = preamble(
            context=context,
            names=recovered.names,
            ke1=KE1.from_bytes(self.ke1),
            credential_response=message.credential_response,
            server_nonce=message.server_nonce,
            server_public_keyshare=message.server_public_keyshare,
        )
        dh1 = scalar_mult(self._client_secret, message.server_public_keyshare)
        dh2 = scalar_mult(self._client_secret, server_public_key)
        dh3 = scalar_mult(recovered.client_key_pair.private, message.server_public_keyshare)
        keys = derive_keys(dh1 + dh2 + dh3, transcript)
        # RFC 9807 §6: "Clients MUST NOT use the output export_key before authenticating the peer": neither
        # key leaves this function unless the server's MAC holds (§6.4.3, ServerAuthenticationError).
        if not hmac.compare_digest(message.server_mac, keys.server_mac):
            raise LoginFailed(_LOGIN_FAILED)
        return LoginResult(keys.client_mac, Secret(keys.session_key), recovered.export_key)

    def _recover(
        self,
        response: CredentialResponse,
        server_identity: bytes | None,
        client_identity: bytes | None,
        ksf: Callable[[bytes], bytes],
    ) -> tuple[Element, RecoveredCredentials]:
        """Return the server's public key and the recovered credentials (RFC 9807 §6.3.2.3)."""
        oprf_output = oprf.finalize(self._password.reveal(), self._blind, response.evaluated_message)
        password_key = randomized_password(oprf_output, ksf)
        pad = credential_response_pad(masking_key(password_key), response.masking_nonce)
        unmasked = xor(pad, response.masked_response)
        server_public_key = element(unmasked[:ELEMENT_LENGTH])
        envelope = Envelope.from_bytes(unmasked[ELEMENT_LENGTH:])
        recovered = recover(password_key, server_public_key, envelope, server_identity, client_identity)
        return server_public_key, recovered
