"""Messaging Layer Security, RFC 9420: groups whose members alone can read.

Pure and synchronous: bytes go in, staged results come out; randomness and the clock are arguments.
Knows nothing of chat, sockets or storage. The names below are resolved when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sottovoce.mls.config import GroupConfig, bucket_padding, no_padding
    from sottovoce.mls.credentials import (
        AnyBasicCredential,
        AuthenticationService,
        Credential,
        CredentialType,
    )
    from sottovoce.mls.details import MessageDetails
    from sottovoce.mls.epoch import Member
    from sottovoce.mls.errors import (
        CredentialRefused,
        DamagedSnapshot,
        DecodingError,
        GenerationTooFar,
        GroupReinitialized,
        KeyConsumed,
        MissingPreSharedKey,
        MisuseError,
        MLSPeerError,
        NotAMember,
        OwnMessage,
        StaleStaging,
        UncommittedProposals,
        UndecryptableMessage,
        ValidationError,
        WrongEpoch,
    )
    from sottovoce.mls.extensions import (
        Extension,
        Extensions,
        ExtensionType,
        RequiredCapabilities,
        find_extension,
        grease_extension,
    )
    from sottovoce.mls.external_senders import ExternalSender, ExternalSenders
    from sottovoce.mls.framing import (
        ContentType,
        FramedContent,
        MLSMessage,
        PrivateMessage,
        PublicMessage,
        Sender,
        SenderType,
        WireFormat,
    )
    from sottovoce.mls.group import Group
    from sottovoce.mls.group_info import GroupContext, GroupInfo, Welcome
    from sottovoce.mls.join import GroupInfoView, StagedJoin, inspect_group_info
    from sottovoce.mls.key_package import (
        KeyPackage,
        KeyPackageBundle,
        Random,
        default_capabilities,
        generate_key_package,
    )
    from sottovoce.mls.nodes import Capabilities, LeafNode, LeafNodeSource, Lifetime
    from sottovoce.mls.outsiders import propose_externally, propose_own_addition
    from sottovoce.mls.proposals import (
        Add,
        Commit,
        ExternalInit,
        GroupContextExtensions,
        PreSharedKey,
        PreSharedKeyID,
        Proposal,
        ProposalReference,
        ProposalType,
        PSKType,
        ReInit,
        Remove,
        ResumptionUsage,
        SelfRemove,
        Update,
    )
    from sottovoce.mls.psks import ResumptionPSK
    from sottovoce.mls.records import Changes
    from sottovoce.mls.rules import ValidationRule
    from sottovoce.mls.staged import Staged, StagedApplication, StagedCommit, StagedMessage, StagedProposal
    from sottovoce.mls.successors import StagedGroup
    from sottovoce.mls.tree_math import LeafIndex

__all__ = [
    "Add",
    "AnyBasicCredential",
    "AuthenticationService",
    "Capabilities",
    "Changes",
    "Commit",
    "ContentType",
    "Credential",
    "CredentialRefused",
    "CredentialType",
    "DamagedSnapshot",
    "DecodingError",
    "Extension",
    "ExtensionType",
    "Extensions",
    "ExternalInit",
    "ExternalSender",
    "ExternalSenders",
    "FramedContent",
    "GenerationTooFar",
    "Group",
    "GroupConfig",
    "GroupContext",
    "GroupContextExtensions",
    "GroupInfo",
    "GroupInfoView",
    "GroupReinitialized",
    "KeyConsumed",
    "KeyPackage",
    "KeyPackageBundle",
    "LeafIndex",
    "LeafNode",
    "LeafNodeSource",
    "Lifetime",
    "MLSMessage",
    "MLSPeerError",
    "Member",
    "MessageDetails",
    "MissingPreSharedKey",
    "MisuseError",
    "NotAMember",
    "OwnMessage",
    "PSKType",
    "PreSharedKey",
    "PreSharedKeyID",
    "PrivateMessage",
    "Proposal",
    "ProposalReference",
    "ProposalType",
    "PublicMessage",
    "Random",
    "ReInit",
    "Remove",
    "RequiredCapabilities",
    "ResumptionPSK",
    "ResumptionUsage",
    "SelfRemove",
    "Sender",
    "SenderType",
    "Staged",
    "StagedApplication",
    "StagedCommit",
    "StagedGroup",
    "StagedJoin",
    "StagedMessage",
    "StagedProposal",
    "StaleStaging",
    "UncommittedProposals",
    "UndecryptableMessage",
    "Update",
    "ValidationError",
    "ValidationRule",
    "Welcome",
    "WireFormat",
    "WrongEpoch",
    "bucket_padding",
    "default_capabilities",
    "find_extension",
    "generate_key_package",
    "grease_extension",
    "inspect_group_info",
    "no_padding",
    "propose_externally",
    "propose_own_addition",
]

_SOURCES = {
    "config": ("GroupConfig", "bucket_padding", "no_padding"),
    "credentials": ("AnyBasicCredential", "AuthenticationService", "Credential", "CredentialType"),
    "details": ("MessageDetails",),
    "epoch": ("Member",),
    "extensions": (
        "Extension",
        "ExtensionType",
        "Extensions",
        "RequiredCapabilities",
        "find_extension",
        "grease_extension",
    ),
    "external_senders": ("ExternalSender", "ExternalSenders"),
    "framing": (
        "ContentType",
        "FramedContent",
        "MLSMessage",
        "PrivateMessage",
        "PublicMessage",
        "Sender",
        "SenderType",
        "WireFormat",
    ),
    "group": ("Group",),
    "group_info": ("GroupContext", "GroupInfo", "Welcome"),
    "join": ("GroupInfoView", "StagedJoin", "inspect_group_info"),
    "key_package": (
        "KeyPackage",
        "KeyPackageBundle",
        "Random",
        "default_capabilities",
        "generate_key_package",
    ),
    "nodes": ("Capabilities", "LeafNode", "LeafNodeSource", "Lifetime"),
    "outsiders": ("propose_externally", "propose_own_addition"),
    "proposals": (
        "Add",
        "Commit",
        "ExternalInit",
        "GroupContextExtensions",
        "PSKType",
        "PreSharedKey",
        "PreSharedKeyID",
        "Proposal",
        "ProposalReference",
        "ProposalType",
        "ReInit",
        "Remove",
        "ResumptionUsage",
        "SelfRemove",
        "Update",
    ),
    "psks": ("ResumptionPSK",),
    "records": ("Changes",),
    "rules": ("ValidationRule",),
    "staged": ("Staged", "StagedApplication", "StagedCommit", "StagedMessage", "StagedProposal"),
    "successors": ("StagedGroup",),
    "tree_math": ("LeafIndex",),
}
_MODULES = {name: module for module, names in _SOURCES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Resolve a public name where it is defined; errors are the names left over."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sottovoce.mls.{_MODULES.get(name, 'errors')}"), name)
