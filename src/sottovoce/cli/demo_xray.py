"""The demo's x-ray: one message in its layers, a line or two each, held against the server's own disk."""

from __future__ import annotations

import textwrap
from typing import Final

from sottovoce.cli.errors import DemoFailed
from sottovoce.client.message_life import MessageLife, StoredEntry

_NAME: Final = 13
_SIZE: Final = 11
_SHOWN: Final = 12  # bytes


def rows(life: MessageLife, stored: StoredEntry, columns: int) -> list[str]:
    """Return the layers for a screen of so many columns, 60 at least; sizes are those after each layer."""
    made, tls, text = life.protection, stored.tls, life.message.text.encode()
    seen = f"entry {life.history.head_seq} of the log, its own message {life.history.counter}"
    place = f"MLS epoch {made.epoch}, leaf {made.leaf}, generation {made.generation}"
    filled = f"signed ({made.signature_length} bytes), then {made.padding_length} zeros up to a size class"
    told = (
        ("text", len(text), f"{_beginning(text)} ..."),
        ("content", len(life.content), "in a standard form (MIMI, CBOR), with 16 random bytes of salt"),
        ("order", len(life.envelope), f"what its sender had seen: {seen}"),
        ("padding", made.plaintext_length, filled),
        (
            "encryption",
            len(life.private_message),
            f"{place}; {made.aead} with nonce {made.nonce.hex(' ', 2)}; the key is deleted",
        ),
        ("frame", len(stored.frame), "a length and a MessagePack list"),
        ("TLS", sum(tls.record_lengths), f"on the wire, {tls.cipher}"),
        ("server", len(stored.payload), f"{_beginning(stored.payload)} ... and not a word of it in there"),
    )
    return [row for name, size, words in told for row in _wrapped(name, size, words, columns)]


def check(life: MessageLife, stored_payload: bytes) -> StoredEntry:
    """Hold a life against what the server's database holds; returns the server's part of it.

    Raises :class:`~sottovoce.cli.errors.DemoFailed`.
    """
    stored = life.stored
    if stored is None:
        raise DemoFailed(f"the x-ray has nothing of the server: {life.missing}")
    if not stored.is_same or stored.payload != stored_payload or stored.payload not in stored.frame.data:
        raise DemoFailed("the server gives out other bytes than it has stored")
    if life.message.text.encode() not in life.plaintext.data or life.message.text.encode() in stored_payload:
        raise DemoFailed("a text is not where it belongs")
    return stored


def _beginning(octets: bytes) -> str:
    return octets[:_SHOWN].hex(" ", 2)


def _wrapped(name: str, size: int, words: str, columns: int) -> list[str]:
    first = f"  {name:{_NAME - 2}}{f'{size} bytes':>{_SIZE}}  "
    return textwrap.wrap(words, columns, initial_indent=first, subsequent_indent=" " * len(first))
