"""The authentication service: accounts, their devices, and how each proves itself (RFC 9750 §4).

Passwords by OPAQUE (RFC 9807): the server never sees one, and answers for a user who does not exist as for
one who does. A device proves itself by its own key. No account is ever locked out of its devices.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sottovoce.crypto.signatures import ed25519_verify
from sottovoce.link import messages as m
from sottovoce.link.certificates import DeviceCertificate, device_login_content, opaque_context
from sottovoce.link.errors import CertificateError
from sottovoce.link.parts import ErrorCode, Stretching
from sottovoce.opaque.errors import AuthenticationFailed, DamagedRecord, InvalidMessage
from sottovoce.server.errors import Refused, rate_limited
from sottovoce.server.metrics import Metrics
from sottovoce.server.passwords import Passwords
from sottovoce.server.session import Session
from sottovoce.server.store import accounts
from sottovoce.server.store.store import Store
from sottovoce.server.throttle import Backoff, TokenBuckets

MAX_DEVICES: Final = 64
"""Devices one account may have."""

MAX_DEVICES_KNOWN: Final = 4096
"""Devices kept in memory for their next login, a third of a KiB each; the first one is forgotten first."""

_NOBODY: Final = bytes(32)
_log: Final = logging.getLogger(__name__)


class AuthenticationService:
    """Registration, login, devices, registration tokens and vaults.

    ``server_pin`` is SHA-256 of the TLS key's SubjectPublicKeyInfo (32 bytes): OPAQUE's server identity, and
    in what a device signs.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        *,
        server_pin: bytes,
        stretching: Stretching,
        open_registration: bool,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._pin = server_pin
        self._stretching = stretching
        self._open_registration = open_registration
        self._metrics = metrics
        self._clock = clock
        self._devices: dict[tuple[str, bytes], accounts.StoredDevice] = {}
        self._registrations = TokenBuckets(rate=2.0, burst=500)
        self._tokens_made = TokenBuckets(rate=1 / 60, burst=20)
        self._guesses = Backoff(free=5, first=1.0, longest=60.0, forget_after=3600.0)
        self._guesses_anywhere = TokenBuckets(rate=0.2, burst=100)
        self._logins_by_address = TokenBuckets(rate=1.0, burst=100)

    def hello(self, session: Session, request: m.Hello) -> m.HelloReply:
        """Agree on the protocol's version and hand out the challenge for a device login."""
        if m.PROTOCOL_VERSION not in request.versions:
            session.reply(
                m.ErrorReply(None, ErrorCode.UNSUPPORTED_VERSION, "this server speaks version 1 only")
            )
            raise Refused(ErrorCode.UNSUPPORTED_VERSION, "no common version")
        return m.HelloReply(request.id, m.PROTOCOL_VERSION, self._open_registration, session.challenge)

    async def register_start(self, session: Session, request: m.RegisterStart) -> m.RegisterStartReply:
        """RFC 9807 §5.2.2. Without a valid token nothing is said about the name (threats C2)."""
        self._limit(self._registrations, session.address_group)
        name = request.user.lower()
        now = int(time.time())
        refusal = await self._store.read(lambda db: self._registration_refusal(db, name, request.token, now))
        if refusal is not None:
            raise refusal
        try:
            response = await self._passwords.registration_response(
                request.registration_request, name.encode()
            )
        except InvalidMessage as error:
            raise Refused(ErrorCode.MALFORMED, str(error)) from None
        return m.RegisterStartReply(request.id, response, self._stretching)

    async def register_finish(self, session: Session, request: m.RegisterFinish) -> m.Done:
        """Create the account and its first device; the same request again is answered the same."""
        self._limit(self._registrations, session.address_group)
        if request.stretching != self._stretching:
            raise Refused(
                ErrorCode.MALFORMED, "the password was stretched with other parameters than offered"
            )
        certificate = _certificate(request.certificate, request.user, request.account_key)
        try:
            record = await self._passwords.registration_record(request.registration_record)
        except InvalidMessage as error:
            raise Refused(ErrorCode.MALFORMED, str(error)) from None
        await self._store.write(lambda db: self._create_account(db, request, certificate, record))
        _log.info("account created")
        return m.Done(request.id)

    def _create_account(
        self, db: sqlite3.Connection, request: m.RegisterFinish, certificate: DeviceCertificate, record: bytes
    ) -> None:
        name = request.user.lower()
        existing = accounts.find_device(db, name, certificate.device_id)
        if existing is not None and existing.certificate == request.certificate:
            account = accounts.find_account(db, name)
            if account is not None and account.registration_record == record:
                return
        now = time.time()
        refusal = self._registration_refusal(db, name, request.token, int(now))
        if refusal is not None:
            raise refusal
        account_row = accounts.add_account(
            db,
            user=request.user,
            registration_record=record,
            stretching=request.stretching,
            account_key=request.account_key,
            vault=request.vault,
            now_ms=int(now * 1000),
        )
        _add_device(db, account_row, certificate, int(now * 1000))
        if request.token is not None and not self._open_registration:
            accounts.spend_token(db, request.token)

    def _registration_refusal(
        self, db: sqlite3.Connection, name: str, token: bytes | None, now: int
    ) -> Refused | None:
        invited = self._open_registration or (token is not None and accounts.token_is_valid(db, token, now))
        if not invited:
            return Refused(
                ErrorCode.REGISTRATION_REFUSED,
                "making an account here needs a valid invite; ask for a fresh one",
            )
        if accounts.find_account(db, name) is not None:
            return Refused(ErrorCode.NAME_TAKEN, "this user name is taken; choose another")
        return None

    async def login_start(self, session: Session, request: m.LoginStart) -> m.LoginStartReply:
        """RFC 9807 §6.2.2, with a fake record for an unknown user (§10.9): same path, same lengths.

        Counts as a failed guess until the third message proves otherwise (threats C3).
        """
        name = request.user.lower()
        self._count_guess(session, name)
        account = await self._store.read(lambda db: accounts.find_account(db, name))
        stretching = self._stretching if account is None else account.stretching
        context = opaque_context(self._pin, stretching)
        try:
            login = await self._passwords.start_login(
                None if account is None else account.registration_record,
                request.ke1,
                name=name.encode(),
                server_identity=self._pin,
                context=context,
            )
        except InvalidMessage as error:
            raise Refused(ErrorCode.MALFORMED, str(error)) from None
        except DamagedRecord:
            row = None if account is None else account.row
            _log.error(
                "the OPAQUE record of an account is damaged: no new device can log in to it"
                " until server.db comes from a backup",
                extra={"fields": {"account": row}},
            )
            raise Refused(
                ErrorCode.INTERNAL,
                "the server's record of this password is damaged; ask whoever runs the server",
            ) from None
        session.login = (account, name, login)
        return m.LoginStartReply(request.id, login.ke2, stretching)

    async def login_finish(self, session: Session, request: m.LoginFinish) -> m.LoginFinishReply:
        """RFC 9807 §6.2.4: the password was right if KE3 holds; then the account's vault is handed out."""
        if session.login is None:
            raise _login_failed()
        (account, name, login), session.login = session.login, None
        try:
            login.finish(request.ke3)
        except AuthenticationFailed:
            self._metrics.logins_failed += 1
            raise _login_failed() from None
        if account is None:
            raise _login_failed()
        self._forgive_guess(session, name)
        row = account.row
        version, vault = await self._store.read(lambda db: accounts.read_vault(db, row))
        session.account = account
        return m.LoginFinishReply(request.id, version, vault)

    async def enrol_device(self, session: Session, request: m.EnrolDevice) -> m.Done:
        """Add a device that the account's key certifies; the same one again is answered the same."""
        account = session.account
        if account is None:
            raise _login_failed()
        certificate = _certificate(request.certificate, account.name, account.account_key)

        def enrol(db: sqlite3.Connection) -> None:
            existing = accounts.devices_of(db, account.name)
            for device in existing:
                if device.device_id == certificate.device_id:
                    if device.certificate == request.certificate:
                        return
                    raise Refused(ErrorCode.NOT_ALLOWED, "this device id has another certificate already")
            if len(existing) >= MAX_DEVICES:
                raise Refused(ErrorCode.TOO_LARGE, f"an account has at most {MAX_DEVICES} devices")
            _add_device(db, account.row, certificate, int(time.time() * 1000))

        await self._store.write(enrol)
        return m.Done(request.id)

    def device_login(self, session: Session, request: m.DeviceLogin) -> m.Done:
        """Check the device's signature over this connection's challenge. One refusal for every reason."""
        name = request.user.lower()
        device = self._find_device(name, request.device_id)
        content = device_login_content(session.challenge, self._pin, name, request.device_id)
        key = _NOBODY if device is None else device.authentication_key
        if not ed25519_verify(key, content, request.signature) or device is None:
            self._metrics.logins_failed += 1
            raise _login_failed()
        if session.account is not None and session.account.row != device.account:
            raise _login_failed()
        self._metrics.logins += 1
        session.device = device
        return m.Done(request.id)

    def _find_device(self, name: str, device_id: bytes) -> accounts.StoredDevice | None:
        """Look a device up, without its certificate. One that was found is kept: none changes or goes."""
        key = name, device_id
        device = self._devices.get(key)
        if device is None:
            stored = self._store.read_now(lambda db: accounts.find_device(db, name, device_id))
            if stored is None:
                return None
            device = self._devices[key] = replace(stored, certificate=b"")
            if len(self._devices) > MAX_DEVICES_KNOWN:
                del self._devices[next(iter(self._devices))]
        return device

    async def create_token(self, session: Session, request: m.CreateToken) -> m.CreateTokenReply:
        """Make a registration token for one use."""
        self._limit(self._tokens_made, session.current_device.account)
        token = os.urandom(16)
        expires_at = int(time.time()) + request.expires_in
        await self._store.write(lambda db: accounts.add_token(db, token, uses=1, expires_at=expires_at))
        return m.CreateTokenReply(request.id, token, expires_at)

    async def vault_get(self, session: Session, request: m.VaultGet) -> m.VaultReply:
        """Read the account's vault."""
        row = _account_row(session)
        version, vault = await self._store.read(lambda db: accounts.read_vault(db, row))
        return m.VaultReply(request.id, version, vault)

    async def vault_put(self, session: Session, request: m.VaultPut) -> m.Done:
        """Store the next version of the vault, or refuse if another device was first."""
        row = _account_row(session)
        stored = await self._store.write(
            lambda db: accounts.replace_vault(db, row, request.expected_version, request.vault)
        )
        if not stored:
            raise Refused(ErrorCode.VAULT_CONFLICT, "another device stored a newer vault: read it first")
        return m.Done(request.id)

    def _limit(self, buckets: TokenBuckets, key: object) -> None:
        wait = buckets.take(key, self._clock())
        if wait > 0:
            raise rate_limited(wait)

    def _count_guess(self, session: Session, name: str) -> None:
        """Let a guess through and count it as failed, or refuse it for now.

        The strict wait is for a name from one address, so that a stranger's guesses do not keep the owner
        out; a looser one is for the name from anywhere, and one for the address whatever the name.
        """
        now = self._clock()
        key = (name, session.address_group)
        wait = max(
            self._guesses.wait(key, now),
            self._logins_by_address.take(session.address_group, now),
        )
        wait = wait or self._guesses_anywhere.take(name, now)
        if wait > 0:
            raise rate_limited(wait)
        self._guesses.failed(key, now)

    def _forgive_guess(self, session: Session, name: str) -> None:
        now = self._clock()
        self._guesses.forgive((name, session.address_group))
        self._guesses_anywhere.give_back(name, now)
        self._logins_by_address.give_back(session.address_group, now)


def _certificate(octets: bytes, user: str, account_key: bytes) -> DeviceCertificate:
    """Decode and verify a certificate that must be of this user and account key."""
    try:
        certificate = DeviceCertificate.from_bytes(octets)
        certificate.verify()
    except CertificateError as error:
        raise Refused(ErrorCode.MALFORMED, str(error)) from None
    if certificate.account_name != user.lower() or certificate.account_key != account_key:
        raise Refused(ErrorCode.MALFORMED, "the device certificate is of another account")
    return certificate


def _add_device(db: sqlite3.Connection, account: int, certificate: DeviceCertificate, now_ms: int) -> None:
    accounts.add_device(
        db,
        account,
        device_id=certificate.device_id,
        certificate=certificate.to_bytes(),
        authentication_key=certificate.authentication_key,
        now_ms=now_ms,
    )


def _account_row(session: Session) -> int:
    if session.device is not None:
        return session.device.account
    if session.account is not None:
        return session.account.row
    raise _login_failed()


def _login_failed() -> Refused:
    return Refused(ErrorCode.LOGIN_FAILED, "the login failed: user name, password or device is not right")
