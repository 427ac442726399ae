"""A profile: the directory that holds one account's state for one server, and the key that opens it.

``<home>/profiles/<server pin prefix>/<account name>/`` (0700) holds, each 0600:

* ``lock``: held (``flock``) by the one process that uses the profile; its content is that process's id.
* ``key``: the 32-byte store key, sealed with AES-256-GCM under Argon2id(password, 16-byte salt).
* ``store.db``: the SQLCipher database (:mod:`sottovoce.client.device_store`).

The password is checked here, without the server: a wrong one does not open ``key``.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import Final, Self

import msgspec

from sottovoce.client.errors import BadUserName, ProfileInUse, StoreDamaged, WrongPassword, store_refusal
from sottovoce.crypto import aead
from sottovoce.crypto.errors import DecryptionError, InvalidArgument, UnacceptableParameters
from sottovoce.crypto.password import Argon2idParameters, stretch
from sottovoce.crypto.secret import Secret

PIN_PREFIX_LENGTH: Final = 16
"""Hexadecimal digits of the server's pin in the directory's name: 64 bits, enough to tell servers apart;
the whole pin is in the store."""

_ACCOUNT_NAME: Final = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._-]{1,32}")
_KEY_FORMAT: Final = 1
_KEY_AAD: Final = b"Sottovoce 1 store key"
_STRETCHING: Final = Argon2idParameters(memory_kib=65536, iterations=1, lanes=4)
"""64 MiB once: a tenth of a second. The file is 0600 and the account's own password guess costs more."""


class _SealedKey(msgspec.Struct, array_like=True, frozen=True):
    """The file ``key``, MessagePack: format, Argon2id parameters, salt (16), nonce (12), ciphertext (48)."""

    format: int
    memory_kib: int
    iterations: int
    lanes: int
    salt: bytes
    nonce: bytes
    ciphertext: bytes


def default_home() -> Path:
    """``$SOTTOVOCE_HOME``, or this user's data directory by the platform's own rules."""
    configured = os.environ.get("SOTTOVOCE_HOME")
    if configured:
        return Path(configured)
    import platformdirs

    return Path(platformdirs.user_data_path("sottovoce"))


def profile_path(home: Path, server_pin: bytes, account_name: str) -> Path:
    """Where the profile of ``account_name`` (already lower case) at the server with this pin lives.

    Raises :class:`BadUserName` for what would lead elsewhere.
    """
    if _ACCOUNT_NAME.fullmatch(account_name) is None:
        raise BadUserName
    return home / "profiles" / server_pin.hex()[:PIN_PREFIX_LENGTH] / account_name


def known_accounts(home: Path, server_pin: bytes) -> list[str]:
    """Account names that have a profile for the server with this pin, sorted.

    Raises :class:`StoreUnwritable` when the folder of the profiles is none, or is not for this user.
    """
    folder = home / "profiles" / server_pin.hex()[:PIN_PREFIX_LENGTH]
    try:
        return sorted(entry.name for entry in folder.iterdir() if is_profile(entry))
    except FileNotFoundError:
        return []
    except OSError as trouble:
        raise store_refusal(trouble, folder) from trouble


def is_profile(path: Path) -> bool:
    """Whether a store key was made there before, however unusable it has become."""
    return os.path.lexists(path / "key")


class Profile:
    """One profile, locked for this process from :meth:`open` to :meth:`close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path: Final = path
        self._lock: int | None = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make the directory if need be, and lock it.

        Raises :class:`ProfileInUse` while another process holds it, :class:`StoreUnwritable` where nothing
        can be written, and :class:`StoreDamaged` when ``lock`` is no file.
        """
        try:
            for folder in (path.parent.parent, path.parent, path):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as trouble:
            raise store_refusal(trouble, path) from trouble
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
        except BlockingIOError:
            os.close(lock)
            raise ProfileInUse(path.name) from None
        except OSError as trouble:
            os.close(lock)
            raise store_refusal(trouble, path) from trouble
        return cls(path, lock)

    @property
    def exists(self) -> bool:
        """Whether a store key was made here before."""
        return is_profile(self.path)

    @property
    def store_path(self) -> Path:
        """The SQLCipher database."""
        return self.path / "store.db"

    def create_store_key(self, password: Secret) -> Secret:
        """Make a fresh 32-byte store key, sealed under the password, and return it.

        Raises :class:`StoreUnwritable` when it cannot be kept.
        """
        store_key = Secret(os.urandom(32))
        salt, nonce = os.urandom(16), os.urandom(12)
        wrapping = stretch(password, salt, _STRETCHING, 32)
        sealed = _SealedKey(
            _KEY_FORMAT,
            _STRETCHING.memory_kib,
            _STRETCHING.iterations,
            _STRETCHING.lanes,
            salt,
            nonce,
            aead.seal(wrapping.reveal(), nonce, _KEY_AAD, store_key.reveal()),
        )
        try:
            _write_durably(self.path / "key", msgspec.msgpack.encode(sealed))
        except OSError as trouble:
            raise store_refusal(trouble, self.path) from trouble
        return store_key

    def open_store_key(self, password: Secret) -> Secret:
        """Open the store key with the password.

        Raises :class:`WrongPassword`, :class:`StoreDamaged` when ``key`` is none of ours, or
        :class:`StoreUnwritable` when it may not be read.
        """
        try:
            sealed = msgspec.msgpack.decode((self.path / "key").read_bytes(), type=_SealedKey)
            if sealed.format != _KEY_FORMAT:
                raise StoreDamaged(str(self.path))
            parameters = Argon2idParameters(sealed.memory_kib, sealed.iterations, sealed.lanes)
            wrapping = stretch(password, sealed.salt, parameters, 32)
            return Secret(aead.open(wrapping.reveal(), sealed.nonce, _KEY_AAD, sealed.ciphertext))
        except DecryptionError:
            raise WrongPassword(self.path.name) from None
        except OSError as trouble:
            raise store_refusal(trouble, self.path) from trouble
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidArgument, UnacceptableParameters) as damage:
            raise StoreDamaged(str(self.path)) from damage

    def discard(self) -> None:
        """Delete key and store of an account that did not come to be, and close."""
        for name in ("key", "store.db", "store.db-wal", "store.db-shm"):
            (self.path / name).unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let the next process use the profile."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _write_durably(path: Path, content: bytes) -> None:
    """Write a 0600 file so that after a crash either nothing or all of it is there."""
    partial = path.with_suffix(".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
