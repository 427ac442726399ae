"""A member of this library, in the same words."""

from __future__ import annotations

import os
import time

from member import EXTENSION_TYPE, Extensions, Look, Member, Proposed, Received, Sent

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import cipher_suite
from sottovoce.mls import (
    Capabilities,
    Credential,
    Extension,
    Group,
    GroupConfig,
    KeyPackageBundle,
    LeafIndex,
    Lifetime,
    PreSharedKey,
    PSKType,
    ReInit,
    StagedApplication,
    StagedCommit,
    StagedGroup,
    StagedProposal,
    default_capabilities,
    generate_key_package,
    inspect_group_info,
    propose_own_addition,
)


def _now() -> int:
    return int(time.time())


def _typed(extensions: Extensions) -> tuple[Extension, ...]:
    return tuple(Extension(number, data) for number, data in extensions)


def _reinit(proposed: Proposed) -> ReInit:
    return ReInit.to(cipher_suite(proposed.suite), proposed.group_id, _typed(proposed.extensions))


class OurMember(Member):
    """Stages and merges in one step: whether a commit is accepted is not what these tests are about."""

    def __init__(self, name: str, suite: int) -> None:
        super().__init__(name, "ours", suite)
        self._credential = Credential.basic(name.encode())
        self._psks: dict[bytes, Secret] = {}
        self._proposed_psks: set[bytes] = set()
        self._bundle: KeyPackageBundle | None = None
        self._group: Group | None = None
        self._use(suite)

    def _use(self, suite: int) -> None:
        self.suite = suite
        self._suite = cipher_suite(suite)
        self._keys = self._suite.signature_key_pair(os.urandom(self._suite.signature_seed_length))

    @property
    def group(self) -> Group:
        assert self._group is not None
        return self._group

    @property
    def _capabilities(self) -> Capabilities:
        chosen = default_capabilities(self._suite)
        return Capabilities(
            chosen.versions,
            chosen.cipher_suites,
            (*chosen.extensions, EXTENSION_TYPE),
            chosen.proposals,
            chosen.credentials,
        )

    @property
    def _config(self) -> GroupConfig:
        return GroupConfig(
            max_lifetime=2**64,
            accept_public_messages=True,
            accept_external_proposals=True,
            accept_reinit=True,
            send_public_handshakes=self.by_public_message,
        )

    def know_psk(self, psk_id: bytes, psk: bytes) -> None:
        self._psks[psk_id] = Secret(psk)

    def key_package(self, suite: int | None = None) -> bytes:
        if suite is not None:
            self._use(suite)
        self._bundle = generate_key_package(
            self._suite,
            self._credential,
            self._keys,
            lifetime=Lifetime(_now() - 3600, _now() + 3600),
            capabilities=self._capabilities,
            random=os.urandom,
        )
        return self._bundle.message

    def create(self, group_id: bytes, extensions: Extensions = ()) -> None:
        self._group = Group.create(
            self._suite,
            group_id,
            self._credential,
            self._keys,
            extensions=_typed(extensions),
            capabilities=self._capabilities,
            config=self._config,
            random=os.urandom,
            now=_now(),
        )

    def join(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None:
        assert self._bundle is not None
        self._group = Group.join(
            welcome, self._bundle, psks=self._psks, ratchet_tree=ratchet_tree, config=self._config
        )

    def join_externally(
        self,
        group_info: bytes,
        ratchet_tree: bytes | None = None,
        *,
        resync: bool = False,
        psk_ids: tuple[bytes, ...] = (),
    ) -> bytes:
        staged = Group.join_externally(
            group_info,
            self._credential,
            self._keys,
            suite=self._suite,
            psks={psk_id: self._psks[psk_id] for psk_id in psk_ids},
            remove=self.group.own_leaf_index if resync else None,
            ratchet_tree=ratchet_tree,
            capabilities=self._capabilities,
            config=self._config,
            random=os.urandom,
        )
        self._group = staged.group
        return staged.commit

    def propose_own_addition(self, group_info: bytes) -> bytes:
        self.key_package()
        assert self._bundle is not None
        view = inspect_group_info(group_info, suite=self._suite)
        return propose_own_addition(self._bundle, group_id=view.group_id, epoch=view.epoch)

    def commit(self, *proposals: Proposed, tree_in_welcome: bool = True) -> Sent:
        named = self._proposed_psks | {one.psk_id for one in proposals if one.kind == "psk"}
        extensions = [one.extensions for one in proposals if one.kind == "extensions"]
        reinits = [one for one in proposals if one.kind == "reinit"]
        staged = self.group.commit(
            add=[one.key_package for one in proposals if one.kind == "add"],
            remove=[LeafIndex(one.leaf) for one in proposals if one.kind == "remove"],
            psks={psk_id: self._psks[psk_id] for psk_id in named},
            resumption_psks=[
                self.group.resumption_psk(one.epoch) for one in proposals if one.kind == "resumption_psk"
            ],
            group_context_extensions=_typed(extensions[0]) if extensions else None,
            reinit=_reinit(reinits[0]) if reinits else None,
            with_tree=tree_in_welcome,
            random=os.urandom,
            now=_now(),
        )
        self._merge(staged)
        return Sent(staged.message, staged.welcome, staged.ratchet_tree())

    def _merge(self, staged: StagedCommit) -> None:
        self.group.merge(staged)
        self._proposed_psks.clear()

    def propose(self, proposed: Proposed) -> bytes:
        staged = self._staged_proposal(proposed)
        self._take(staged)
        return staged.message

    def _staged_proposal(self, proposed: Proposed) -> StagedProposal:
        match proposed.kind:
            case "add":
                return self.group.propose_add(proposed.key_package, random=os.urandom, now=_now())
            case "remove":
                return self.group.propose_remove(LeafIndex(proposed.leaf), random=os.urandom)
            case "update":
                return self.group.propose_update(random=os.urandom)
            case "psk":
                return self.group.propose_psk(proposed.psk_id, random=os.urandom)
            case "resumption_psk":
                return self.group.propose_psk(self.group.resumption_psk(proposed.epoch), random=os.urandom)
            case "extensions":
                extensions = _typed(proposed.extensions)
                return self.group.propose_group_context_extensions(extensions, random=os.urandom)
            case "reinit":
                to = _reinit(proposed)
                return self.group.propose_reinit(
                    to.group_id, suite=cipher_suite(to.suite_id), extensions=to.extensions, random=os.urandom
                )

    def _take(self, staged: StagedProposal) -> None:
        proposal = staged.proposal
        if isinstance(proposal, PreSharedKey) and proposal.psk.psk_type is PSKType.EXTERNAL:
            self._proposed_psks.add(proposal.psk.psk_id)
        self.group.merge(staged)

    def encrypt(self, content: bytes, authenticated_data: bytes = b"") -> bytes:
        staged = self.group.encrypt(content, authenticated_data=authenticated_data, random=os.urandom)
        self.group.merge(staged)
        return staged.message

    def process(self, message: bytes) -> Received:
        staged = self.group.process(message, psks=self._psks, now=_now())
        if isinstance(staged, StagedApplication):
            self.group.merge(staged)
            return Received("application", staged.content, staged.authenticated_data)
        if isinstance(staged, StagedProposal):
            self._take(staged)
            return Received("proposal")
        self._merge(staged)
        return Received("commit")

    def look(self) -> Look:
        group = self.group
        return Look(
            group.epoch,
            group.group_id,
            group.confirmed_transcript_hash,
            group.epoch_authenticator,
            group.own_leaf_index,
            "removedFromGroup"
            if not group.is_active
            else "suspendedPendingReinit"
            if group.reinit
            else "active",
        )

    def export(self, label: str, context: bytes, length: int) -> bytes:
        return self.group.export(label, context, length).reveal()

    def group_info(self, *, with_tree: bool = True) -> bytes:
        return self.group.group_info(with_tree=with_tree)

    def ratchet_tree(self) -> bytes:
        return self.group.ratchet_tree()

    # -- successors and subgroups --------------------------------------------------------------------

    def _follow(self, welcome: bytes, ratchet_tree: bytes | None) -> None:
        assert self._bundle is not None
        self._group = Group.join(
            welcome, self._bundle, ratchet_tree=ratchet_tree, predecessor=self.group, config=self._config
        )

    def _begun(self, started: StagedGroup) -> Sent:
        self._group = started.group
        return Sent(b"", started.welcome, started.group.ratchet_tree())

    def begin_successor(self, *key_packages: bytes) -> Sent:
        started = self.group.reinitialize(
            key_packages,
            signature_key_pair=self._keys,
            capabilities=self._capabilities,
            random=os.urandom,
            now=_now(),
        )
        return self._begun(started)

    def join_successor(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None:
        self._follow(welcome, ratchet_tree)

    def branch(self, group_id: bytes, *key_packages: bytes) -> Sent:
        started = self.group.branch(
            group_id, key_packages, capabilities=self._capabilities, random=os.urandom, now=_now()
        )
        return self._begun(started)

    def join_branch(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None:
        self._follow(welcome, ratchet_tree)
