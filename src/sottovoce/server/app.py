"""A whole server: put together, run until told to stop, taken apart without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import os
import resource
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from sottovoce.crypto.errors import UnacceptableParameters
from sottovoce.crypto.password import Argon2idParameters
from sottovoce.crypto.secret import Secret
from sottovoce.link.invite_link import InviteLink
from sottovoce.link.parts import Stretching
from sottovoce.server.authentication import AuthenticationService
from sottovoce.server.config import ServerConfig
from sottovoce.server.delivery import LOBBY, DeliveryService
from sottovoce.server.dispatch import Dispatcher
from sottovoce.server.errors import BadConfiguration, DataDirectoryUnwritable
from sottovoce.server.fanout.in_process import InProcessFanout
from sottovoce.server.key_directory import KeyDirectory
from sottovoce.server.listener import Listener, listening_socket
from sottovoce.server.log import set_up_logging
from sottovoce.server.metrics import Metrics
from sottovoce.server.opaque_setup import (
    make_opaque_setup,
    opaque_setup_exists,
    parse_opaque_setup,
    read_opaque_setup,
)
from sottovoce.server.passwords import Passwords
from sottovoce.server.runtime_file import remove_runtime_file, write_runtime_file
from sottovoce.server.store import accounts
from sottovoce.server.store.database import (
    DirectoryLock,
    is_open_to_others,
    prepare_directory,
    require_database,
)
from sottovoce.server.store.store import Store
from sottovoce.server.store.writer import StoreFailure
from sottovoce.server.tls import TlsFiles, own_tls_files, tls_context

RETRY_AFTER_STOP: Final = 1.0
"""Seconds after which clients are told to come back when the server stops."""

_INVITE_USES: Final = 1000
_STOP_SECONDS: Final = 5.0
_RETENTION_EVERY: Final = 3600.0
_DAY_MS: Final = 86_400_000
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """What a server tells others to connect to, and ``listens_on``, the address and port it is bound to.

    ``pin``: SHA-256 of its public key, 32 bytes; ``invite``: into its lobby.
    """

    host: str
    port: int
    pin: bytes
    invite: str = field(repr=False)
    listens_on: str


def serve(config: ServerConfig, *, ready: Callable[[ServerAddress], None]) -> None:
    """Run a server in this thread, on uvloop, until SIGTERM or SIGINT. Raises what :func:`run` raises."""
    import uvloop

    # Messages on their way are many objects and no garbage: a look at every 700 takes a tenth of the time.
    gc.set_threshold(10_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(config, ready=ready))


async def run(
    config: ServerConfig,
    *,
    ready: Callable[[ServerAddress], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or ``stop``; ``ready`` is called once clients can connect.

    At the end everything acknowledged is on disk and every client has been told. Raises the
    :class:`~sottovoce.server.errors.ServerStartError` that keeps it from starting.
    """
    set_up_logging("debug" if config.debug else config.log_level)
    stop = asyncio.Event() if stop is None else stop
    _raise_file_limit()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stopping_on_signals(stop))
        prepare_directory(config.data)
        lock = DirectoryLock(config.data)
        stack.callback(lock.release)
        is_new = not opaque_setup_exists(config.data)
        if not is_new:
            require_database(config.data)
        if is_open_to_others(config.data):
            _log.warning(
                "other users of this machine can read the data directory: `chmod -R go-rwx` keeps them out",
                extra={"fields": {"directory": str(config.data)}},
            )
        now = datetime.now(UTC)
        context, pin = tls_context(_tls_files(config, now, is_new=is_new), keylog=config.keylog, now=now)
        sock = listening_socket(config.host, config.port)
        stack.callback(sock.close)
        loop = asyncio.get_running_loop()
        store = Store(config.data, loop, commit_interval=config.commit_interval_ms / 1000)
        stack.callback(store.close)
        if is_new:
            make_opaque_setup(config.data, has_accounts=await store.read(accounts.any_account))
        passwords = Passwords(partial(parse_opaque_setup, config.data, read_opaque_setup(config.data)))
        stack.callback(passwords.close)

        metrics = Metrics()
        delivery = DeliveryService(store, InProcessFanout(), metrics, turn_seconds=config.turn_seconds)
        authentication = _authentication(config, store, passwords, pin=pin, metrics=metrics)
        directory = KeyDirectory(store, claims_per_minute=config.claims_per_minute)
        dispatcher = Dispatcher(
            authentication, directory, delivery, metrics, messages_per_second=config.messages_per_second
        )
        listener = Listener(sock, context, config, dispatcher=dispatcher, delivery=delivery, metrics=metrics)

        address = await _address(config, store, delivery, pin, sock)
        _leave_runtime_file(stack, address)
        tasks = []
        try:
            listener.start()
            _log.info("listening", extra={"fields": {"port": address.port, "pin": pin.hex()[:16]}})
            ready(address)
            tasks.append(loop.create_task(_keep_retention(delivery, store, config.retention_days)))
            tasks.append(loading := loop.create_task(_load_passwords(passwords, stop)))
            await stop.wait()
            await loading
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _shut_down(listener, dispatcher, store)
        _log.info("stopped", extra={"fields": asdict(metrics)})


