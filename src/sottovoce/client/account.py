"""Getting into an account: register, log in with the password, log in as a device.

OPAQUE (RFC 9807) keeps the password on this side; its ``export_key`` gives the key of the vault, so that a
new device needs the password and nothing else. After the first login a device proves itself with a key of
its own and the password is not asked of the server again.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from sottovoce.client import vault as vaults
from sottovoce.client.errors import (
    DeviceRefused,
    NameTaken,
    RegistrationRefused,
    RequestRefused,
    WrongPassword,
)
from sottovoce.client.tables.account import AccountRecord, PendingRegistration
from sottovoce.client.transport import ServerLink
from sottovoce.client.vault import Vault
from sottovoce.crypto.password import Argon2idParameters, key_stretching_function
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.signatures import ed25519_key_pair, ed25519_sign
from sottovoce.link.certificates import DeviceCertificate, device_login_content, opaque_context
from sottovoce.link.messages import (
    DeviceLogin,
    Done,
    EnrolDevice,
    LoginFinish,
    LoginFinishReply,
    LoginStart,
    LoginStartReply,
    RegisterFinish,
    RegisterStart,
    RegisterStartReply,
)
from sottovoce.link.parts import ErrorCode, Stretching

if TYPE_CHECKING:
    from collections.abc import Callable

_OPAQUE: Final = "OPAQUE-3DH ristretto255-SHA512"


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that was just enrolled, and the vault it was given."""

    account: AccountRecord
    vault: Vault


async def begin_registration(
    link: ServerLink, user: str, password: Secret, token: bytes | None
) -> AccountRecord:
    """Make an account's keys and its OPAQUE record, up to but without the request that stores them.

    The result has ``pending`` set: keep it on disk, then call :func:`finish_registration`.
    Raises :class:`NameTaken` or :class:`RegistrationRefused`.
    """
    from sottovoce.opaque.client import ClientRegistration

    link.note(f"{_OPAQUE}: Blind(password)")
    registration = ClientRegistration.start(password.reveal(), random=os.urandom)
    try:
        reply = await link.request(
            lambda number: RegisterStart(number, user, token, registration.request), RegisterStartReply
        )
    except RequestRefused as refusal:
        raise _registration_error(refusal, user) from refusal
    stretch = _stretching_function(reply.stretching)
    _note_derivations(link, reply.stretching)
    result = await asyncio.to_thread(
        registration.finish,
        reply.registration_response,
        server_identity=link.pin,
        client_identity=user.lower().encode(),
        ksf=stretch,
        random=os.urandom,
    )
    account_private = Secret(os.urandom(32))
    vault_key = vaults.vault_key(result.export_key)
    pending = PendingRegistration(
        token,
        result.record,
        reply.stretching.memory_kib,
        reply.stretching.iterations,
        reply.stretching.lanes,
        vaults.seal(Vault(account_private), vault_key, os.urandom),
    )
    return _new_device(user, account_private, vault_key, vault_version=1, pending=pending)


async def finish_registration(link: ServerLink, account: AccountRecord) -> AccountRecord:
    """Have the server store the account; the same request again gets the same answer.

    Raises :class:`NameTaken` or :class:`RegistrationRefused`.
    """
    pending = account.pending
    if pending is None:
        return account
    stretching = Stretching(pending.memory_kib, pending.iterations, pending.lanes)
    certificate = DeviceCertificate.from_bytes(account.certificate)
    try:
        await link.request(
            lambda number: RegisterFinish(
                number,
                account.user,
                pending.token,
                pending.registration_record,
                stretching,
                certificate.account_key,
                account.certificate,
                pending.vault,
            ),
            Done,
        )
    except RequestRefused as refusal:
        raise _registration_error(refusal, account.user) from refusal
    return msgspec.structs.replace(account, pending=None)


