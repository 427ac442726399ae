"""A group as one member has it: the façade over the rest of this room.

Every operation returns a staged result and changes nothing; :meth:`Group.merge` makes it so. What an
operation raises, it raises before anything changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import SUPPORTED, CipherSuite
from sottovoce.mls.config import DEFAULT_CONFIG, GroupConfig
from sottovoce.mls.creation import create_group, founders_lifetime
from sottovoce.mls.credentials import Credential
from sottovoce.mls.errors import MisuseError, UncommittedProposals, ValidationError
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.founding import Founder
from sottovoce.mls.framing import MLSMessage, WireFormat
from sottovoce.mls.group_info import Welcome
from sottovoce.mls.join import (
    Joined,
    Joiner,
    StagedJoin,
    join_by_external_commit,
    join_by_welcome,
    read_group_info,
)
from sottovoce.mls.key_package import MLS10, KeyPackage, KeyPackageBundle, Random
from sottovoce.mls.membership import Membership
from sottovoce.mls.nodes import Capabilities, Lifetime
from sottovoce.mls.own_proposals import new_update
from sottovoce.mls.proposal_list import validate_addition
from sottovoce.mls.proposals import Add, GroupContextExtensions, PreSharedKey, ReInit, Remove, SelfRemove
from sottovoce.mls.psks import (
    KnownPSKs,
    ResumptionPSK,
    name_external,
    name_resumption,
)
from sottovoce.mls.receiving import Receiver
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.sending import Author, CommitRequest, encrypt_own, key_package_of, sign_own
from sottovoce.mls.staged import StagedApplication, StagedCommit, StagedMessage, StagedProposal
from sottovoce.mls.successors import Predecessor, StagedGroup
from sottovoce.mls.tree_math import LeafIndex

NO_PSKS: Final[Mapping[bytes, Secret]] = {}


class Group(Membership):
    """One member's view of one group; :meth:`create`, :meth:`join` and :meth:`restore` make one."""

    def __repr__(self) -> str:
        return (
            f"Group(group_id={self.group_id.hex()}, epoch={self.epoch}, own_leaf={self.own_leaf_index}, "
            f"suite={self.suite.name}, active={self._is_active})"
        )

    # -- beginning ---------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        suite: CipherSuite,
        group_id: bytes,
        credential: Credential,
        signature_key_pair: KeyPair,
        *,
        extensions: Extensions = (),
        leaf_extensions: Extensions = (),
        capabilities: Capabilities | None = None,
        lifetime: Lifetime | None = None,
        config: GroupConfig = DEFAULT_CONFIG,
        random: Random,
        now: int,
    ) -> Group:
        """Begin a group with one member (RFC 9420 §11); ``now`` is Unix time in seconds.

        Nobody can join externally at epoch 0: commit once before a GroupInfo is given out.
        """
        joined = create_group(
            suite,
            group_id,
            credential,
            signature_key_pair,
            extensions=tuple(extensions),
            leaf_extensions=tuple(leaf_extensions),
            capabilities=capabilities,
            lifetime=lifetime or founders_lifetime(config, now),
            config=config,
            random=random,
        )
        return cls._begin(joined, config)

    @classmethod
    def join(
        cls,
        welcome: bytes,
        bundle: KeyPackageBundle,
        *,
        psks: Mapping[bytes, Secret] = NO_PSKS,
        resumption_psks: Sequence[ResumptionPSK] = (),
        predecessor: Group | None = None,
        ratchet_tree: bytes | None = None,
        config: GroupConfig = DEFAULT_CONFIG,
    ) -> Group:
        """Join by Welcome (RFC 9420 §12.4.3.1); raises ``PeerError``.

        ``bundle`` is used up: delete its init key once the group is stored. A ``predecessor`` is the group
        that this one succeeds or branches from: a Welcome to such a group is refused without it, with
        ``MissingPreSharedKey`` naming it, and any other Welcome with it.
        """
        body = MLSMessage.decode(welcome).body
        if not isinstance(body, Welcome):
            raise ValidationError(ValidationRule.FRAMING_WIRE_FORMAT, "a Welcome is wanted")
        old = None
        if predecessor is not None:
            old = Predecessor(predecessor._state, predecessor._epochs)  # noqa: SLF001  # a group, in its class
        joined = join_by_welcome(
            body,
            bundle,
            known=(
                KnownPSKs.of(psks, resumption_psks)
                if old is None
                else KnownPSKs.of_member(old.state, old.epochs, psks, resumption_psks)
            ),
            predecessor=old,
            ratchet_tree=ratchet_tree,
            config=config,
        )
        return cls._begin(joined, config)

    @classmethod
    def join_externally(
        cls,
        group_info: bytes,
        credential: Credential,
        signature_key_pair: KeyPair,
        *,
        suite: CipherSuite,
        psks: Mapping[bytes, Secret] = NO_PSKS,
        resumption_psks: Sequence[ResumptionPSK] = (),
        self_removals: Sequence[bytes] = (),
        remove: LeafIndex | None = None,
        ratchet_tree: bytes | None = None,
        capabilities: Capabilities | None = None,
        leaf_extensions: Extensions = (),
        authenticated_data: bytes = b"",
        config: GroupConfig = DEFAULT_CONFIG,
        random: Random,
    ) -> StagedJoin:
        """Join by external commit, each of the PSKs injected (RFC 9420 §12.4.3.2).

        ``remove`` is this client's own old leaf, ``self_removals`` the messages of members who leave, which
        are committed with it (:meth:`propose_self_remove`). ``suite`` is pinned: a GroupInfo of another is
        refused.
        """
        joiner = Joiner(
            credential,
            signature_key_pair,
            remove,
            capabilities,
            tuple(leaf_extensions),
            KnownPSKs.of(psks, resumption_psks),
            self_removals,
        )
        commit, joined = join_by_external_commit(
            read_group_info(group_info),
            joiner,
            suite=suite,
            ratchet_tree=ratchet_tree,
            authenticated_data=authenticated_data,
            config=config,
            random=random,
        )
        return StagedJoin(commit, cls._begin(joined, config))

    # -- sending -----------------------------------------------------------------------------------

    def encrypt(self, content: bytes, *, authenticated_data: bytes = b"", random: Random) -> StagedMessage:
        """Encrypt application data (RFC 9420 §15); ``authenticated_data`` is sent readable.

        Raises ``UncommittedProposals`` while :attr:`must_commit_first`.
        """
        self._require_open()
        if self.must_commit_first:
            raise UncommittedProposals("others have proposed changes of the group: commit them first")
        message = sign_own(self._state, bytes(content), authenticated_data, WireFormat.PRIVATE_MESSAGE)
        tree = self._epochs[self.epoch].secret_tree
        return encrypt_own(self._state, tree, self._config, message, random)

    def propose_add(
        self, key_package: KeyPackage | bytes, *, authenticated_data: bytes = b"", random: Random, now: int
    ) -> StagedProposal:
        """Propose to add a client (RFC 9420 §12.1.1)."""
        package = key_package_of(key_package)
        validate_addition(self._state, self._config, package, now)
        return self._author(random).propose(Add(package), authenticated_data)

    def propose_remove(
        self, leaf: LeafIndex, *, authenticated_data: bytes = b"", random: Random
    ) -> StagedProposal:
        """Propose to remove the member at ``leaf``, oneself perhaps (RFC 9420 §12.1.3)."""
        if self.member(leaf) is None:
            raise MisuseError(f"leaf {leaf} is no member")
        return self._author(random).propose(Remove(leaf), authenticated_data)

    def propose_self_remove(self, *, authenticated_data: bytes = b"", random: Random) -> StagedProposal:
        """Propose to leave, so that joiners too can commit it: a PublicMessage (draft-ietf-mls-extensions).

        Raises ``MisuseError`` in a group some of whose members do not list ``ProposalType.SELF_REMOVE``.
        """
        return self._author(random).propose(SelfRemove(), authenticated_data)

    def propose_update(
        self,
        *,
        credential: Credential | None = None,
        signature_key_pair: KeyPair | None = None,
        authenticated_data: bytes = b"",
        random: Random,
    ) -> StagedProposal:
        """Propose a new leaf for this member, with a new encryption key (RFC 9420 §12.1.2)."""
        author = self._author(random)
        update, private = new_update(self._state, credential, signature_key_pair, random)
        return author.propose(update, authenticated_data, private)

    def propose_psk(
        self, psk: bytes | ResumptionPSK, *, authenticated_data: bytes = b"", random: Random
    ) -> StagedProposal:
        """Propose to inject a pre-shared key: an external one by its id, or a resumption PSK (§12.1.4)."""
        if isinstance(psk, ResumptionPSK):
            name = name_resumption(psk, self.suite, random)
        else:
            (name,) = name_external([psk], self.suite, random)
        return self._author(random).propose(PreSharedKey(name), authenticated_data)

    def propose_group_context_extensions(
        self, extensions: Extensions, *, authenticated_data: bytes = b"", random: Random
    ) -> StagedProposal:
        """Propose to replace all of the GroupContext's extensions (RFC 9420 §12.1.7)."""
        proposal = GroupContextExtensions(tuple(extensions))
        return self._author(random).propose(proposal, authenticated_data)

    def propose_reinit(
        self,
        group_id: bytes,
        *,
        suite: CipherSuite,
        extensions: Extensions = (),
        authenticated_data: bytes = b"",
        random: Random,
    ) -> StagedProposal:
        """Propose to close the group and go on in a new one with these parameters (RFC 9420 §12.1.5)."""
        return self._author(random).propose(ReInit.to(suite, group_id, extensions), authenticated_data)

    def commit(
        self,
        *,
        add: Sequence[KeyPackage | bytes] = (),
        remove: Sequence[LeafIndex] = (),
        psks: Mapping[bytes, Secret] = NO_PSKS,
        resumption_psks: Sequence[ResumptionPSK] = (),
        group_context_extensions: Extensions | None = None,
        reinit: ReInit | None = None,
        force_path: bool = True,
        include_pending: bool = True,
        with_tree: bool = True,
        welcome_group_info_extensions: Extensions = (),
        authenticated_data: bytes = b"",
        random: Random,
        now: int,
    ) -> StagedCommit:
        """Work a commit out: what is asked for by value, and the proposals received, by reference.

        ``psks`` are injected as external PSKs, ``resumption_psks`` as such; one that only a received proposal
        names must be among them too, unless it is of a kept epoch of this group. A received proposal that
        would make the commit invalid is left out; what is asked for by value and may not be committed raises
        ``ValidationError``. A ``reinit`` stands alone. Without ``with_tree`` the Welcome lacks the ratchet
        tree, to be sent beside it.
        """
        request = CommitRequest(
            add=add,
            remove=remove,
            psks=psks,
            resumption_psks=resumption_psks,
            group_context_extensions=group_context_extensions,
            reinit=reinit,
            force_path=force_path,
            include_pending=include_pending,
            with_tree=with_tree,
            welcome_group_info_extensions=tuple(welcome_group_info_extensions),
            authenticated_data=authenticated_data,
        )
        return self._author(random).commit(request, now)

    def _author(self, random: Random) -> Author:
        self._require_open()
        return Author(self._state, self._epochs, self._pending, self._config, random)

    # -- going on in another group -----------------------------------------------------------------

    def reinitialize(
        self,
        key_packages: Sequence[KeyPackage | bytes],
        *,
        credential: Credential | None = None,
        signature_key_pair: KeyPair | None = None,
        capabilities: Capabilities | None = None,
        psks: Mapping[bytes, Secret] = NO_PSKS,
        with_tree: bool = True,
        config: GroupConfig | None = None,
        random: Random,
        now: int,
    ) -> StagedGroup:
        """Begin the group that :attr:`reinit` announced, with one key package of each other member (§11.2).

        Any member may. What is not given is as in this group; another signature scheme needs keys of its own.
        """
        self._require_active()
        to, chosen = self._state.reinit, config or self._config
        if to is None:
            raise MisuseError("commit a ReInit first: nothing is announced to go on with")
        if to.version != MLS10 or to.suite_id not in SUPPORTED:
            raise MisuseError("the ReInit announced a version or cipher suite that this build does not have")
        mine = (credential, signature_key_pair, capabilities)
        founder = Founder(self._state, SUPPORTED[to.suite_id], key_packages, *mine, psks, with_tree)
        first = founder.succeed(to.group_id, to.extensions, chosen, random=random, now=now)
        return self._follow(*first, chosen, random, now)

    def branch(
        self,
        group_id: bytes,
        key_packages: Sequence[KeyPackage | bytes],
        *,
        extensions: Extensions = (),
        credential: Credential | None = None,
        signature_key_pair: KeyPair | None = None,
        capabilities: Capabilities | None = None,
        psks: Mapping[bytes, Secret] = NO_PSKS,
        with_tree: bool = True,
        config: GroupConfig | None = None,
        random: Random,
        now: int,
    ) -> StagedGroup:
        """Begin a subgroup with some of the members, by a key package of each (RFC 9420 §11.3).

        ``group_id`` is another than this group's. What is not given is as in this group.
        """
        self._require_open()
        chosen = config or self._config
        mine = (credential, signature_key_pair, capabilities)
        founder = Founder(self._state, self.suite, key_packages, *mine, psks, with_tree)
        first = founder.branch(group_id, tuple(extensions), chosen, random=random, now=now)
        return self._follow(*first, chosen, random, now)

    @classmethod
    def _follow(
        cls, joined: Joined, request: CommitRequest, config: GroupConfig, random: Random, now: int
    ) -> StagedGroup:
        group = cls._begin(joined, config)
        staged = group._author(random).commit(request, now)  # noqa: SLF001  # a group, in its class
        group.merge(staged)
        return StagedGroup(staged.welcome, group)

    # -- receiving ---------------------------------------------------------------------------------

    def process(
        self,
        message: bytes,
        *,
        psks: Mapping[bytes, Secret] = NO_PSKS,
        resumption_psks: Sequence[ResumptionPSK] = (),
        now: int,
    ) -> StagedApplication | StagedProposal | StagedCommit:
        """Decrypt, verify and work out a received message (RFC 9420 §6, §12.4.2).

        Raises ``PeerError`` for what is wrong with the message: ``DecodingError``, ``ValidationError``,
        ``UndecryptableMessage``, ``WrongEpoch``, ``OwnMessage``, ``MissingPreSharedKey``,
        ``CredentialRefused``, or what the configuration's ``check_commit`` and ``check_proposal`` raise.

        ``now``, Unix seconds, is held against the lifetimes of key packages. Members who give the same
        ``now`` for one message, say the time it was accepted at, judge it alike however late they read it.
        """
        self._require_active()
        receiver = Receiver(self._state, self._epochs, self._pending, self._config, psks, resumption_psks)
        staged = receiver.receive(message, now)
        if self._config.trace is not None:
            self._trace(f"received {type(staged).__name__}")
        return staged
