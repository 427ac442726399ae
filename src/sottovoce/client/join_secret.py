"""A room's join secret and everything that is derived from it (docs/protocol.md, *Rooms*).

Who holds it may enter: it opens the room's sealed GroupInfo and is the external PSK (RFC 9420 §8.4) of the
commit that joins. Keys are HKDF-SHA256 outputs with a label each; sealing is AES-256-GCM under a key of its
own for each room and epoch, both in the associated data, a random nonce of 12 bytes before the ciphertext.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sottovoce.client import cbor
from sottovoce.client.errors import SealBroken
from sottovoce.crypto import aead, kdf
from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.secret import Secret

JOIN_SECRET_LENGTH: Final = 32
ROOM_ID_LENGTH: Final = 16

EXPORT_LABEL: Final = "Sottovoce 1 join secret"
"""Label of the MLS exporter (RFC 9420 §8.5) that gives the secret of the epoch of a rotation; 32 bytes, the
room id is its context."""

JOIN_SECRET_EXTENSION: Final = 0xF0A1
"""GroupInfo extension (private use, RFC 9420 §17.3) that hands the secret to who is added by Welcome."""

_EPOCH_LENGTH: Final = 8

Random = Callable[[int], bytes]


class NewerSecret(SealBroken):
    """What is sealed is sealed under a later secret than the one at hand."""


@dataclass(frozen=True)
class JoinSecret:
    """32 secret bytes and the epoch in which they were rotated last (0: agreed outside, never rotated)."""

    secret: Secret
    epoch: int = 0

    def psk_id(self, room_id: bytes) -> bytes:
        """Return the id of the external PSK (RFC 9420 §8.4): it names room and epoch, and is no secret."""
        return b"Sottovoce 1 join " + room_id + self.epoch.to_bytes(8, "big")

    def psk(self) -> Secret:
        """Return the external PSK itself, 32 bytes."""
        return self._derive(b"external psk", b"", JOIN_SECRET_LENGTH)

    def seal_group_info(self, room_id: bytes, epoch: int, group_info: bytes, random: Random) -> bytes:
        """Seal the GroupInfo of ``epoch`` for the server to keep (36 bytes longer).

        The secret's own epoch stands before it, so that who holds an older one is told at once.
        """
        sealed = self._seal(b"group info", room_id, epoch, group_info, random)
        return self.epoch.to_bytes(_EPOCH_LENGTH, "big") + sealed

    def open_group_info(self, room_id: bytes, epoch: int, sealed: bytes) -> bytes:
        """Open what :meth:`seal_group_info` made.

        Raises :class:`~sottovoce.client.errors.SealBroken`, and :class:`NewerSecret` where it is said to be
        sealed under a later secret. Only the server vouches for that: it can refuse a joiner anyhow.
        """
        sealed_under = int.from_bytes(sealed[:_EPOCH_LENGTH], "big")
        if sealed_under > self.epoch:
            raise NewerSecret("The sealed group info is of a later secret of this room.")
        if sealed_under != self.epoch:
            raise SealBroken("The sealed group info is of an earlier secret of this room.")
        return self._open(b"group info", room_id, epoch, sealed[_EPOCH_LENGTH:])

    def seal_external_commit(self, room_id: bytes, epoch: int, commit: bytes, random: Random) -> bytes:
        """Seal the PublicMessage of an external commit that ends ``epoch`` (RFC 9420 §12.4.3.2)."""
        return self._seal(b"external commit", room_id, epoch, commit, random)

    def open_external_commit(self, room_id: bytes, epoch: int, sealed: bytes) -> bytes:
        """Open what :meth:`seal_external_commit` made; raises ``SealBroken``."""
        return self._open(b"external commit", room_id, epoch, sealed)

    def to_extension(self) -> bytes:
        """Encode as the data of :data:`JOIN_SECRET_EXTENSION`; only ever inside an encrypted GroupInfo."""
        return cbor.encode([self.secret.reveal(), self.epoch])

    @classmethod
    def from_extension(cls, data: bytes) -> JoinSecret:
        """Read one; raises :class:`~sottovoce.client.errors.ContentError`."""
        fields = cbor.Fields(cbor.decode(data), "A join secret")
        secret = cls(Secret(fields.octets("its bytes", JOIN_SECRET_LENGTH)), fields.uint("its epoch"))
        fields.end()
        return secret

    def _derive(self, label: bytes, context: bytes, length: int) -> Secret:
        return Secret(kdf.hkdf(self.secret.reveal(), b"Sottovoce 1 " + label, context, length))

    def _seal(self, label: bytes, room_id: bytes, epoch: int, plaintext: bytes, random: Random) -> bytes:
        context = room_id + epoch.to_bytes(8, "big")
        nonce = random(aead.NONCE_LENGTH)
        key = self._derive(label, context, 32).reveal()
        return nonce + aead.seal(key, nonce, context, plaintext)

    def _open(self, label: bytes, room_id: bytes, epoch: int, sealed: bytes) -> bytes:
        context = room_id + epoch.to_bytes(8, "big")
        nonce, ciphertext = sealed[: aead.NONCE_LENGTH], sealed[aead.NONCE_LENGTH :]
        if len(ciphertext) < aead.TAG_LENGTH:
            raise SealBroken(f"The sealed {label.decode()} is too short.")
        try:
            return aead.open(self._derive(label, context, 32).reveal(), nonce, context, ciphertext)
        except DecryptionError:
            raise SealBroken(f"The sealed {label.decode()} does not open with this room's secret.") from None


def from_room_key(key: Secret, name: str) -> tuple[bytes, JoinSecret]:
    """Return id (16 bytes) and join secret of the room that a shared 32-byte key makes under ``name``."""
    context = name.encode("utf-8", "surrogatepass")
    room_id = kdf.hkdf(key.reveal(), b"Sottovoce 1 room key id", context, ROOM_ID_LENGTH)
    secret = kdf.hkdf(key.reveal(), b"Sottovoce 1 room key secret", context, JOIN_SECRET_LENGTH)
    return room_id, JoinSecret(Secret(secret), 0)
