"""The x-ray's words: a message's life, told layer by layer for people who never heard of any of it."""

from __future__ import annotations

from typing import Final

from sottovoce.client.cbor_diagnostic import diagnostic
from sottovoce.client.message_life import MessageLife, StoredEntry
from sottovoce.client.named_octets import NamedOctets
from sottovoce.tui.life import Fact, Layer, Life, Picture, Stretch
from sottovoce.tui.safe_text import NOTHING, Safe, safe, safe_lines, safe_name

_CONTENT_NAMES: Final = ("salt", "replaces", "topic", "expires", "in reply to", "extensions", "body")
_ENVELOPE_NAMES: Final = ("content", "log position", "log hash", "counter", "previous hash")
_RECOGNISABLE: Final = 4  # bytes of a text that do not stand in random bytes by chance


def life_in_words(life: MessageLife) -> Life:
    """Return what the x-ray of ``life`` shows."""
    layers = (
        _text(life), _content(life), _order(life), _padding(life), _encryption(life),
        _frame(life), _tls(life), _server(life),
    )  # fmt: skip
    server = None if life.stored is None else _of_the_server(life, life.stored)
    return Life(layers, server, safe(life.missing))


def _text(life: MessageLife) -> Layer:
    return Layer(
        name=Safe("Text"),
        title=Safe("The text"),
        teaching=Safe(
            "This is what was typed; it can be read on the devices of the room's members only. Each layer "
            "from here on wraps the one before, and the server gets nothing but the outermost."
        ),
        facts=(
            _fact("from", safe_name(life.message.sender)),
            _fact(
                "length",
                _bytes(len(life.message.text.encode("utf-8", "replace"))),
                "in UTF-8, the usual way to write text as bytes",
            ),
        ),
        text=safe_lines(life.message.text),
        pictures=(_whole("the same in bytes", life.message.text.encode("utf-8", "replace"), "text"),),
    )


def _content(life: MessageLife) -> Layer:
    return Layer(
        name=Safe("Content"),
        title=Safe("Content: a form for the text"),
        teaching=Safe(
            "The text goes into MIMI content, a standard form for chat messages, written in CBOR, which is "
            "like JSON but in bytes. The salt is 16 random bytes: with them, nobody can guess from a "
            "message's id what was said."
        ),
        facts=(
            _fact("length", _bytes(len(life.content))),
            _fact(
                "message id",
                _hex(life.message.message_id),
                "a fingerprint (hash) of sender, room and all of this",
            ),
        ),
        text=safe_lines(diagnostic(life.content.data, _CONTENT_NAMES)),
        pictures=(_picture("MIMI content", life.content),),
    )


def _order(life: MessageLife) -> Layer:
    history = life.history
    return Layer(
        name=Safe("Order"),
        title=Safe("Order: what came before"),
        teaching=Safe(
            "The sender adds what it had seen: its newest place in the room's log, and hashes, which are "
            "short fingerprints, of what stood there. A server that drops, repeats, swaps or invents "
            "messages is found out by the next one."
        ),
        facts=(
            _fact("log position", _number(history.head_seq), "the newest entry the sender had read"),
            _fact("log hash", _hex(history.head_hash), "a fingerprint of all entries up to there"),
            _fact("counter", _number(history.counter), "the sender's own messages in this room"),
            _fact("previous hash", _hex(history.previous_hash), "a fingerprint of the one before"),
        ),
        text=safe_lines(diagnostic(life.envelope.data, _ENVELOPE_NAMES)),
        pictures=(_picture("the envelope around the content", life.envelope),),
    )


def _padding(life: MessageLife) -> Layer:
    made = life.protection
    return Layer(
        name=Safe("Padding"),
        title=Safe("Signature and padding"),
        teaching=Safe(
            "The sender's device signs the message, so that no other member can write in its name. Then "
            "zeros fill it up to one of five sizes, so that its length does not tell how much was said."
        ),
        facts=(
            _fact("before", _bytes(made.plaintext_length - made.padding_length)),
            _fact("padding", _bytes(made.padding_length), "zeros"),
            _fact("size class", _bytes(made.plaintext_length), "256 B, 1, 4, 16 or 64 KiB"),
            _fact("signature", _bytes(made.signature_length), "checked when it came, and not kept"),
        ),
        pictures=(_picture("what is encrypted next", life.plaintext),),
    )


def _encryption(life: MessageLife) -> Layer:
    made = life.protection
    return Layer(
        name=Safe("Encryption"),
        title=Safe("Encryption: an MLS PrivateMessage"),
        teaching=Safe(
            "A key that only the room's members can compute, for this one message, locks it: without the key "
            "nobody reads or changes a byte. The key is deleted after use, so that who steals a device "
            "tomorrow cannot open what was caught on its way today."
        ),
        facts=(
            _fact("form", Safe("MLS"), "the standard for encrypted groups (RFC 9420)"),
            _fact("cipher", safe(made.aead), "locks, and shows any change"),
            _fact("key", Safe(f"deleted ({made.key_length} bytes)"), "used once; nothing of it is kept"),
            _fact(
                "epoch",
                _number(made.epoch),
                "the version of the room's keys; changes with its members",
            ),
            _fact("leaf", _number(made.leaf), "the sending device's place in the group"),
            _fact("generation", _number(made.generation), "the sender's messages before it in this epoch"),
            _fact("nonce", _hex(made.nonce), "a number used once; what the cipher was given"),
            _fact(
                "reuse guard",
                Safe("deleted (4 bytes)"),
                "random; mixed (XOR) into the nonce's first four bytes, in case a number ever came twice",
            ),
            _fact(
                "tag",
                _bytes(made.ciphertext_length - made.plaintext_length),
                "the proof that nothing was changed",
            ),
            _fact("suite", safe(made.suite), "the room's set of algorithms"),
        ),
        pictures=(_picture("the message as it travels", life.private_message),),
        alarm=_not_here(life),
    )


