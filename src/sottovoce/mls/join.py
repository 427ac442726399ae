"""Coming into a group: by Welcome, or by an external commit (RFC 9420 §12.4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.commit import EXTERNAL_INIT_CONTEXT, NextEpoch, confirmation_tag
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.credentials import AnyBasicCredential, AuthenticationService, Credential
from sottovoce.mls.epoch import EpochState, Member
from sottovoce.mls.errors import MisuseError, ValidationError
from sottovoce.mls.extensions import Extensions, ExtensionType, find_extension
from sottovoce.mls.external_senders import validate_external_senders
from sottovoce.mls.framing import ContentAuth, FramedContent, MLSMessage, Sender, SenderType, WireFormat
from sottovoce.mls.group_info import GroupContext, GroupInfo, GroupSecrets, Welcome
from sottovoce.mls.key_package import MLS10, KeyPackageBundle, Random, own_capabilities
from sottovoce.mls.key_schedule import (
    interim_transcript_hash,
    key_schedule,
    psk_secret,
    welcome_key_and_nonce,
    welcome_secret,
)
from sottovoce.mls.labels import decrypt_with_label
from sottovoce.mls.nodes import Capabilities, LeafLimits, LeafNode, LeafNodeSource
from sottovoce.mls.presentation import Reader, decode
from sottovoce.mls.proposals import Commit, ExternalInit, PreSharedKey, Proposal, ProposalReference, Remove
from sottovoce.mls.protection import public_message, sign_content
from sottovoce.mls.psks import KnownPSKs
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.self_removal import open_self_removals
from sottovoce.mls.successors import Predecessor, link_in, validate_following, validate_predecessor
from sottovoce.mls.tree_math import LeafIndex
from sottovoce.mls.tree_validation import (
    validate_group_support,
    validate_public_key,
    validate_tree,
    validate_uniqueness,
)
from sottovoce.mls.treekem import NewPath, PathSecrets, PrivateKeys, new_path

if TYPE_CHECKING:
    from sottovoce.mls.group import Group

UNREACHED_EPOCH: Final = 1 << 62
"""No group gets here by commits; well below the 64 bits of an epoch's number, and the 63 of many a store."""


@dataclass(frozen=True)
class Joined:
    """An epoch's state as a new member has it."""

    state: EpochState
    encryption_secret: bytes = field(repr=False)
    group_info_extensions: Extensions
    """Without the ratchet tree, which the state has."""


@dataclass(frozen=True)
class GroupInfoView:
    """What a GroupInfo says once everything in it has been verified but the confirmation tag."""

    group_id: bytes
    epoch: int
    members: tuple[Member, ...]
    extensions: Extensions
    group_info_extensions: Extensions
    signer: Member
    confirmed_transcript_hash: bytes


def _without_tree(extensions: Extensions) -> Extensions:
    return tuple(one for one in extensions if one.extension_type != ExtensionType.RATCHET_TREE)


def open_group_info(
    group_info: GroupInfo,
    suite: CipherSuite,
    ratchet_tree: bytes | None,
    authentication: AuthenticationService,
    *,
    limits: LeafLimits | None = None,
) -> tuple[RatchetTree, Member]:
    """Verify a GroupInfo and its tree (§12.4.3.1); returns the tree and the signer.

    ``ratchet_tree`` is the encoded tree where the GroupInfo does not carry it. No ``limits`` are held against
    leaves that are only looked at. Raises ``ValidationError``.
    """
    context = group_info.group_context
    # §12.4.3.1: version and cipher suite are those of the joiner's key package.
    if context.version != MLS10 or context.suite_id != suite.id:
        raise ValidationError(ValidationRule.WELCOME_SUITE, f"suite {context.suite_id:#06x}")
    # §8.1: an epoch's number has eight bytes, and each commit adds one. Nobody commits so often: whoever says
    # so means to bring the group to a commit after which there is no number.
    if context.epoch >= UNREACHED_EPOCH:
        raise ValidationError(ValidationRule.WELCOME_EPOCH)
    data = find_extension(group_info.extensions, ExtensionType.RATCHET_TREE)
    if data is None:
        data = ratchet_tree
    if data is None:
        raise ValidationError(ValidationRule.WELCOME_TREE)
    tree = RatchetTree.decode(data)
    signer = tree.leaf(group_info.signer)
    # §12.4.3.1: "Verify the signature on the GroupInfo object"; the signer's leaf must not be blank.
    if signer is None or not group_info.verify(suite, signer.signature_key):
        raise ValidationError(ValidationRule.WELCOME_SIGNATURE)
    # §12.4.3.1: "Verify that the tree hash of the ratchet tree matches the tree_hash field".
    if tree.tree_hash(suite) != context.tree_hash:
        raise ValidationError(ValidationRule.TREE_HASH)
    validate_tree(tree, suite, context.group_id, context.extensions, authentication, limits=limits)
    validate_external_senders(context.extensions, (), authentication)
    return tree, Member.at(group_info.signer, signer)


