"""Every decoder of ``sottovoce.mls``: what travels, what is inside it, what is stored."""

from __future__ import annotations

import random
from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import Any

from mls_world import CONFIG, NOW, World, taken_apart, whole
from target import Target, canonical

from sottovoce.errors import LocalError, PeerError
from sottovoce.mls import (
    Capabilities,
    Credential,
    DecodingError,
    Extension,
    ExternalSender,
    ExternalSenders,
    Group,
    KeyPackage,
    KeyPackageBundle,
    MLSPeerError,
    RequiredCapabilities,
)
from sottovoce.mls.extensions import encode_extensions, read_extensions
from sottovoce.mls.framing import AuthenticatedContent, MLSMessage
from sottovoce.mls.group_info import GroupContext, GroupInfo, GroupSecrets, Welcome
from sottovoce.mls.nodes import LeafNode, ParentNode
from sottovoce.mls.presentation import Reader, decode
from sottovoce.mls.proposals import (
    Commit,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ProposalReference,
    PSKType,
    ReInit,
    Remove,
    ResumptionUsage,
    UpdatePath,
    encode_proposal,
    read_proposal,
)
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import LeafIndex

ENCODED, ENCODE = attrgetter("encoded"), methodcaller("encode")
PSKS = (
    PreSharedKeyID(PSKType.EXTERNAL, b"n" * 32, b"the key"),
    PreSharedKeyID(PSKType.RESUMPTION, b"n" * 32, b"", ResumptionUsage.BRANCH, b"room", 7),
)
CHAIN = Credential.x509((b"one", b"another" * 20))
EXTENSIONS = (RequiredCapabilities((0xFF01,), (0x0A0A,), (1, 2)).extension(), Extension(0xFF01, b"data"))


def structure(
    name: str,
    read: Callable[[Reader], Any],
    encode: Callable[[Any], bytes],
    *values: object,
    refused: tuple[type[Exception], ...] = (DecodingError,),
    weight: int = 1,
) -> Target:
    """Return the target of one structure: its valid encodings are those of ``values``."""
    reader = canonical(lambda data: decode(read, data), encode)
    return Target(name, reader, [encode(value) for value in values], refused, weight)


