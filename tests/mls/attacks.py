"""What malicious members and a malicious server do to a member who is in the attacker's epoch.

Each attack yields messages, and for each the rules or errors it may be refused by, mostly one. What is
refused does not go into the service's log, so the room goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mls_world import NOW, commit_of, insider, taken_apart
from welcome_parts import group_info_key, parts_of, welcome_of

from sottovoce.crypto.secret import Secret
from sottovoce.mls import (
    Credential,
    CredentialRefused,
    Group,
    KeyConsumed,
    KeyPackage,
    LeafIndex,
    Lifetime,
    OwnMessage,
    UndecryptableMessage,
    ValidationRule,
    WrongEpoch,
    generate_key_package,
    inspect_group_info,
    propose_own_addition,
)
from sottovoce.mls.framing import FramedContent, MLSMessage, PrivateMessage, Sender, WireFormat
from sottovoce.mls.group_info import GroupInfo, GroupSecrets
from sottovoce.mls.nodes import LeafNode
from sottovoce.mls.proposals import (
    Add,
    Commit,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    ProposalReference,
    PSKType,
    ReInit,
    Remove,
    Update,
    UpdatePath,
)
from sottovoce.mls.protection import encrypt_content, sign_content
from sottovoce.mls.secret_tree import APPLICATION

if TYPE_CHECKING:
    from simulation import Person, Room

Why = ValidationRule | type[Exception]
Attack = Iterator[tuple[bytes, tuple[Why, ...]]]
RULE = ValidationRule
PSKS = {b"join": Secret(b"\x07" * 32)}
"""What whoever belongs to the room knows, and injects into its commits."""
Lie = Iterator[tuple[Callable[[], object], tuple[Why, ...]]]


def flipped(data: bytes, at: int = -1) -> bytes:
    spoilt = bytearray(data)
    spoilt[at] ^= 1
    return bytes(spoilt)


# -- by a member -----------------------------------------------------------------------------------------


def proposals_it_may_not_commit(room: Room, attacker: Person, _: Person) -> Attack:
    """By value, signed and encrypted as they should be (§12.2)."""
    group = attacker.group
    own = group._state.tree.leaf(group.own_leaf_index)
    assert own is not None
    psk = PreSharedKeyID(PSKType.EXTERNAL, room.random(group.suite.secret_length), b"join")
    nothing, reinit = GroupContextExtensions(()), ReInit(b"another room", 1, group.suite.id, ())
    for commit, rule in (
        (commit_of(), RULE.PROPOSAL_PATH),
        (commit_of(nothing), RULE.PROPOSAL_PATH),
        (commit_of(nothing, nothing), RULE.PROPOSAL_EXTENSIONS_ONCE),
        (commit_of(Remove(group.own_leaf_index)), RULE.PROPOSAL_OWN_UPDATE),
        (commit_of(Remove(LeafIndex(0xFFFF))), RULE.PROPOSAL_REMOVE_MEMBER),
        (commit_of(Update(own)), RULE.PROPOSAL_OWN_UPDATE),
        (commit_of(ExternalInit(b"k" * 32)), RULE.PROPOSAL_ALLOWED),
        (commit_of(PreSharedKey(psk), PreSharedKey(psk)), RULE.PROPOSAL_PSK_ONCE),
        (commit_of(PreSharedKey(replace(psk, nonce=b"short"))), RULE.PROPOSAL_PSK_FORM),
        (commit_of(replace(reinit, version=0)), RULE.PROPOSAL_REINIT_VERSION),
        (
            commit_of(PreSharedKey(psk), ReInit(b"another room", 1, group.suite.id, ())),
            RULE.PROPOSAL_REINIT_ALONE,
        ),
        (commit_of(ProposalReference(room.random(group.suite.hash_length))), RULE.PROPOSAL_KNOWN),
    ):
        yield insider(group, commit), (rule,)


def key_packages_that_are_not_valid(room: Room, attacker: Person, _: Person) -> Attack:
    """Added by a commit that is itself in order (§10.1, §7.3)."""
    group = attacker.group
    whole = room.world.bundle("stranger").key_package
    expired = generate_key_package(
        group.suite,
        Credential.basic(b"late"),
        room.world.keys(),
        lifetime=Lifetime(NOW - 20, NOW - 10),
        random=room.random,
    ).key_package
    twin = generate_key_package(
        group.suite,
        Credential.basic(b"twin"),
        group._state.signature_key_pair,
        lifetime=Lifetime(NOW - 10, NOW + 10),
        random=room.random,
    ).key_package
    refused = generate_key_package(
        group.suite,
        Credential.basic(b"mallory"),
        room.world.keys(),
        lifetime=Lifetime(NOW - 10, NOW + 10),
        random=room.random,
    ).key_package
    leaf = whole.leaf_node
    other_suite = replace(whole, suite_id=2)
    packages: list[tuple[KeyPackage, Why]] = [
        (expired, RULE.LEAF_LIFETIME),
        (twin, RULE.LEAF_SIGNATURE_KEY_UNIQUE),
        (refused, CredentialRefused),
        (other_suite, RULE.KEY_PACKAGE_SUITE),
        (replace(whole, signature=flipped(whole.signature)), RULE.KEY_PACKAGE_SIGNATURE),
        (replace(whole, leaf_node=replace(leaf, signature=flipped(leaf.signature))), RULE.LEAF_SIGNATURE),
    ]
    for package, why in packages:
        yield insider(group, commit_of(Add(package))), (why,)


def a_path_that_does_not_fit(room: Room, attacker: Person, _: Person) -> Attack:
    """Of an honest commit, spoilt and signed again (§7.5, §7.6, §12.4.2)."""
    group = attacker.group
    commit = taken_apart(group, include_pending=False)
    path, old = commit.path, group._state.tree.leaf(group.own_leaf_index)
    assert path is not None
    assert old is not None

    def signed(leaf: LeafNode) -> UpdatePath:
        key = group._state.signature_key_pair.private
        again = leaf.signed(group.suite, key, group.group_id, group.own_leaf_index)
        return replace(path, leaf_node=again)

    leaf, first = path.leaf_node, path.nodes[0]
    sealed = tuple((kem, flipped(text)) for node in path.nodes for kem, text in node.encrypted_path_secret)
    counts = [len(node.encrypted_path_secret) for node in path.nodes]
    starts = [sum(counts[:at]) for at in range(len(counts))]
    garbage = tuple(
        replace(node, encrypted_path_secret=sealed[start : start + count])
        for node, start, count in zip(path.nodes, starts, counts, strict=True)
    )
    fewer = replace(first, encrypted_path_secret=tuple(first.encrypted_path_secret)[:-1])
    spoilt: list[tuple[UpdatePath, Why]] = [
        (replace(path, nodes=garbage), UndecryptableMessage),
        (replace(path, nodes=(fewer, *path.nodes[1:])), RULE.PATH_CIPHERTEXTS),
        (replace(path, nodes=path.nodes[:-1]), RULE.PATH_LENGTH),
        (replace(path, nodes=(*path.nodes, first)), RULE.PATH_KEYS),
        (signed(replace(leaf, parent_hash=flipped(leaf.parent_hash or b"\0"))), RULE.PATH_PARENT_HASH),
        (signed(replace(leaf, encryption_key=old.encryption_key)), RULE.LEAF_KEY_FRESH),
        (signed(replace(leaf, credential=Credential.basic(b"another"))), RULE.CREDENTIAL_SUCCESSOR),
        (replace(path, leaf_node=replace(leaf, signature=flipped(leaf.signature))), RULE.LEAF_SIGNATURE),
        (path, RULE.FRAMING_CONFIRMATION),
    ]
    for one, why in spoilt:
        yield insider(group, Commit(commit.proposals, one)), (why,)


def messages_that_are_not_its_own(room: Room, attacker: Person, victim: Person) -> Attack:
    """Signed with another key, under another leaf, or for another group, epoch or way (§6)."""
    group, stranger = attacker.group, room.world.keys()
    yield insider(group, b"text", key=stranger.private), (RULE.FRAMING_SIGNATURE,)
    yield insider(group, commit_of(), key=stranger.private), (RULE.FRAMING_SIGNATURE,)
    yield insider(group, b"text", group_id=b"another room"), (RULE.FRAMING_GROUP,)
    yield insider(group, b"text", epoch=group.epoch + 1), (WrongEpoch,)
    yield insider(group, commit_of(), public=True), (RULE.FRAMING_MEMBER_ENCRYPTS,)
    yield insider(group, b"text", public=True), (RULE.FRAMING_APPLICATION_ENCRYPTED,)
    outsider = Sender.member(LeafIndex(0xFFFF))
    yield insider(group, b"text", sender=outsider), (RULE.FRAMING_SIGNATURE,)
    for leaf in {one.leaf_index for one in group.members()} - {group.own_leaf_index}:
        yield under_a_stolen_leaf(room, group, leaf), (RULE.FRAMING_SIGNATURE, KeyConsumed, OwnMessage)
    yield under_a_stolen_leaf(room, group, LeafIndex(0xFFFF)), (RULE.FRAMING_SENDER,)


def under_a_stolen_leaf(room: Room, group: Group, leaf: LeafIndex) -> bytes:
    """Encrypt with the next key of somebody else, whose message then finds it used or not (§6.3.2)."""
    state = group._state
    framed = FramedContent(group.group_id, group.epoch, Sender.member(leaf), b"", b"text")
    key = state.signature_key_pair.private
    signed = sign_content(group.suite, key, WireFormat.PRIVATE_MESSAGE, framed, state.context.encoded)
    tree = group._epochs[group.epoch].secret_tree
    within = leaf < state.tree.leaf_count
    step = tree.plan_next(leaf if within else group.own_leaf_index, APPLICATION)
    message = encrypt_content(
        group.suite,
        signed,
        replace(step, leaf=leaf),
        state.secrets.sender_data_secret,
        reuse_guard=room.random(4),
        padded_length=lambda length: length,
    )
    return MLSMessage(message).encode()


def proposals_it_may_not_make(room: Room, attacker: Person, _: Person) -> Attack:
    """What nobody may propose, and what this room does not do (§12.1)."""
    group = attacker.group
    yield insider(group, ExternalInit(b"k" * 32)), (RULE.PROPOSAL_ALLOWED,)
    bundle = room.world.bundle("stranger")
    wanted = propose_own_addition(bundle, group_id=group.group_id, epoch=group.epoch)
    yield wanted, (RULE.PROPOSAL_OUTSIDERS_ACCEPTED,)


# -- by the server, or a stranger ------------------------------------------------------------------------


def what_was_read_before(room: Room, _: Person, victim: Person) -> Attack:
    """The whole log again, as far as the victim has read it."""
    again = (WrongEpoch, KeyConsumed, OwnMessage)
    for entry in room.log[: victim.position][-6:]:
        yield entry.message, (*again, RULE.FRAMING_SIGNATURE, UndecryptableMessage)


def what_was_changed_on_its_way(room: Room, attacker: Person, victim: Person) -> Attack:
    """One bit of an honest message's parts."""
    data = attacker.group.encrypt(b"text", random=room.random).message
    body = MLSMessage.decode(data).body
    assert isinstance(body, PrivateMessage)
    for spoilt in (
        replace(body, ciphertext=flipped(body.ciphertext)),
        replace(body, encrypted_sender_data=flipped(body.encrypted_sender_data)),
        replace(body, authenticated_data=b"x"),
    ):
        yield MLSMessage(spoilt).encode(), (UndecryptableMessage,)
    yield MLSMessage(replace(body, epoch=victim.group.epoch + 1)).encode(), (WrongEpoch,)
    yield victim.group.group_info(), (RULE.FRAMING_WIRE_FORMAT,)


