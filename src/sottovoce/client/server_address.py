"""Which server is meant: by an invite link, by ``HOST:PORT``, or the one on this machine.

``<home>/known_servers`` (0600, JSON) remembers the pin of every ``HOST:PORT`` met without a link, so that
trust on first use holds from the second time on.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sottovoce.client.errors import KnownServersDamaged, StoreUnwritable
from sottovoce.client.local_server import find_local_server
from sottovoce.client.profile import known_accounts
from sottovoce.link.invite_link import ExpiredInviteLink, InviteLink, is_invite_link, parse_address

DEFAULT_PORT: Final = 7443
PIN_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where to connect, the pin (32 bytes) to expect there (None: first contact), and the link if any."""

    host: str
    port: int
    pin: bytes | None
    invite: InviteLink | None = None


def find_server(link: str | None, home: Path) -> ServerAddress:
    """Resolve what a person gave.

    An invite that is over is left out for the server of this machine, and for one with an account here.
    Raises :class:`BadInviteLink`, :class:`ExpiredInviteLink` or :class:`NoLocalServer`, and for ``HOST:PORT``
    what reading ``known_servers`` raises: :class:`KnownServersDamaged`, :class:`StoreUnwritable`.
    """
    if link is None:
        local = find_local_server()
        invite = None
        with suppress(ExpiredInviteLink):  # who has an account needs none
            invite = InviteLink.parse(local.invite, now=time.time())
        return ServerAddress(local.host, local.port, bytes.fromhex(local.pin), invite)
    if is_invite_link(link):
        try:
            invite = InviteLink.parse(link, now=time.time())
        except ExpiredInviteLink:
            over = InviteLink.parse(link, now=0)
            if not known_accounts(home, over.server_pin):
                raise
            return ServerAddress(over.host, over.port, over.server_pin)
        return ServerAddress(invite.host, invite.port, invite.server_pin, invite)
    host, port = parse_address(link, default_port=DEFAULT_PORT)
    return ServerAddress(host, port, _known_servers(home).get(f"{host}:{port}"))


def remember_server(home: Path, host: str, port: int, pin: bytes) -> None:
    """Keep the pin of an address for :func:`find_server`.

    Raises :class:`KnownServersDamaged`, and :class:`StoreUnwritable` when it cannot be kept.
    """
    known = _known_servers(home)
    if known.get(f"{host}:{port}") == pin:
        return
    known[f"{host}:{port}"] = pin
    listed = {address: pinned.hex() for address, pinned in known.items()}
    partial = home / f"known_servers.{os.getpid()}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.touch(mode=0o600)
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(listed)))
        partial.replace(home / "known_servers")
    except OSError as trouble:
        raise StoreUnwritable(str(home / "known_servers"), trouble.strerror) from trouble


def _known_servers(home: Path) -> dict[str, bytes]:
    """The pins (32 bytes each) by ``HOST:PORT``."""
    path = home / "known_servers"
    try:
        listed = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        known = {address: bytes.fromhex(pin) for address, pin in listed.items()}
    except FileNotFoundError:
        return {}
    except (IsADirectoryError, ValueError) as damage:  # msgspec.DecodeError is a ValueError too
        raise KnownServersDamaged(str(path)) from damage
    except OSError as trouble:
        raise StoreUnwritable(str(path), trouble.strerror) from trouble
    if any(len(pin) != PIN_LENGTH for pin in known.values()):
        raise KnownServersDamaged(str(path))
    return known