async def enrol_device(link: ServerLink, user: str, password: Secret) -> NewDevice:
    """Log in with the password, open the vault, certify this device and have the server store it.

    Raises :class:`WrongPassword`, the same whatever of name, password or server is wrong (RFC 9807 §6.4.3).
    """
    from sottovoce.opaque.client import ClientLogin
    from sottovoce.opaque.errors import LoginFailed

    link.note(f"{_OPAQUE}: Blind(password), new key share")
    login = ClientLogin.start(password.reveal(), random=os.urandom)
    try:
        reply = await link.request(lambda number: LoginStart(number, user, login.ke1), LoginStartReply)
        _note_derivations(link, reply.stretching)
        result = await asyncio.to_thread(
            login.finish,
            reply.ke2,
            context=opaque_context(link.pin, reply.stretching),
            client_identity=user.lower().encode(),
            server_identity=link.pin,
            ksf=_stretching_function(reply.stretching),
        )
        link.note(f"{_OPAQUE}: 3DH, HandshakeSecret, SessionKey, ServerMAC checked, ClientMAC")
        finish = await link.request(lambda number: LoginFinish(number, result.ke3), LoginFinishReply)
    except LoginFailed:
        raise WrongPassword(user) from None
    except RequestRefused as refusal:
        if refusal.error_code is ErrorCode.LOGIN_FAILED:
            raise WrongPassword(user) from None
        raise
    vault_key = vaults.vault_key(result.export_key)
    vault = vaults.open_vault(finish.vault, vault_key)
    account = _new_device(user, vault.account_private_key, vault_key, vault_version=finish.vault_version)
    await link.request(lambda number: EnrolDevice(number, account.certificate), Done)
    return NewDevice(account, vault)


async def log_in_device(link: ServerLink, account: AccountRecord) -> None:
    """Prove to be the enrolled device; pushes begin after this.

    Raises :class:`DeviceRefused` when the server does not know it (any more).
    """
    content = device_login_content(link.greeting.challenge, link.pin, account.user, account.device_id)
    signature = ed25519_sign(account.authentication_private.reveal(), content)
    try:
        await link.request(
            lambda number: DeviceLogin(number, account.user, account.device_id, signature), Done
        )
    except RequestRefused as refusal:
        if refusal.error_code is ErrorCode.LOGIN_FAILED:
            raise DeviceRefused(account.user) from refusal
        raise


def _new_device(
    user: str,
    account_private: Secret,
    vault_key: Secret,
    *,
    vault_version: int,
    pending: PendingRegistration | None = None,
) -> AccountRecord:
    """Fresh device keys, certified by the account key. One key a purpose (threats.md A4)."""
    signature_private, authentication_private = Secret(os.urandom(32)), Secret(os.urandom(32))
    device_id = os.urandom(16)
    certificate = DeviceCertificate.issue(
        account_private.reveal(),
        user=user,
        device_id=device_id,
        account_key=ed25519_key_pair(account_private.reveal()).public,
        signature_key=ed25519_key_pair(signature_private.reveal()).public,
        authentication_key=ed25519_key_pair(authentication_private.reveal()).public,
    )
    return AccountRecord(
        user=user,
        device_id=device_id,
        account_private=account_private,
        signature_private=signature_private,
        authentication_private=authentication_private,
        certificate=certificate.to_bytes(),
        vault_key=vault_key,
        vault_version=vault_version,
        pending=pending,
    )


def _stretching_function(stretching: Stretching) -> Callable[[bytes], bytes]:
    """The server chose the cost; out of our bounds it is refused before memory is taken (threats.md C5)."""
    return key_stretching_function(
        Argon2idParameters(stretching.memory_kib, stretching.iterations, stretching.lanes)
    )


def _note_derivations(link: ServerLink, stretching: Stretching) -> None:
    """Tell the trace the steps from password to keys (RFC 9807 §4.1.2); names of steps, never values."""
    cost = f"{stretching.memory_kib} KiB, {stretching.iterations} passes, {stretching.lanes} lanes"
    link.note(f"{_OPAQUE}: Finalize, Argon2id({cost}), HKDF-Extract(randomized password)")
    labels = "MaskingKey, AuthKey, ExportKey, PrivateKey"
    link.note(f"{_OPAQUE}: HKDF-Expand({labels}); HKDF(export key, 'vault key')")


def _registration_error(refusal: RequestRefused, user: str) -> Exception:
    if refusal.error_code is ErrorCode.NAME_TAKEN:
        return NameTaken(user)
    if refusal.error_code is ErrorCode.REGISTRATION_REFUSED:
        return RegistrationRefused()
    return refusal