def a_join_that_lies(room: Room, attacker: Person, victim: Person) -> Attack:
    """An external commit of somebody who does not know the key, or who was given an old GroupInfo."""
    wrong = {b"join": Secret(b"wrong")}
    infos = [(attacker.group.group_info(), wrong, RULE.FRAMING_CONFIRMATION)]
    if room.old_group_info is not None and room.old_group_info[0] != victim.group.epoch:
        infos.append((room.old_group_info[1], PSKS, WrongEpoch))
    for info, psks, why in infos:
        join = Group.join_externally(
            info,
            Credential.basic(b"stranger"),
            room.world.keys(),
            suite=room.world.suite,
            psks=psks,
            config=attacker.group._config,
            random=room.random,
        )
        yield join.commit, (why,)


def what_another_room_says(room: Room, attacker: Person, victim: Person) -> Attack:
    """What is said in a room of the name that this one began with, and of its epoch: the secrets differ."""
    other = type(room.world)(room.world.suite, attacker.group._config, draw=room.world.draw)
    stranger, _ = other.group_of("stranger", "friend")
    while stranger.epoch < victim.group.epoch:
        stranger.merge(stranger.commit(random=room.random, now=NOW))
    why = (
        RULE.FRAMING_GROUP if victim.group.group_id != stranger.group_id else UndecryptableMessage,
        WrongEpoch,
    )
    yield stranger.encrypt(b"text", random=room.random).message, why
    yield stranger.commit(random=room.random, now=NOW).message, why