def read_group_info(data: bytes) -> GroupInfo:
    """Read an MLSMessage that must hold a GroupInfo; raises ``DecodingError`` or ``ValidationError`` F09."""
    body = MLSMessage.decode(data).body
    if not isinstance(body, GroupInfo):
        raise ValidationError(ValidationRule.FRAMING_WIRE_FORMAT, "a GroupInfo is wanted")
    return body


def inspect_group_info(
    group_info: bytes,
    *,
    suite: CipherSuite,
    ratchet_tree: bytes | None = None,
    authentication: AuthenticationService | None = None,
) -> GroupInfoView:
    """Verify a GroupInfo and show what it says, before joining with it. Raises ``MLSPeerError``."""
    read = read_group_info(group_info)
    tree, signer = open_group_info(read, suite, ratchet_tree, authentication or AnyBasicCredential())
    context = read.group_context
    return GroupInfoView(
        context.group_id,
        context.epoch,
        tuple(Member.at(index, leaf) for index, leaf in tree.members()),
        context.extensions,
        _without_tree(read.extensions),
        signer,
        context.confirmed_transcript_hash,
    )


# -- by Welcome (§12.4.3.1) ------------------------------------------------------------------------------


def _open_secrets(welcome: Welcome, bundle: KeyPackageBundle) -> GroupSecrets:
    suite, reference = bundle.suite, bundle.ref
    # §12.4.3.1: the cipher suite must be the key package's. A room never changes its suite.
    if welcome.suite_id != suite.id:
        raise ValidationError(ValidationRule.WELCOME_SUITE, f"suite {welcome.suite_id:#06x}")
    entry = welcome.secrets_for(reference)
    if entry is None:
        raise ValidationError(ValidationRule.WELCOME_ADDRESSED)
    private = bundle.init_private_key.reveal()
    try:
        octets = decrypt_with_label(
            suite, private, b"Welcome", welcome.encrypted_group_info, (entry.kem_output, entry.ciphertext)
        )
    except DecryptionError as error:
        raise ValidationError(ValidationRule.WELCOME_SECRETS, "the group secrets") from error
    secrets = decode(GroupSecrets.read, octets)
    psks = secrets.psks
    if len(set(psks)) != len(psks) or any(len(psk.nonce) != suite.secret_length for psk in psks):
        raise ValidationError(ValidationRule.WELCOME_PSK)
    return secrets


def _decrypt_group_info(welcome: Welcome, suite: CipherSuite, secret: bytes) -> GroupInfo:
    key, nonce = welcome_key_and_nonce(suite, secret)
    try:
        octets = suite.open(key, nonce, b"", welcome.encrypted_group_info)
    except DecryptionError as error:
        raise ValidationError(ValidationRule.WELCOME_SECRETS, "the GroupInfo") from error
    return decode(GroupInfo.read, octets)


def join_by_welcome(
    welcome: Welcome,
    bundle: KeyPackageBundle,
    *,
    known: KnownPSKs,
    predecessor: Predecessor | None,
    ratchet_tree: bytes | None,
    config: GroupConfig,
) -> Joined:
    """Work out the state of the epoch a Welcome leads to. Raises ``MLSPeerError`` (§12.4.3.1)."""
    suite = bundle.suite
    secrets = _open_secrets(welcome, bundle)
    link = link_in(secrets.psks)
    validate_predecessor(link, predecessor)
    combined = psk_secret(suite, known.find(secrets.psks))
    group_info = _decrypt_group_info(welcome, suite, welcome_secret(suite, secrets.joiner_secret, combined))
    tree, signer = open_group_info(
        group_info, suite, ratchet_tree, config.authentication, limits=config.leaf_limits
    )
    own = _find_own_leaf(tree, bundle.key_package.leaf_node)
    context = group_info.group_context
    if link is not None and predecessor is not None:
        credentials = [leaf.credential for _, leaf in tree.members()]
        validate_following(link, predecessor, context, credentials, config.authentication)
    private_keys = {tree_math.leaf_node_index(own): bundle.encryption_private_key.reveal()}
    if secrets.path_secret is not None:
        private_keys |= _path_keys(suite, tree, own, signer.leaf_index, secrets.path_secret)
    _validate_own_path(tree, own, private_keys)
    schedule = key_schedule(suite, secrets.joiner_secret, combined, context.encoded)
    # §12.4.3.1: "Verify the confirmation tag in the GroupInfo using the derived confirmation key".
    confirmed, tag = context.confirmed_transcript_hash, group_info.confirmation_tag
    if not suite.verify_mac(schedule.secrets.confirmation_key, confirmed, tag):
        raise ValidationError(ValidationRule.WELCOME_CONFIRMATION)
    state = EpochState(
        suite,
        context,
        tree,
        own,
        KeyPair(bundle.signature_private_key.reveal(), bundle.key_package.leaf_node.signature_key),
        private_keys,
        schedule.secrets,
        interim_transcript_hash(suite, confirmed, tag),
        tag,
    )
    return Joined(state, schedule.encryption_secret, _without_tree(group_info.extensions))


