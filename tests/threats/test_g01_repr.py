"""G: no object that holds a secret shows it, in ``repr`` or ``str``, however deep it lies.

Real objects are walked, attribute by attribute; what is a secret is told by :class:`Secret` and by the names
of attributes, not by what the classes themselves hide.
"""

from __future__ import annotations

import base64
import enum
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from mls_world import CONFIG, NOW, World
from room_world import talking
from sdk_world import a_world, until

from sottovoce.client.account import AccountRecord
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.tables.rooms import RoomRecord, SelfUpdate
from sottovoce.client.vault import Vault, VaultRoom
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import SUPPORTED, CipherSuite
from sottovoce.link.invite_link import InviteLink
from sottovoce.mls import Credential, Group, KeyPackageBundle, StagedCommit
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.key_schedule import EpochSecrets
from sottovoce.mls.secret_tree import MessageKey, Ratchet, SecretTree
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_response

SECRET_NAME = re.compile(
    r"\.(.*(secret|private|seed|password|blind|export_key|session_key|client_mac|masking_key|skipped).*"
    r"|(.*_)?psks?|(.*_)?token|message_key|nonce|key)$|^SecretTree\._nodes$"
)
"""Of ``Class.attribute``."""

SHORTEST = 16


def attributes(value: object) -> Iterator[tuple[str, object]]:
    """Every attribute an object of ours keeps, by whichever means."""
    names: dict[str, None] = dict.fromkeys(getattr(value, "__dict__", ()))
    if isinstance(value, msgspec.Struct):
        names |= dict.fromkeys(value.__struct_fields__)
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names |= dict.fromkeys([slots] if isinstance(slots, str) else slots)
    for name in names:
        if hasattr(value, name):
            yield name, getattr(value, name)


class Walk:
    """Everything reachable from some objects: ours, and the secret bytes in them."""

    def __init__(self, roots: Iterable[object]) -> None:
        self.objects: dict[int, object] = {}
        self.secrets: set[bytes] = set()
        self._held: list[object] = []  # so that no id is given to two of them
        self._visited: set[tuple[int, bool]] = set()
        for root in roots:
            self._visit(root, is_secret=False)

    def _visit(self, value: object, *, is_secret: bool) -> None:
        if isinstance(value, (bytes, bytearray)):
            if is_secret and len(value) >= SHORTEST and len(set(value)) > 4:
                self.secrets.add(bytes(value))
            return
        if value is None or isinstance(value, (str, int, float, type, enum.Enum)):
            return
        if (id(value), True) in self._visited or (id(value), is_secret) in self._visited:
            return
        self._held.append(value)
        self._visited.add((id(value), is_secret))
        for one, one_is_secret in self._inside(value, is_secret):
            self._visit(one, is_secret=one_is_secret)

    def _inside(self, value: object, is_secret: bool) -> Iterator[tuple[object, bool]]:
        kind = type(value)
        if kind.__module__.startswith("sottovoce."):
            self.objects[id(value)] = value
            if isinstance(value, Secret):
                yield value.reveal(), True
                return
            for name, one in attributes(value):
                if name != "public":
                    yield one, is_secret or bool(SECRET_NAME.search(f"{kind.__name__}.{name}"))
        elif isinstance(value, Mapping):
            yield from ((one, is_secret) for item in list(value.items()) for one in item)
        elif isinstance(value, (list, tuple, set, frozenset, deque)):
            yield from ((one, is_secret) for one in list(value))

    @property
    def kinds(self) -> set[type]:
        return {type(one) for one in self.objects.values()}

    def check(self, *, at_least: int) -> None:
        assert len(self.secrets) >= at_least
        spelled: dict[str, bytes] = {}
        for secret in self.secrets:
            for start in {0, len(secret) - SHORTEST}:
                part = secret[start : start + SHORTEST]
                spelled |= {repr(part)[2:-1]: part, part.hex(): part, part.hex().upper(): part}
                spelled[str(list(part))[1:-1]] = part
            spelled[base64.b64encode(secret)[:20].decode()] = secret
            spelled[base64.urlsafe_b64encode(secret)[:20].decode()] = secret
        pattern = re.compile("|".join(map(re.escape, spelled)))
        for one in self.objects.values():
            shown = [repr(one), f"{one!r:}"]
            if not isinstance(one, InviteLink):  # whose str is the link, and whose repr is not
                shown.append(str(one))
            for text in shown:
                found = pattern.search(text)
                assert found is None, f"{type(one).__name__} shows a secret: {text[:500]}"