def targets() -> list[Target]:
    """Return one target for each decoder."""
    draw = random.Random(9420).randbytes
    world = World()
    alice, bob, _ = world.group_of("alice", "bob", "carol")
    bundle = world.bundle("dave")
    leaf = bundle.key_package.leaf_node
    staged = alice.commit(
        add=[bundle.message], group_context_extensions=(), authenticated_data=b"aad", random=draw, now=NOW
    )
    commit = taken_apart(alice, add=[bundle.message], remove=[LeafIndex(2)])
    assert commit.path is not None
    proposals = kinds_of_proposal(alice, bundle.key_package)
    entries = (*proposals, ProposalReference(b"r" * 32))
    joins = Group.join_externally(
        bob.group_info(), Credential.basic(b"x"), world.keys(), suite=world.suite, config=CONFIG, random=draw
    )
    messages = [
        staged.message,
        staged.welcome or b"",
        alice.encrypt(b"text", random=draw).message,
        alice.propose_update(random=draw).message,
        alice.group_info(),
        bundle.message,
        joins.commit,
    ]
    bodies = [MLSMessage.decode(message).body for message in messages]
    info = next(body for body in bodies if isinstance(body, GroupInfo))
    tree = alice._state.tree
    public = MLSMessage.decode(joins.commit).body.authenticated()  # type: ignore[union-attr]
    message = canonical(MLSMessage.decode, ENCODE)
    both = (DecodingError, MLSPeerError)
    return [
        Target("mls message", message, messages, (DecodingError,), 4),
        Target("mls key package", key_package, [bundle.message], (PeerError,)),
        structure("mls welcome", Welcome.read, ENCODED, *(one for one in bodies if isinstance(one, Welcome))),
        structure("mls group info", GroupInfo.read, ENCODED, info),
        structure("mls group context", GroupContext.read, ENCODED, info.group_context),
        structure(
            "mls group secrets",
            GroupSecrets.read,
            ENCODE,
            GroupSecrets(b"j" * 32, b"p" * 32, PSKS),
            GroupSecrets(b"j" * 32, None, ()),
        ),
        structure("mls ratchet tree", RatchetTree.read, ENCODE, tree, refused=both, weight=4),
        structure("mls commit", Commit.read, ENCODED, commit, Commit(entries, None), weight=2),
        structure("mls proposal", read_proposal, encode_proposal, *proposals, weight=2),
        structure("mls update path", UpdatePath.read, ENCODED, commit.path),
        structure("mls leaf node", LeafNode.read, ENCODED, leaf, commit.path.leaf_node, weight=2),
        structure("mls parent node", ParentNode.read, ENCODED, *(node for _, node in tree.parents())),
        structure("mls capabilities", Capabilities.read, ENCODE, leaf.capabilities),
        structure("mls extensions", read_extensions, encode_extensions, EXTENSIONS),
        structure("mls required capabilities", RequiredCapabilities.read, ENCODE, RequiredCapabilities((1,))),
        structure("mls credential", Credential.read, ENCODE, Credential.basic(b"alice"), CHAIN),
        structure(
            "mls external senders",
            ExternalSenders.read,
            ENCODE,
            ExternalSenders((ExternalSender(b"k" * 32, Credential.basic(b"bot")),) * 2),
        ),
        structure("mls psk id", PreSharedKeyID.read, ENCODE, *PSKS),
        structure("mls authenticated content", AuthenticatedContent.read, ENCODE, public),
        Target(
            "mls key package bundle",
            canonical(KeyPackageBundle.from_bytes, methodcaller("to_bytes")),
            [bundle.to_bytes()],
            (DecodingError,),
        ),
        stored_group(alice, bob),
    ]


def kinds_of_proposal(alice: Group, package: KeyPackage) -> tuple[Proposal, ...]:
    """Return a proposal of each kind."""
    staged = alice.propose_update(random=random.Random(1).randbytes)
    return (
        *taken_apart(alice, add=[package.message], remove=[LeafIndex(2)]).proposals,
        staged.proposal,
        *map(PreSharedKey, PSKS),
        ReInit(b"another room", 1, 1, EXTENSIONS),
        ExternalInit(b"k" * 32),
        GroupContextExtensions(EXTENSIONS),
        Remove(LeafIndex(1)),
    )  # type: ignore[return-value]


def key_package(data: bytes) -> None:
    """Read and judge a published key package."""
    read = KeyPackage.from_message(data)
    if read.message != data:
        raise AssertionError(f"another encoding was taken: {data.hex()}")
    read.validate(World().suite, NOW, CONFIG.authentication)


def stored_group(alice: Group, bob: Group) -> Target:
    """Return the target of a stored group with one record changed or one too many.

    The first byte says which record; or after the second, a length, comes its name, and then its value.
    """
    draw = random.Random(15).randbytes
    for number in range(3):
        sent = bob.encrypt(b"%d" % number, random=draw)
        bob.merge(sent)
    alice.merge(alice.process(sent.message, now=NOW))
    alice.merge(alice.propose_update(random=draw))
    parts = whole(alice)
    names = sorted(parts)

    def restore(data: bytes) -> None:
        at, length = (data[0], data[1]) if len(data) > 1 else (0, 0)
        name = data[2 : 2 + length] or names[at % len(names)]
        Group.restore({**parts, name: data[2 + length :]}, config=CONFIG)

    seeds = [bytes([at, 0]) + parts[name] for at, name in enumerate(names)]
    seeds += [bytes([0, len(name)]) + name + parts[name] for name in names]
    return Target("mls stored group", restore, seeds, (LocalError,), 2)