def _find_own_leaf(tree: RatchetTree, own: LeafNode) -> LeafIndex:
    for index, leaf in tree.members():
        if leaf.signature_key == own.signature_key and leaf.encoded == own.encoded:
            return index
    raise ValidationError(ValidationRule.WELCOME_LEAF)


def _path_keys(
    suite: CipherSuite, tree: RatchetTree, own: LeafIndex, signer: LeafIndex, path_secret: bytes
) -> dict[tree_math.NodeIndex, bytes]:
    """Derive the keys above us from a Welcome's path secret (§12.4.3.1)."""
    if own == signer or len(path_secret) != suite.secret_length:
        raise ValidationError(ValidationRule.WELCOME_PATH_SECRET)
    at = tree_math.leaf_node_index(signer)
    shared = [index for index in tree.direct_path(own) if tree_math.is_below(at, index)]
    nodes = [(index, node) for index in shared if (node := tree.parent_node(index)) is not None]
    # The secret belongs to the lowest node above both, so that one is not blank.
    if not nodes or nodes[0][0] != shared[0]:
        raise ValidationError(ValidationRule.WELCOME_PATH_SECRET)
    pairs = PathSecrets.derive(suite, path_secret, len(nodes)).key_pairs
    if any(pair.public != node.encryption_key for pair, (_, node) in zip(pairs, nodes, strict=True)):
        raise ValidationError(ValidationRule.WELCOME_PATH_SECRET)
    return {index: pair.private for pair, (index, _) in zip(pairs, nodes, strict=True)}


def _validate_own_path(tree: RatchetTree, own: LeafIndex, private_keys: PrivateKeys) -> None:
    """Check that we have the key of each node whose key is said to be known below it (§4.2, §12.4.3.1).

    Without one that a lying committer kept back, no later commit that is sealed to it could be opened.
    """
    for index in tree.direct_path(own):
        node = tree.parent_node(index)
        if node is not None and own not in node.unmerged_leaves and index not in private_keys:
            raise ValidationError(ValidationRule.WELCOME_PATH_SECRET, f"no secret for node {index}")


# -- by external commit (§12.4.3.2) ----------------------------------------------------------------------


@dataclass(frozen=True)
class StagedJoin:
    """An external commit to send, and the group as it is once the commit is accepted."""

    commit: bytes = field(repr=False)
    group: Group

    @property
    def epoch(self) -> int:
        """Number of the epoch that begins."""
        return self.group.epoch

    @property
    def own_leaf_index(self) -> LeafIndex:
        """Leaf of the joiner."""
        return self.group.own_leaf_index

    def group_info(
        self, extensions: Extensions = (), *, with_tree: bool = True, external: bool = True
    ) -> bytes:
        """Return a signed GroupInfo of the epoch that begins, as an MLSMessage."""
        return self.group.group_info(extensions, with_tree=with_tree, external=external)


@dataclass(frozen=True)
class Joiner:
    """Who joins externally: the leaf to be, its keys, and an old leaf to remove with it."""

    credential: Credential
    signature_key_pair: KeyPair
    remove: LeafIndex | None
    capabilities: Capabilities | None
    leaf_extensions: Extensions
    psks: KnownPSKs
    self_removals: Sequence[bytes]


