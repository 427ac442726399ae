"""What members, servers and disks give the client meets mutations of valid ones."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from mutation import fuzz
from room_world import Person, talking

from sottovoce.client import cbor, profile, vault
from sottovoce.client.content import Envelope, MimiContent, MultiPart, PartSemantics, SinglePart
from sottovoce.client.credentials import DeviceAuthentication
from sottovoce.client.errors import ContentError, SealBroken
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.joining import plan_join
from sottovoce.client.log_payload import decode_commit
from sottovoce.client.log_reader import OutOfStep
from sottovoce.client.policy import Access, RoomPolicy
from sottovoce.client.profile import Profile
from sottovoce.client.room_state import Changes
from sottovoce.client.server_address import find_server, remember_server
from sottovoce.client.tables.rooms import SelfUpdate
from sottovoce.client.trust import PinnedContact
from sottovoce.client.vault import Vault, VaultRoom
from sottovoce.crypto import aead
from sottovoce.crypto.secret import Secret
from sottovoce.errors import LocalError, PeerError
from sottovoce.link.invite_link import InviteLink
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.mls import Credential, CredentialRefused

SECRET = JoinSecret(Secret(b"j" * 32), 7)
CONTENT = MimiContent(
    bytes(16),
    MultiPart(PartSemantics.CHOOSE_ONE, (SinglePart("text/plain", b"hi"), SinglePart("text/html", b"<b>hi"))),
    replaces=b"r" * 32,
    extensions={1: "x", "name": [1, {2: b"y"}]},
)
POLICY = RoomPolicy("the plan", "of ours", Access.INVITE, b"o" * 32, (b"a" * 32, b"b" * 32), 3)


def test_content_and_envelopes() -> None:
    envelope = Envelope(CONTENT.encode(), 5, bytes(32), 6, bytes(32))

    def content(octets: bytes) -> None:
        assert MimiContent.decode(octets).encode() == octets

    def whole(octets: bytes) -> None:
        assert Envelope.decode(octets).encode() == octets

    assert (
        fuzz(content, [CONTENT.encode(), MimiContent.of_text("hi", salt=bytes(16)).encode()], ContentError)
        > 1000
    )
    assert fuzz(whole, [envelope.encode()], ContentError) > 1000


def test_cbor() -> None:
    values = [[1, -1, b"x", "y", None, True, 1.5, {"a": [1, {2: 3}]}], {1: {2: {3: [4, [5, [6]]]}}}, [[]] * 9]
    assert fuzz(cbor.decode, [cbor.encode(value) for value in values], ContentError, times=4000) > 1000


def test_policies_join_secrets_and_log_payloads() -> None:
    assert fuzz(RoomPolicy.decode, [POLICY.encode()], ContentError) > 1000
    assert fuzz(JoinSecret.from_extension, [SECRET.to_extension()], ContentError) > 1000
    assert fuzz(decode_commit, [b"\x01commit", b"\x02sealed"], ContentError) > 100


def test_what_is_sealed_and_what_is_inside_a_vault() -> None:
    key = Secret(b"k" * 32)
    contents = Vault(
        Secret(b"a" * 32), (PinnedContact("Bob", b"b" * 32, True),), (VaultRoom(bytes(16), "lobby", SECRET),)
    )
    sealed = vault.seal(contents, key, os.urandom)
    assert fuzz(lambda octets: vault.open_vault(octets, key), [sealed], SealBroken) > 1900

    def inside(octets: bytes) -> None:
        padded = len(octets).to_bytes(4, "big") + octets + bytes(100)
        ciphertext = aead.seal(key.reveal(), bytes(12), b"Sottovoce 1 vault", padded)
        vault.open_vault(b"\x01" + bytes(12) + ciphertext, key)

    assert fuzz(inside, [vault._encode(contents)], ContentError) > 1000
    info = SECRET.seal_group_info(bytes(16), 1, b"group info", os.urandom)
    assert fuzz(lambda octets: SECRET.open_group_info(bytes(16), 1, octets), [info], SealBroken) > 1900


def test_credentials() -> None:
    alice, bob = talking("alice", "bob")
    own = bob.around.own
    service = DeviceAuthentication(alice.around.contacts)

    def read(octets: bytes) -> None:
        service.validate(Credential.basic(octets), own.certificate.signature_key)

    assert fuzz(read, [own.credential.identity], CredentialRefused) > 1900


def test_whatever_a_member_encrypts_is_a_message_or_a_gap() -> None:
    """An insider's envelopes: all is well signed and encrypted, and inside it is anything."""
    mallory, bob = talking("mallory", "bob")
    group = mallory.state.group
    entries = list(bob.log.entries)

    def read(octets: bytes) -> None:
        staged = group.encrypt(octets, random=os.urandom)
        group.merge(staged)
        entries.append(Entry(len(entries) + 1, EntryKind.MESSAGE, group.epoch, staged.message, 2**62))
        bob.reader.read(entries[-1], changes, 0)

    changes = bob.state.begin()
    envelopes = [
        Envelope(CONTENT.encode(), seq, bytes(32), seq + 1, bytes(32)).encode() for seq in (0, 3, 2**40)
    ]
    assert fuzz(read, envelopes, ()) == 0, "nothing is raised, whatever it is"
    bob.state.finish(changes).write(bob.database)
    bob.restart()
    assert bob.state.record.seq == len(entries)
    assert len(bob.gaps()) > 1000
    assert {sender for sender, _ in bob.messages()} <= {"mallory"}


