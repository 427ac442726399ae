"""What lies on the disks of server and client, and what a flipped bit there does (done when 7 and 8)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from end_to_end_world import World, in_room, make_room_key

from sottovoce.link.encoded_entries import EncodedEntries

PASSWORD = "canary-password-7d21"
ROOM = "canary-room-name"
MESSAGE = "canary message seventy seven"
CANARIES = (PASSWORD, ROOM, MESSAGE)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def spellings(word: str) -> list[bytes]:
    return [word.encode(), word.encode("utf-16-le"), word.encode().hex().encode(), word.upper().encode()]


def test_no_canary_word_in_the_server_or_readable_in_a_store(world: World) -> None:
    world.server.arguments = ("--debug",)
    world.server.stop()
    world.server.start()
    key = make_room_key(world)
    alice = world.chat("alice", "--room", ROOM, "--room-key", str(key), "--debug", password=PASSWORD)
    in_room(alice)
    bob = world.chat("bob", "--room", ROOM, "--room-key", str(key))
    in_room(bob)
    alice.type(MESSAGE)
    bob.out.wait_for(lambda lines: f"alice: {MESSAGE}" in lines, "the message")

    on_disk_while_running = files_below(world.server.data) + files_below(world.folder / "homes")
    assert any(path.name.endswith("-wal") for path in on_disk_while_running), "the WAL is looked at too"
    assert_free_of_canaries(on_disk_while_running)
    assert alice.wait() == 0
    assert bob.wait() == 0
    world.server.stop()
    assert_free_of_canaries(files_below(world.server.data) + files_below(world.folder / "homes"))

    server_log = "\n".join(world.server.logs)
    client_log = "\n".join(alice.err.snapshot())
    assert "type=Append" in server_log, "the debug log is really there"
    for word in CANARIES:
        assert word not in server_log
    assert PASSWORD not in client_log
    assert MESSAGE not in client_log


def assert_free_of_canaries(paths: list[Path]) -> None:
    for path in paths:
        octets = path.read_bytes()
        for word in CANARIES:
            for spelling in spellings(word):
                assert spelling not in octets, f"{word!r} stands in {path.name}"


def test_a_clients_store_is_no_readable_sqlite(world: World) -> None:
    alice = world.chat("alice")
    in_room(alice)
    assert alice.wait() == 0
    stores = [p for p in files_below(world.home("alice")) if p.suffix in {".db", ".sqlite", ".sqlite3"}]
    assert stores
    for store in stores:
        assert not store.read_bytes().startswith(b"SQLite format 3"), "an SQLCipher file has no plain header"
        assert store.stat().st_mode & 0o077 == 0


def test_a_flipped_bit_is_a_gap_and_the_room_goes_on(world: World) -> None:
    alice, bob = world.chat("alice"), world.chat("bob")
    in_room(alice)
    in_room(bob)
    alice.type("before")
    for chat in (alice, bob):
        chat.out.wait_for(lambda lines: "alice: before" in lines, "the first line")
    assert bob.wait() == 0
    alice.type("first", "second", "third")
    alice.out.wait_for(lambda lines: "alice: third" in lines, "the three lines")
    (seq,) = world.server.query("SELECT max(last_seq) - 1 FROM segments")[0]
    world.server.stop()
    flip_a_bit(world.server.database(), seq)
    world.server.start()

    bob = world.chat("bob")
    bob.out.wait_for(lambda lines: "alice: third" in lines, "what follows the damage")
    assert "alice: first" in bob.out.snapshot()
    assert "alice: second" not in bob.out.snapshot()
    bob.err.wait_for(lambda lines: any("gap" in line.lower() for line in lines), "the gap")
    alice.type("after")
    bob.out.wait_for(lambda lines: "alice: after" in lines, "the room going on")
    bob.type("heard")
    alice.out.wait_for(lambda lines: "bob: heard" in lines, "the answer")
    for chat in (alice, bob):
        assert not any("Traceback" in line for line in chat.err.snapshot())


def flip_a_bit(database: Path, seq: int) -> None:
    connection = sqlite3.connect(database)
    row, first_seq, last_seq, encoded = connection.execute(
        "SELECT id, first_seq, last_seq, entries FROM segments WHERE ? BETWEEN first_seq AND last_seq", (seq,)
    ).fetchone()
    payload = EncodedEntries(encoded, last_seq - first_seq + 1)[seq - first_seq].payload
    damaged = bytearray(encoded)
    damaged[encoded.index(payload) + len(payload) // 2] ^= 1
    connection.execute("UPDATE segments SET entries = ? WHERE id = ?", (bytes(damaged), row))
    connection.commit()
    connection.close()