def _frame(life: MessageLife) -> Layer:
    stored = life.stored
    return Layer(
        name=Safe("Frame"),
        title=Safe("Frame: a parcel for the way"),
        teaching=Safe(
            "For the way between device and server the message is put into a frame: its length, then a list "
            "in MessagePack, which is like JSON but in bytes. Whoever receives it looks at the length first, "
            "so that nobody can fill its memory."
        ),
        facts=() if stored is None else (
            _fact("length", _bytes(len(stored.frame)), "4 of them are the length itself"),
            _fact("which", Safe("the server's answer just now"), "when this screen asked for the entry"),
        ),
        pictures=() if stored is None else (_picture("the frame that just came", stored.frame),),
        alarm=_missing(life),
    )  # fmt: skip


def _tls(life: MessageLife) -> Layer:
    facts: tuple[Fact, ...] = ()
    if life.stored is not None:
        tls = life.stored.tls
        records = " + ".join(map(str, tls.record_lengths))
        facts = (
            _fact("version", safe(tls.version)),
            _fact("cipher", safe(tls.cipher), f"with a key of {tls.key_bits} bits, new for each connection"),
            _fact(
                "on the wire", Safe(f"{records} bytes"), "the frame, and 22 bytes for each record around it"
            ),
        )
    return Layer(
        name=Safe("TLS"),
        title=Safe("TLS: the way through the network"),
        teaching=Safe(
            "The connection to the server is encrypted once more, so that whoever listens on the network "
            "sees neither which room a frame is for nor what kind it is. A record's bytes exist on the wire "
            "only: they are made while sending and thrown away after, so there are sizes here and no bytes."
        ),
        facts=facts,
        alarm=_missing(life),
    )


def _server(life: MessageLife) -> Layer:
    stored = life.stored
    teaching = Safe(
        "This is all that the server stores of the message, just fetched from it, and without the room's "
        "keys it is noise. Some things the server does learn: when, a size class, the epoch, the room's "
        "number, and from whose connection it came."
    )
    title = Safe("What the server has")
    if stored is None:
        return Layer(Safe("Server"), title, teaching, alarm=_missing(life))
    same = _fact(
        "compared", Safe("the same bytes"), "as this device sent or received, by a fingerprint (SHA-256)"
    )
    alarm = NOTHING
    if not stored.is_same:
        same = _fact("compared", Safe("OTHER BYTES"), "than this device sent or received")
        alarm = Safe(
            "The server gives out other bytes under this number than this device was given. Ask the other "
            "members what they see, and do not rely on this server's log."
        )
    return Layer(
        name=Safe("Server"),
        title=title,
        teaching=teaching,
        facts=(same, *_readable(life, stored), *_learnt(life, stored)),
        pictures=(_of_the_server(life, stored),),
        alarm=alarm,
    )


def _readable(life: MessageLife, stored: StoredEntry) -> tuple[Fact, ...]:
    text = life.message.text.encode("utf-8", "replace")
    if len(text) < _RECOGNISABLE:
        return ()
    found = "FOUND" if text in stored.payload else "not found"
    return (_fact("the text in it", Safe(found), "searched just now"),)


def _learnt(life: MessageLife, stored: StoredEntry) -> tuple[Fact, ...]:
    at = stored.at.strftime("%Y-%m-%d %H:%M:%S")
    return (
        _fact("it learns when", Safe(f"{at}.{stored.at.microsecond // 1000:03} UTC"), "by its own clock"),
        _fact("it learns size", _bytes(len(stored.payload)), "one of five classes, and a header"),
        _fact("it learns epoch", _number(stored.epoch), "how often the room's keys have changed"),
        _fact("it learns room", _hex(life.room_id), "a random number; the name is encrypted"),
        _fact("it learns place", Safe(f"entry {stored.seq} of {stored.head}"), "its order in the room's log"),
        _fact(
            "it learns who",
            Safe("the account"),
            "that is logged in on the connection it came by; not stored with it",
        ),
    )


def _fact(name: str, value: Safe, meaning: str = "") -> Fact:
    """Return a fact; ``name`` and ``meaning`` are words of this module."""
    return Fact(Safe(name), value, Safe(meaning))


def _not_here(life: MessageLife) -> Safe:
    if life.stored is None:
        return Safe("Only the server keeps the encrypted bytes: connect to see them here.")
    if not life.stored.is_same:
        return Safe("The server gives out other bytes than these were: see the last layer.")
    return NOTHING


def _missing(life: MessageLife) -> Safe:
    return NOTHING if life.stored is not None else safe(f"Nothing to show here: {life.missing}")


def _picture(title: str, octets: NamedOctets) -> Picture:
    stretches = tuple(Stretch(safe(one.name), one.start, one.end, one.is_known) for one in octets.stretches)
    return Picture(Safe(title), octets.data, stretches)


def _whole(title: str, data: bytes, name: str) -> Picture:
    return Picture(Safe(title), data, (Stretch(Safe(name), 0, len(data), True),))


def _of_the_server(life: MessageLife, stored: StoredEntry) -> Picture:
    title = "stored by the server"
    return (
        _picture(title, life.private_message)
        if stored.is_same
        else _whole(title, stored.payload, "other bytes")
    )


def _bytes(count: int) -> Safe:
    return Safe("1 byte" if count == 1 else f"{count:,} bytes")


def _number(value: int) -> Safe:
    return Safe(str(value))


def _hex(octets: bytes) -> Safe:
    return Safe(octets.hex())