def join_by_external_commit(
    group_info: GroupInfo,
    joiner: Joiner,
    *,
    suite: CipherSuite,
    ratchet_tree: bytes | None,
    authenticated_data: bytes,
    config: GroupConfig,
    random: Random,
) -> tuple[bytes, Joined]:
    """Work out an external commit; returns its PublicMessage and the state it leads to (§12.4.3.2).

    Raises ``PeerError`` for the GroupInfo, ``MisuseError`` for an old leaf that is not the joiner's.
    """
    tree, _ = open_group_info(
        group_info, suite, ratchet_tree, config.authentication, limits=config.leaf_limits
    )
    context = group_info.group_context
    kem_output, init_secret = _external_init(suite, group_info)
    identifiers = joiner.psks.named(suite, random)
    combined = psk_secret(suite, joiner.psks.find(identifiers))
    removals = _remove_leavers(suite, tree, context, joiner, config)
    own, path = _place_joiner(suite, tree, context, joiner, random)
    coming = NextEpoch(tree, context.extensions, init_secret, path.secrets.commit_secret, combined)
    provisional = coming.provisional_context(context, suite).encoded
    proposals = (ExternalInit(kem_output), *map(PreSharedKey, identifiers), *removals)
    commit = Commit(proposals, path.encrypt(suite, tree, provisional, []))
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    content = FramedContent(context.group_id, context.epoch, sender, authenticated_data, commit)
    key_pair = joiner.signature_key_pair
    signed = sign_content(suite, key_pair.private, WireFormat.PUBLIC_MESSAGE, content, context.encoded)
    interim = interim_transcript_hash(suite, context.confirmed_transcript_hash, group_info.confirmation_tag)
    new, schedule = coming.schedule(suite, context, interim, signed)
    tag = confirmation_tag(suite, schedule, new)
    signed = replace(signed, auth=ContentAuth(signed.auth.signature, tag))
    state = EpochState(
        suite,
        new,
        tree,
        own,
        key_pair,
        path.private_keys,
        schedule.secrets,
        interim_transcript_hash(suite, new.confirmed_transcript_hash, tag),
        tag,
    )
    # §6.2: an external joiner has no membership key, and its message no membership tag.
    message = MLSMessage(public_message(suite, b"", signed, context.encoded)).encode()
    return message, Joined(state, schedule.encryption_secret, _without_tree(group_info.extensions))


def _external_init(suite: CipherSuite, group_info: GroupInfo) -> tuple[bytes, bytes]:
    """Choose the next epoch's init secret; returns (KEM output, secret) (§8.3)."""
    data = find_extension(group_info.extensions, ExtensionType.EXTERNAL_PUB)
    if data is None or group_info.group_context.epoch == 0:
        raise ValidationError(ValidationRule.GROUP_INFO_EXTERNAL)
    external_pub = decode(Reader.opaque, data)
    validate_public_key(suite, external_pub)
    return suite.hpke_export_to(external_pub, b"", EXTERNAL_INIT_CONTEXT, suite.secret_length)


def _remove_leavers(
    suite: CipherSuite, tree: RatchetTree, context: GroupContext, joiner: Joiner, config: GroupConfig
) -> list[Proposal | ProposalReference]:
    """Take out of ``tree`` who leaves and the joiner's old leaf; returns what the commit says of them."""
    proposals: list[Proposal | ProposalReference] = []
    for reference, index in open_self_removals(joiner.self_removals, suite, context, tree).items():
        tree.remove(index)
        proposals.append(ProposalReference(reference))
    if joiner.remove is not None:
        _remove_old_leaf(tree, joiner, config)
        proposals.append(Remove(joiner.remove))
    return proposals


def _place_joiner(
    suite: CipherSuite, tree: RatchetTree, context: GroupContext, joiner: Joiner, random: Random
) -> tuple[LeafIndex, NewPath]:
    """Put the joiner's leaf and path into ``tree``; returns where, and the path."""
    encryption = suite.derive_key_pair(random(suite.secret_length))
    template = LeafNode(
        encryption.public,
        joiner.signature_key_pair.public,
        joiner.credential,
        joiner.capabilities or own_capabilities(suite, joiner.credential, random),
        LeafNodeSource.COMMIT,
        joiner.leaf_extensions,
        b"",
        None,
        b"",
    )
    own = tree.add(template)
    path = new_path(
        suite,
        tree,
        own,
        template,
        encryption=encryption,
        path_secret=random(suite.secret_length),
        group_id=context.group_id,
        signature_private_key=joiner.signature_key_pair.private,
    )
    validate_uniqueness(tree)
    validate_group_support(tree, suite, context.extensions, [own])
    return own, path


def _remove_old_leaf(tree: RatchetTree, joiner: Joiner, config: GroupConfig) -> None:
    index = joiner.remove
    old = None if index is None else tree.leaf(index)
    if (
        index is None
        or old is None
        or not config.authentication.same_client(old.credential, joiner.credential)
    ):
        raise MisuseError("the leaf to remove is not an older one of this client: look it up in the roster")
    tree.remove(index)


def context_of_new_group(
    suite: CipherSuite, group_id: bytes, tree: RatchetTree, extensions: Extensions
) -> GroupContext:
    """Return the GroupContext of a group's first epoch (RFC 9420 §11)."""
    return GroupContext(MLS10, suite.id, group_id, 0, tree.tree_hash(suite), b"", extensions)
