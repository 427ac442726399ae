"""A group's first epoch (RFC 9420 §11)."""

from __future__ import annotations

from typing import Final

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.credentials import Credential
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.external_senders import validate_external_senders
from sottovoce.mls.join import Joined, context_of_new_group
from sottovoce.mls.key_package import Random, key_package_leaf, own_capabilities
from sottovoce.mls.key_schedule import interim_transcript_hash, key_schedule
from sottovoce.mls.labels import expand_with_label
from sottovoce.mls.nodes import Capabilities, Lifetime
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import LeafIndex, leaf_node_index
from sottovoce.mls.tree_validation import validate_group_support, validate_leaf_alone

_YEAR: Final = 365 * 24 * 3600


def founders_lifetime(config: GroupConfig, now: int) -> Lifetime:
    """Return how long a founder's leaf says that it may be used: a year, or what joiners accept if less."""
    return Lifetime(now, now + min(_YEAR, config.max_lifetime))


def create_group(
    suite: CipherSuite,
    group_id: bytes,
    credential: Credential,
    signature_key_pair: KeyPair,
    *,
    extensions: Extensions,
    leaf_extensions: Extensions,
    capabilities: Capabilities | None,
    lifetime: Lifetime,
    config: GroupConfig,
    random: Random,
) -> Joined:
    """Return the state of a group of one (§11).

    Raises ``ValidationError`` if the creator itself could not be a member, ``CredentialRefused`` for its
    credential.
    """
    encryption = suite.derive_key_pair(random(suite.secret_length))
    leaf = key_package_leaf(
        suite,
        credential,
        signature_key_pair,
        encryption.public,
        capabilities=capabilities or own_capabilities(suite, credential, random),
        extensions=leaf_extensions,
        lifetime=lifetime,
    )
    tree = RatchetTree.of_one(leaf)
    validate_leaf_alone(leaf, config.leaf_limits)
    validate_group_support(tree, suite, extensions)
    config.authentication.validate(credential, signature_key_pair.public)
    validate_external_senders(extensions, (), config.authentication)
    context = context_of_new_group(suite, group_id, tree, extensions)
    # §11: the first epoch's secret is random; here it enters as the joiner secret's place does.
    joiner = expand_with_label(
        suite, random(suite.secret_length), b"joiner", context.encoded, suite.secret_length
    )
    schedule = key_schedule(suite, joiner, bytes(suite.secret_length), context.encoded)
    tag = suite.mac(schedule.secrets.confirmation_key, b"")
    state = EpochState(
        suite,
        context,
        tree,
        LeafIndex(0),
        signature_key_pair,
        {leaf_node_index(LeafIndex(0)): encryption.private},
        schedule.secrets,
        interim_transcript_hash(suite, b"", tag),
        tag,
    )
    return Joined(state, schedule.encryption_secret, ())
