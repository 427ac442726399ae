"""Which server is meant: by an invite link, by ``HOST:PORT``, or the one on this machine.

``<home>/known_servers`` (0600, JSON) remembers the pin of every ``HOST:PORT`` met without a link, so that
trust on first use holds from the second time on.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sottovoce.client.errors import StoreDamaged
from sottovoce.client.local_server import find_local_server
from sottovoce.link.invite_link import InviteLink, is_invite_link, parse_address

DEFAULT_PORT: Final = 7443


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where to connect, the pin (32 bytes) to expect there (None: first contact), and the link if any."""

    host: str
    port: int
    pin: bytes | None
    invite: InviteLink | None = None


def find_server(link: str | None, home: Path) -> ServerAddress:
    """Resolve what a person gave.

    Raises :class:`BadInviteLink`, :class:`ExpiredInviteLink` or :class:`NoLocalServer`.
    """
    if link is None:
        local = find_local_server()
        invite = InviteLink.parse(local.invite, now=time.time())
        return ServerAddress(local.host, local.port, bytes.fromhex(local.pin), invite)
    if is_invite_link(link):
        invite = InviteLink.parse(link, now=time.time())
        return ServerAddress(invite.host, invite.port, invite.server_pin, invite)
    host, port = parse_address(link, default_port=DEFAULT_PORT)
    known = _known_servers(home).get(f"{host}:{port}")
    return ServerAddress(host, port, bytes.fromhex(known) if known else None)


def remember_server(home: Path, host: str, port: int, pin: bytes) -> None:
    """Keep the pin of an address for :func:`find_server`."""
    known = _known_servers(home)
    if known.get(f"{host}:{port}") == pin.hex():
        return
    known[f"{host}:{port}"] = pin.hex()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = home / f"known_servers.{os.getpid()}"
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(known)))
    partial.replace(home / "known_servers")


def _known_servers(home: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode((home / "known_servers").read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as damage:
        raise StoreDamaged(str(home / "known_servers")) from damage