def test_mls() -> None:
    world = World()
    alice, bob, _ = world.group_of("alice", "bob", "carol")
    bundle = world.bundle("dave")
    received = bob.encrypt(b"the plaintext of a message", random=os.urandom)
    bob.merge(received)
    objects = [
        alice,
        bundle,
        alice.commit(add=[bundle.message], psks={b"id": Secret(os.urandom(32))}, random=os.urandom, now=NOW),
        alice.propose_update(random=os.urandom),
        alice.encrypt(b"another plaintext of a message", random=os.urandom),
        alice.process(received.message, now=NOW),
        Group.join_externally(
            alice.group_info(),
            Credential.basic(b"eve"),
            world.keys(),
            suite=world.suite,
            config=CONFIG,
            random=os.urandom,
        ),
        alice.export("label", b"", 32),
    ]
    alice.merge(objects[5])
    walk = Walk(objects)
    expected = {
        Group,
        KeyPackageBundle,
        KeyPair,
        EpochState,
        EpochSecrets,
        SecretTree,
        Ratchet,
        MessageKey,
        StagedCommit,
    }
    assert expected <= walk.kinds
    walk.check(at_least=60)
    assert not any("the plaintext of a message" in repr(one) for one in objects)


def test_opaque() -> None:
    names = {"client_identity": b"alice", "server_identity": b"server"}
    setup = ServerSetup.generate(os.urandom)
    registration = ClientRegistration.start(b"a long password of hers", random=os.urandom)
    response = registration_response(setup, registration.request, b"alice")
    registered = registration.finish(response, ksf=lambda octets: octets, random=os.urandom, **names)
    login = ClientLogin.start(b"a long password of hers", random=os.urandom)
    answer = ServerLogin.start(
        setup,
        registered.record,
        login.ke1,
        credential_identifier=b"alice",
        context=b"",
        random=os.urandom,
        **names,
    )
    result = login.finish(answer.ke2, context=b"", ksf=lambda octets: octets, **names)
    Walk([setup, registration, registered, login, result]).check(at_least=8)
    # What the server expects to be sent is a secret until it is: then it stands in the client's result.
    Walk([answer, answer.finish(result.ke3)]).check(at_least=2)


@pytest.mark.parametrize("suite", SUPPORTED.values(), ids=lambda suite: suite.name)
def test_key_pairs_of_every_suite(suite: CipherSuite) -> None:
    pairs = [suite.derive_key_pair(os.urandom(suite.secret_length))]
    pairs.append(suite.signature_key_pair(os.urandom(suite.signature_seed_length)))
    Walk(pairs).check(at_least=2)


def test_what_a_room_is_made_of() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("a line")
    alice.send()
    bob.read()
    assert alice.commit(SelfUpdate())
    secret = JoinSecret(Secret(os.urandom(32)), 3)
    vault = Vault(Secret(os.urandom(32)), (), (VaultRoom(bytes(16), "lobby", secret),))
    link = InviteLink("h", 1, "lobby", bytes(32), os.urandom(16), bytes(16), secret.secret)
    walk = Walk([alice.state, alice.around, alice.reader, alice.outbox, bob.state, vault, link, secret])
    assert {RoomRecord, JoinSecret, InviteLink, Vault, Secret, Group} <= walk.kinds
    walk.check(at_least=30)


async def test_a_client_at_work(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        room = await alice.create_room("the plan")
        his = await bob.join(str(await alice.invite(room)))
        await until(lambda: len(room.members()) == 2, "bob is in")
        await his.send("hello")
        await his.flush()
        walk = Walk([alice, room, bob, his, await alice.invite(room)])
        assert AccountRecord in walk.kinds
        assert len(walk.kinds) > 40
        walk.check(at_least=25)