def test_whatever_the_server_gives_as_an_entry() -> None:
    """A message that does not open is a gap, a commit that does not open is passed over: a gap too."""
    alice, bob = talking("alice", "bob")
    alice.type("hello")
    alice.send()
    message = alice.log.entries[-1].payload
    alice.read()
    assert alice.commit(SelfUpdate())
    commit = alice.log.entries[-1].payload
    joiner(alice).join()
    payloads, before = [message, commit, alice.log.entries[-1].payload], bob.group_fingerprint()
    for kind in EntryKind:
        changes = bob.state.begin()

        def read(octets: bytes, kind: EntryKind = kind, changes: Changes = changes) -> None:
            epoch = bob.state.group.epoch
            bob.reader.read(Entry(bob.state.record.seq + 1, kind, epoch, octets, -1), changes, 0)

        refused = fuzz(read, payloads, OutOfStep, seeds_are_taken=False)
        bob.state.finish(changes).write(bob.database)
        assert refused == 0
        assert len(changes.items) > 1900
        assert bob.group_fingerprint() == before
    assert bob.messages() == []


def joiner(alice: Person) -> Person:
    """Carol, who has the room's secret."""
    return Person("carol", alice.log)


def test_whatever_a_member_seals_as_group_info() -> None:
    alice, _ = talking("alice", "bob")
    carol = joiner(alice)
    room_id, epoch = alice.state.record.room_id, alice.log.epoch
    secret = alice.state.join_secret

    def read(octets: bytes) -> None:
        plan_join(carol.state, epoch, secret.seal_group_info(room_id, epoch, octets, os.urandom))

    assert fuzz(read, [alice.state.group.group_info()], PeerError) > 1900


def test_a_damaged_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "stretch", lambda *_: Secret(bytes(32)))
    a_profile = Profile.open(tmp_path / "profile")
    a_profile.create_store_key(Secret(b"password"))
    path = tmp_path / "profile" / "key"

    def read(octets: bytes) -> None:
        path.write_bytes(octets)
        a_profile.open_store_key(Secret(b"password"))

    assert fuzz(read, [path.read_bytes()], LocalError) > 1000
    a_profile.close()


def test_damaged_files_of_known_and_of_running_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOTTOVOCE_RUNTIME_DIR", str(tmp_path))
    remember_server(tmp_path, "h", 1, b"p" * 32)
    known, running = tmp_path / "known_servers", tmp_path / "server-1.json"
    link = InviteLink("127.0.0.1", 1, "lobby", b"p" * 32, None, b"r" * 16, SECRET.secret)
    running.touch(mode=0o600)
    content = {"host": "h", "port": 1, "pin": "70" * 32, "invite": str(link), "pid": os.getpid()}

    def read(octets: bytes, path: Path, given: str | None) -> None:
        path.write_bytes(octets)
        found = find_server(given, tmp_path)
        assert found.pin is None or len(found.pin) == 32

    assert fuzz(lambda octets: read(octets, known, "h:1"), [known.read_bytes()], LocalError, times=1000) > 300
    seeds = [msgspec.json.encode(content)]
    assert fuzz(lambda octets: read(octets, running, None), seeds, LocalError, times=1000) > 300
