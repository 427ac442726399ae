"""Welcomes and GroupInfos from somebody who means harm: one failing case for each check."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, World, whole

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import DEFAULT
from sottovoce.mls import (
    Credential,
    CredentialRefused,
    DecodingError,
    Extension,
    Group,
    KeyPackageBundle,
    LeafIndex,
    Lifetime,
    MissingPreSharedKey,
    MisuseError,
    ValidationError,
    ValidationRule,
    inspect_group_info,
)
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.extensions import ExtensionType
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import EncryptedGroupSecrets, GroupInfo, GroupSecrets, Welcome
from sottovoce.mls.key_schedule import key_schedule, welcome_key_and_nonce
from sottovoce.mls.labels import decrypt_with_label, encrypt_with_label
from sottovoce.mls.nodes import LeafNode, LeafNodeSource
from sottovoce.mls.presentation import decode, opaque
from sottovoce.mls.proposals import PreSharedKeyID, PSKType
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import leaf_node_index
from sottovoce.mls.treekem import put_path


class Forgery:
    """A real Welcome, opened, changed and sealed again by its maker."""

    def __init__(self, world: World, **arguments: object) -> None:
        self.alice, self.bob = world.group_of("alice", "bob")
        self.bundle = world.bundle("carol")
        self.suite = world.suite
        staged = self.alice.commit(add=[self.bundle.message], random=os.urandom, now=NOW, **arguments)  # type: ignore[arg-type]
        assert staged.next is not None
        self.after: EpochState = staged.next
        body = MLSMessage.decode(staged.welcome or b"").body
        assert isinstance(body, Welcome)
        self.welcome = body
        entry = body.secrets[0]
        private = self.bundle.init_private_key.reveal()
        octets = decrypt_with_label(
            self.suite, private, b"Welcome", body.encrypted_group_info, (entry.kem_output, entry.ciphertext)
        )
        self.secrets = decode(GroupSecrets.read, octets)
        self.zeros = bytes(self.suite.secret_length)

    def info(self) -> GroupInfo:
        return self.after.group_info((), with_tree=True, external=False)

    def sign(self, info: GroupInfo) -> GroupInfo:
        return info.signed(self.suite, self.after.signature_key_pair.private)

    def sealed(self, info: GroupInfo, secrets: GroupSecrets | None = None) -> bytes:
        secrets = secrets or self.secrets
        schedule = key_schedule(self.suite, secrets.joiner_secret, self.zeros, info.group_context.encoded)
        key, nonce = welcome_key_and_nonce(self.suite, schedule.welcome_secret)
        box = self.suite.seal(key, nonce, b"", info.encoded)
        sealed = encrypt_with_label(
            self.suite, self.bundle.key_package.init_key, b"Welcome", box, secrets.encode()
        )
        entry = EncryptedGroupSecrets(self.bundle.ref, *sealed)
        return MLSMessage(Welcome(self.suite.id, (entry,), box)).encode()

    def with_tree(self, change: Callable[[RatchetTree], None]) -> bytes:
        tree = self.after.tree.copy()
        change(tree)
        context = replace(self.after.context, tree_hash=tree.tree_hash(self.suite))
        return self.sealed(
            replace(self.after, tree=tree, context=context).group_info((), with_tree=True, external=False)
        )

    def refused(self, welcome: bytes, rule: ValidationRule, bundle: KeyPackageBundle | None = None) -> None:
        with pytest.raises(ValidationError) as caught:
            Group.join(welcome, bundle or self.bundle, config=CONFIG)
        assert caught.value.rule is rule, caught.value


@pytest.fixture
def forgery(world: World) -> Forgery:
    return Forgery(world)


class TestWelcome:
    def test_sealed_again_unchanged(self, forgery: Forgery) -> None:
        group = Group.join(forgery.sealed(forgery.info()), forgery.bundle, config=CONFIG)
        assert group.epoch_authenticator == forgery.after.secrets.epoch_authenticator

    def test_not_a_welcome(self, forgery: Forgery) -> None:
        forgery.refused(forgery.bundle.message, ValidationRule.FRAMING_WIRE_FORMAT)

    def test_of_another_suite(self, forgery: Forgery) -> None:
        other = MLSMessage(replace(forgery.welcome, suite_id=DEFAULT.id)).encode()
        forgery.refused(other, ValidationRule.WELCOME_SUITE)
        context = replace(forgery.after.context, suite_id=2)
        info = forgery.sign(replace(forgery.info(), group_context=context))
        forgery.refused(forgery.sealed(info), ValidationRule.WELCOME_SUITE)

    def test_for_somebody_else(self, world: World, forgery: Forgery) -> None:
        welcome = MLSMessage(forgery.welcome).encode()
        forgery.refused(welcome, ValidationRule.WELCOME_ADDRESSED, world.bundle("dave"))

    def test_changed_on_its_way(self, forgery: Forgery) -> None:
        box = forgery.welcome.encrypted_group_info
        other = MLSMessage(
            replace(forgery.welcome, encrypted_group_info=box[:-1] + bytes([box[-1] ^ 1]))
        ).encode()
        forgery.refused(other, ValidationRule.WELCOME_SECRETS)

    def test_a_joiner_secret_that_opens_nothing(self, forgery: Forgery) -> None:
        box = forgery.welcome.encrypted_group_info
        secrets = replace(forgery.secrets, joiner_secret=bytes(32)).encode()
        key = forgery.bundle.key_package.init_key
        sealed = encrypt_with_label(forgery.suite, key, b"Welcome", box, secrets)
        entry = EncryptedGroupSecrets(forgery.bundle.ref, *sealed)
        welcome = MLSMessage(Welcome(forgery.suite.id, (entry,), box)).encode()
        forgery.refused(welcome, ValidationRule.WELCOME_SECRETS)

    def test_psks(self, forgery: Forgery) -> None:
        psk = PreSharedKeyID(PSKType.EXTERNAL, bytes(32), b"id")
        twice = replace(forgery.secrets, psks=(psk, psk))
        forgery.refused(forgery.sealed(forgery.info(), twice), ValidationRule.WELCOME_PSK)
        short = replace(forgery.secrets, psks=(replace(psk, nonce=b""),))
        forgery.refused(forgery.sealed(forgery.info(), short), ValidationRule.WELCOME_PSK)
        once = forgery.sealed(forgery.info(), replace(forgery.secrets, psks=(psk,)))
        with pytest.raises(MissingPreSharedKey):
            Group.join(once, forgery.bundle, config=CONFIG)
        with pytest.raises(ValidationError):
            Group.join(once, forgery.bundle, psks={b"id": Secret(b"x")}, config=CONFIG)

    def test_signature(self, forgery: Forgery) -> None:
        info = replace(forgery.info(), signature=bytes(64))
        forgery.refused(forgery.sealed(info), ValidationRule.WELCOME_SIGNATURE)
        nobody = forgery.sign(replace(forgery.info(), signer=LeafIndex(9)))
        forgery.refused(forgery.sealed(nobody), ValidationRule.WELCOME_SIGNATURE)

    def test_tree_hash(self, forgery: Forgery) -> None:
        context = replace(forgery.after.context, tree_hash=bytes(32))
        info = forgery.sign(replace(forgery.info(), group_context=context))
        forgery.refused(forgery.sealed(info), ValidationRule.TREE_HASH)

    def test_confirmation_tag_and_each_of_its_prefixes(self, forgery: Forgery) -> None:
        tag = forgery.info().confirmation_tag
        for spoilt in (bytes(32), *(tag[:length] for length in range(32))):
            info = forgery.sign(replace(forgery.info(), confirmation_tag=spoilt))
            forgery.refused(forgery.sealed(info), ValidationRule.WELCOME_CONFIRMATION)

    def test_path_secret(self, forgery: Forgery) -> None:
        for secret in (bytes(32), b"short"):
            secrets = replace(forgery.secrets, path_secret=secret)
            forgery.refused(forgery.sealed(forgery.info(), secrets), ValidationRule.WELCOME_PATH_SECRET)

    def test_path_secret_kept_back(self, forgery: Forgery) -> None:
        """Else the next commit, sealed to a node whose key the joiner should have, would crash it."""
        secrets = replace(forgery.secrets, path_secret=None)
        forgery.refused(forgery.sealed(forgery.info(), secrets), ValidationRule.WELCOME_PATH_SECRET)

    def test_path_secret_where_the_tree_is_blank(self, world: World) -> None:
        forgery = Forgery(world, force_path=False)
        forgery.after = replace(forgery.after, tree=forgery.after.tree.copy())
        shared = forgery.after.tree.direct_path(LeafIndex(2))[-1]
        tree = forgery.after.tree
        tree.put(shared, None)
        context = replace(forgery.after.context, tree_hash=tree.tree_hash(forgery.suite))
        forgery.after = replace(forgery.after, context=context)
        secrets = replace(forgery.secrets, path_secret=bytes(32))
        with pytest.raises(ValidationError):
            Group.join(forgery.sealed(forgery.info(), secrets), forgery.bundle, config=CONFIG)

    def test_no_leaf_of_ours(self, forgery: Forgery) -> None:
        forgery.refused(
            forgery.with_tree(lambda tree: tree.remove(LeafIndex(2))), ValidationRule.WELCOME_LEAF
        )

    def test_no_tree(self, forgery: Forgery) -> None:
        info = forgery.after.group_info((), with_tree=False, external=False)
        forgery.refused(forgery.sealed(info), ValidationRule.WELCOME_TREE)
        group = Group.join(
            forgery.sealed(info), forgery.bundle, ratchet_tree=forgery.after.tree.encode(), config=CONFIG
        )
        assert group.own_leaf_index == 2

    def test_a_leaf_with_a_foreign_signature(self, world: World, forgery: Forgery) -> None:
        leaf = forgery.after.tree.leaf(LeafIndex(1))
        assert isinstance(leaf, LeafNode)
        other = world.bundle("dave").key_package.leaf_node

        def swap(tree: RatchetTree) -> None:
            tree.update(LeafIndex(1), replace(other, signature=leaf.signature))

        forgery.refused(forgery.with_tree(swap), ValidationRule.LEAF_SIGNATURE)

    def test_a_short_key(self, world: World, forgery: Forgery) -> None:
        bundle = world.bundle("dave")
        leaf = replace(bundle.key_package.leaf_node, encryption_key=b"short")
        leaf = leaf.signed(world.suite, bundle.signature_private_key.reveal())
        forged = forgery.with_tree(lambda tree: tree.update(LeafIndex(1), leaf))
        forgery.refused(forged, ValidationRule.LEAF_PUBLIC_KEY)

    def test_a_short_key_of_a_parent(self, world: World) -> None:
        groups = world.group_of("alice", "bob", "carol")
        state, alice = groups[0]._state, LeafIndex(0)
        tree, leaf = state.tree.copy(), state.tree.leaf(LeafIndex(0))
        assert leaf is not None
        keys = [node.encryption_key for _, node in state.tree.parents()]
        above = put_path(world.suite, tree, alice, [b"short", keys[-1]])
        own = replace(leaf, parent_hash=above, source=LeafNodeSource.COMMIT, lifetime=None)
        own = own.signed(world.suite, state.signature_key_pair.private, b"room", alice)
        tree.put(leaf_node_index(alice), own)
        context = replace(state.context, tree_hash=tree.tree_hash(world.suite))
        info = replace(state, tree=tree, context=context).group_info_message(
            (), with_tree=True, external=True
        )
        with pytest.raises(ValidationError) as caught:
            inspect_group_info(info, suite=world.suite, authentication=CONFIG.authentication)
        assert caught.value.rule is ValidationRule.LEAF_PUBLIC_KEY

    def test_a_leaf_of_too_long_a_lifetime(self, world: World, forgery: Forgery) -> None:
        """Whether it is over is not asked of a leaf in a tree (§7.3), but how long it is in all (§7.2)."""
        for lifetime, rule in (
            (Lifetime(0, CONFIG.max_lifetime), ValidationRule.WELCOME_PATH_SECRET),  # the tree is in order
            (Lifetime(0, CONFIG.max_lifetime + 1), ValidationRule.LEAF_TOTAL_LIFETIME),
        ):
            leaf = world.bundle("dave", lifetime=lifetime).key_package.leaf_node
            forged = forgery.with_tree(lambda tree, leaf=leaf: tree.update(LeafIndex(1), leaf))
            forgery.refused(forged, rule)

    def test_a_founder_where_lifetimes_are_short(self, world: World) -> None:
        world.config = replace(CONFIG, max_lifetime=3600)
        founder = world.create("alice")
        bundle = world.bundle("bob")
        staged = founder.commit(add=[bundle.message], force_path=False, random=os.urandom, now=NOW)
        assert len(Group.join(staged.welcome or b"", bundle, config=world.config).members()) == 2

    def test_more_psks_than_can_be_counted(self, forgery: Forgery) -> None:
        names = (PreSharedKeyID(PSKType.EXTERNAL, n.to_bytes(32, "big"), b"id") for n in range(1 << 16))
        welcome = forgery.sealed(forgery.info(), replace(forgery.secrets, psks=tuple(names)))
        with pytest.raises(ValidationError) as caught:
            Group.join(welcome, forgery.bundle, psks={b"id": Secret(b"x")}, config=CONFIG)
        assert caught.value.rule is ValidationRule.PSK_COUNT

    @pytest.mark.parametrize("epoch", [1 << 62, (1 << 63) - 1, (1 << 64) - 2, (1 << 64) - 1])
    def test_in_an_epoch_that_nobody_reaches(self, forgery: Forgery, epoch: int) -> None:
        """Two commits after the last epoch but one, whoever follows would have no number for the next."""
        context = replace(forgery.after.context, epoch=epoch)
        info = forgery.sign(replace(forgery.info(), group_context=context))
        forgery.refused(forgery.sealed(info), ValidationRule.WELCOME_EPOCH)

    def test_a_tree_that_is_none_and_one_beside(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        nothing = Extension(ExtensionType.RATCHET_TREE, b"")
        info = MLSMessage(alice._state.group_info((nothing,), with_tree=False, external=False)).encode()
        with pytest.raises(DecodingError):
            inspect_group_info(info, suite=world.suite, ratchet_tree=alice.ratchet_tree())

    def test_a_credential_that_is_refused(self, world: World, forgery: Forgery) -> None:
        leaf = world.bundle("mallory").key_package.leaf_node
        forged = forgery.with_tree(lambda tree: tree.update(LeafIndex(1), leaf))
        with pytest.raises(CredentialRefused):
            Group.join(forged, forgery.bundle, config=CONFIG)

    def test_extensions_come_along(self, world: World) -> None:
        note = Extension(0xF00A, b"a secret of the application")
        forgery = Forgery(world, welcome_group_info_extensions=(note,))
        group = Group.join(MLSMessage(forgery.welcome).encode(), forgery.bundle, config=CONFIG)
        assert group.join_extensions == Group.restore(whole(group)).join_extensions == (note,)
        group.merge(group.commit(random=os.urandom, now=NOW))
        assert group.join_extensions == ()
        assert note.data not in b"".join(whole(group).values())
        assert group.member(LeafIndex(9)) is None


class TestExternalJoin:
    def join(self, world: World, info: bytes, **arguments: object) -> object:
        return Group.join_externally(
            info,
            Credential.basic(b"bob"),
            world.keys(),
            suite=world.suite,
            config=CONFIG,
            random=os.urandom,
            **arguments,  # type: ignore[arg-type]
        )

    def test_without_the_external_key(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        with pytest.raises(ValidationError) as caught:
            self.join(world, alice.group_info(external=False))
        assert caught.value.rule is ValidationRule.GROUP_INFO_EXTERNAL

    def test_not_a_group_info(self, world: World) -> None:
        with pytest.raises(ValidationError) as caught:
            self.join(world, world.bundle("x").message)
        assert caught.value.rule is ValidationRule.FRAMING_WIRE_FORMAT

    def test_an_old_leaf_of_somebody_else(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        for leaf in (alice.own_leaf_index, LeafIndex(50)):
            with pytest.raises(MisuseError):
                self.join(world, alice.group_info(), remove=leaf)
        joined = self.join(world, alice.group_info(), remove=bob.own_leaf_index)
        assert joined.own_leaf_index == bob.own_leaf_index  # type: ignore[attr-defined]
        assert joined.epoch == alice.epoch + 1  # type: ignore[attr-defined]
        view = inspect_group_info(joined.group_info(), suite=world.suite)  # type: ignore[attr-defined]
        assert len(view.members) == 2

    def test_in_an_epoch_that_nobody_reaches(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        state = replace(alice._state, context=replace(alice._state.context, epoch=1 << 62))
        with pytest.raises(ValidationError) as caught:
            self.join(world, state.group_info_message((), with_tree=True, external=True))
        assert caught.value.rule is ValidationRule.WELCOME_EPOCH

    def test_a_spoilt_external_key(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        info = alice._state.group_info(
            (Extension(ExtensionType.EXTERNAL_PUB, opaque(bytes(32))),), with_tree=True, external=False
        )
        with pytest.raises(ValidationError) as caught:
            self.join(world, MLSMessage(info).encode())
        assert caught.value.rule is ValidationRule.LEAF_PUBLIC_KEY