async def _shut_down(listener: Listener, dispatcher: Dispatcher, store: Store) -> None:
    """Take no more, finish and commit what was taken, answer it, tell everybody, close."""
    listener.stop_accepting()
    listener.stop_reading()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(dispatcher.finish(), _STOP_SECONDS)
    with contextlib.suppress(StoreFailure):  # a failing disk has been answered as that; still say goodbye
        await store.write(lambda _db: None)  # outcomes come in order: with this one, all before it are here
    listener.close(retry_after=RETRY_AFTER_STOP)


async def _load_passwords(passwords: Passwords, stop: asyncio.Event) -> None:
    """Load what a login by password needs; a server that cannot is stopped. Raises what ``load`` does."""
    try:
        await passwords.load()
    except Exception:
        stop.set()
        raise


async def _keep_retention(delivery: DeliveryService, store: Store, days: int) -> None:
    """Delete what is older than the retention, now and every hour."""
    while True:
        now_ms = int(time.time() * 1000)
        deleted = 0
        try:
            deleted = await delivery.delete_older_than(now_ms - days * _DAY_MS)
            await store.write(partial(accounts.delete_spent_tokens, now=now_ms // 1000))
        except (StoreFailure, sqlite3.Error) as error:  # the next hour may be better
            _log.error("not all that is old was deleted", extra={"fields": {"error": type(error).__name__}})
        if deleted:
            _log.info("old entries deleted", extra={"fields": {"entries": deleted}})
        await asyncio.sleep(_RETENTION_EVERY)


async def _address(
    config: ServerConfig, store: Store, delivery: DeliveryService, pin: bytes, sock: socket.socket
) -> ServerAddress:
    """Make the lobby if need be, and an invite link into it with a fresh token.

    Raises :class:`DataDirectoryUnwritable` when the disk takes neither.
    """
    token = os.urandom(16)
    expires_at = int(time.time()) + config.invite_days * 86_400
    try:
        room_id, join_secret = await delivery.open_lobby(os.urandom(16), os.urandom(32))
        await store.write(lambda db: accounts.add_token(db, token, uses=_INVITE_USES, expires_at=expires_at))
    except StoreFailure as error:
        raise DataDirectoryUnwritable(config.data, str(error)) from None
    host = config.public_host or _reachable(config.host)
    bound_to, port = sock.getsockname()[:2]
    link = InviteLink(
        host=host,
        port=port,
        room_name=LOBBY,
        server_pin=pin,
        token=token,
        room_id=room_id,
        join_secret=Secret(join_secret),
        join_secret_epoch=0,
        inviter_fingerprint=None,
        expires_at=expires_at,
    )
    listens_on = f"[{bound_to}]:{port}" if ":" in bound_to else f"{bound_to}:{port}"
    return ServerAddress(host, port, pin, str(link), listens_on)


def _leave_runtime_file(stack: contextlib.ExitStack, address: ServerAddress) -> None:
    """Let this user's programs find the server; one that cannot say where it is serves all the same."""
    try:
        path = write_runtime_file(
            host=address.host, port=address.port, pin=address.pin, invite=address.invite
        )
    except DataDirectoryUnwritable:
        _log.warning("no runtime file: programs on this machine need an invite link to find this server")
        return
    stack.callback(remove_runtime_file, path)


def _reachable(host: str) -> str:
    """The address to give to others when the server listens on every one: the one that leads outside."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    family, elsewhere = (
        (socket.AF_INET6, "2001:db8::1") if address.version == 6 else (socket.AF_INET, "192.0.2.1")
    )
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))  # sends nothing; only asks which way packets would go
            return str(probe.getsockname()[0])
    except OSError:
        return "::1" if address.version == 6 else "127.0.0.1"


def _tls_files(config: ServerConfig, now: datetime, *, is_new: bool) -> TlsFiles:
    if config.tls_certificate is not None and config.tls_key is not None:
        return TlsFiles(config.tls_certificate, config.tls_key, is_self_signed=False)
    names = dict.fromkeys([config.public_host or config.host, config.host, "localhost", "127.0.0.1", "::1"])
    return own_tls_files(config.data, list(names), now, is_new=is_new)


def _authentication(
    config: ServerConfig,
    store: Store,
    passwords: Passwords,
    *,
    pin: bytes,
    metrics: Metrics,
) -> AuthenticationService:
    return AuthenticationService(
        store,
        passwords,
        server_pin=pin,
        stretching=_stretching(config),
        open_registration=config.registration == "open",
        metrics=metrics,
    )


def _stretching(config: ServerConfig) -> Stretching:
    chosen = Argon2idParameters(config.password_memory_kib, config.password_iterations, config.password_lanes)
    try:
        chosen.check()
    except UnacceptableParameters as error:
        raise BadConfiguration(f"The password settings do not do: {error}") from None
    return Stretching(chosen.memory_kib, chosen.iterations, chosen.lanes)


@contextlib.contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` at SIGTERM and SIGINT; afterwards they do again what they did by default."""
    loop = asyncio.get_running_loop()
    numbers = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread
            loop.add_signal_handler(number, stop.set)
            numbers.append(number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _raise_file_limit() -> None:
    """Allow as many open files as the system lets this user have: one connection is one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