ATTACKS: tuple[Callable[[Room, Person, Person], Attack], ...] = (
    proposals_it_may_not_commit,
    key_packages_that_are_not_valid,
    a_path_that_does_not_fit,
    messages_that_are_not_its_own,
    proposals_it_may_not_make,
    what_was_read_before,
    what_was_changed_on_its_way,
    a_join_that_lies,
    what_another_room_says,
)


# -- to somebody who wants in ----------------------------------------------------------------------------


def lies_to_a_joiner(room: Room, attacker: Person) -> Lie:
    """GroupInfos and Welcomes that a member made and signed, and that are not true (§12.4.3)."""
    group, suite, config = attacker.group, attacker.group.suite, attacker.group._config
    key = group._state.signature_key_pair.private
    bundle = room.world.bundle("stranger")
    staged = group.commit(add=[bundle.message], psks=PSKS, include_pending=False, random=room.random, now=NOW)
    assert staged.welcome is not None
    secrets, info = parts_of(staged.welcome, bundle, PSKS)
    sealing = group_info_key(suite, secrets, PSKS)
    external = MLSMessage.decode(group.group_info()).body
    assert isinstance(external, GroupInfo)

    def welcome(spoilt: GroupInfo, inside: GroupSecrets = secrets) -> Callable[[], object]:
        message = welcome_of(bundle, inside.encode(), spoilt.encoded, sealing)
        return lambda: Group.join(message, bundle, psks=PSKS, config=config)

    def inspected(spoilt: GroupInfo) -> Callable[[], object]:
        message = MLSMessage(spoilt).encode()
        return lambda: inspect_group_info(message, suite=suite, authentication=config.authentication)

    def with_context(one: GroupInfo, **changes: Any) -> GroupInfo:
        return replace(one, group_context=replace(one.group_context, **changes)).signed(suite, key)

    for one, judge in ((info, welcome), (external, inspected)):
        context = one.group_context
        another_tree = with_context(one, tree_hash=flipped(context.tree_hash))
        yield judge(another_tree), (RULE.TREE_HASH,)
        yield judge(with_context(one, suite_id=2)), (RULE.WELCOME_SUITE,)
        yield judge(with_context(one, group_id=b"another room")), (RULE.LEAF_SIGNATURE,)
        yield judge(replace(one, signature=flipped(one.signature))), (RULE.WELCOME_SIGNATURE,)
        yield judge(replace(one, signer=LeafIndex(0xFFFF)).signed(suite, key)), (RULE.WELCOME_SIGNATURE,)
    tag = flipped(info.confirmation_tag)
    yield welcome(replace(info, confirmation_tag=tag).signed(suite, key)), (RULE.WELCOME_CONFIRMATION,)
    yield welcome(with_context(info, epoch=info.group_context.epoch + 1)), (RULE.WELCOME_CONFIRMATION,)
    wrong_path = replace(secrets, path_secret=b"w" * suite.secret_length)
    yield welcome(info, wrong_path), (RULE.WELCOME_PATH_SECRET,)
    yield welcome(info, replace(secrets, joiner_secret=b"w" * suite.secret_length)), (RULE.WELCOME_SECRETS,)
    yield welcome(info, replace(secrets, psks=())), (RULE.WELCOME_SECRETS,)
