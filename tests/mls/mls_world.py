"""People, their groups, and an insider who signs whatever a test wants."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite, MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519
from sottovoce.errors import PeerError
from sottovoce.mls import (
    Capabilities,
    Credential,
    CredentialRefused,
    Group,
    GroupConfig,
    KeyPackageBundle,
    Lifetime,
    ValidationError,
    ValidationRule,
    generate_key_package,
)
from sottovoce.mls.framing import (
    Content,
    ContentAuth,
    FramedContent,
    MLSMessage,
    Sender,
    SenderType,
    WireFormat,
)
from sottovoce.mls.proposals import Commit
from sottovoce.mls.protection import VerifiedContent, encrypt_content, public_message, sign_content
from sottovoce.mls.records import Changes
from sottovoce.mls.secret_tree import ratchet_kind

NOW = 1_000_000
SUITE_1 = MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519


class AccountService:
    """A credential is ``account/device``; a leaf may be followed by one of the same account."""

    def validate(self, credential: Credential, signature_key: bytes) -> None:
        if credential.identity.startswith(b"mallory"):
            raise CredentialRefused("mallory has no certificate")

    def same_client(self, old: Credential, new: Credential) -> bool:
        return old.identity.split(b"/")[0] == new.identity.split(b"/")[0]


CONFIG = GroupConfig(authentication=AccountService())


@dataclass
class World:
    """Makes people and groups of one suite."""

    suite: CipherSuite = SUITE_1
    config: GroupConfig = CONFIG
    groups: dict[str, Group] = field(default_factory=dict)

    def keys(self) -> KeyPair:
        return self.suite.signature_key_pair(os.urandom(self.suite.signature_seed_length))

    def bundle(
        self, name: str, *, lifetime: Lifetime | None = None, capabilities: Capabilities | None = None
    ) -> KeyPackageBundle:
        return generate_key_package(
            self.suite,
            Credential.basic(name.encode()),
            self.keys(),
            lifetime=lifetime or Lifetime(NOW - 10, NOW + 10),
            capabilities=capabilities,
            random=os.urandom,
        )

    def create(self, name: str = "alice") -> Group:
        group = Group.create(
            self.suite,
            b"room",
            Credential.basic(name.encode()),
            self.keys(),
            config=self.config,
            random=os.urandom,
            now=NOW,
        )
        self.groups[name] = group
        return group

    def group_of(self, *names: str) -> list[Group]:
        """Return the groups of that many members, joined by one Welcome."""
        first = self.create(names[0])
        if len(names) == 1:
            return [first]
        bundles = {name: self.bundle(name) for name in names[1:]}
        staged = first.commit(add=[one.message for one in bundles.values()], random=os.urandom, now=NOW)
        first.merge(staged)
        assert staged.welcome is not None
        for name, bundle in bundles.items():
            self.groups[name] = Group.join(staged.welcome, bundle, config=self.config)
        # Everyone commits once, so that the tree has parents.
        groups = [self.groups[name] for name in names]
        for committer in groups[:2]:
            self.commit(committer)
        return groups

    def commit(self, committer: Group, **arguments: object) -> None:
        """Let a member commit and everyone else who is active follow."""
        staged = committer.commit(random=os.urandom, now=NOW, **arguments)  # type: ignore[arg-type]
        self.deliver(staged.message, committer)
        committer.merge(staged)

    def deliver(
        self, message: bytes, sender: Group | None, psks: Mapping[bytes, Secret] | None = None
    ) -> None:
        for group in self.groups.values():
            if group is not sender and group.is_active:
                group.merge(group.process(message, psks=psks or {}, now=NOW))

    def agree(self) -> None:
        active = [group for group in self.groups.values() if group.is_active]
        assert len({group.epoch_authenticator for group in active}) == 1
        assert len({group.members() for group in active}) == 1


def whole(group: Group) -> dict[bytes, bytes]:
    """Everything a group is, as bytes."""
    return group.records()


def applied(stored: dict[bytes, bytes], changes: Changes) -> dict[bytes, bytes]:
    """What a store holds once changes are written to it."""
    merged = {**stored, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def written(changes: Changes) -> int:
    """How many bytes a store is given to write."""
    return sum(len(key) + len(value or b"") for key, value in changes.items())


@contextmanager
def unchanged(*groups: Group) -> Iterator[None]:
    """Check that nothing inside changes these groups."""
    before = [whole(group) for group in groups]
    try:
        yield
    finally:
        assert [whole(group) for group in groups] == before


def refused(
    group: Group, message: bytes, rule: ValidationRule, psks: Mapping[bytes, Secret] | None = None
) -> None:
    """Check that a message is refused by that rule, and leaves no trace."""
    with unchanged(group), pytest.raises(ValidationError) as caught:
        group.process(message, psks=psks or {}, now=NOW)
    assert caught.value.rule is rule, caught.value
    assert rule.identifier in str(caught.value)


def refused_by(group: Group, message: bytes, error: type[PeerError]) -> None:
    """Check that a message is refused with exactly that error, and leaves no trace."""
    with unchanged(group), pytest.raises(error) as caught:
        group.process(message, now=NOW)
    assert type(caught.value) is error, caught.value


def insider(
    group: Group,
    content: Content,
    *,
    sender: Sender | None = None,
    key: bytes | None = None,
    tag: bytes | None = None,
    group_id: bytes | None = None,
    epoch: int | None = None,
    public: bool = False,
) -> bytes:
    """Sign and send what an honest member never would, with the secrets of a member."""
    state = group._state
    framed = FramedContent(
        group.group_id if group_id is None else group_id,
        group.epoch if epoch is None else epoch,
        sender or Sender.member(state.own_leaf),
        b"",
        content,
    )
    wire_format = WireFormat.PUBLIC_MESSAGE if public else WireFormat.PRIVATE_MESSAGE
    private = key or state.signature_key_pair.private
    signed = sign_content(group.suite, private, wire_format, framed, state.context.encoded)
    if isinstance(content, Commit):
        signed = replace(signed, auth=ContentAuth(signed.auth.signature, tag or bytes(32)))
    if public:
        return MLSMessage(
            public_message(group.suite, state.secrets.membership_key, signed, state.context.encoded)
        ).encode()
    return private_message(group, signed)


def private_message(group: Group, signed: VerifiedContent, padding: bytes = b"") -> bytes:
    tree = group._epochs[group.epoch].secret_tree
    step = tree.plan_next(group.own_leaf_index, ratchet_kind(signed.content.content_type))
    tree.apply(step)
    message = encrypt_content(
        group.suite,
        signed,
        step,
        group._state.secrets.sender_data_secret,
        reuse_guard=os.urandom(4),
        padded_length=lambda length: length + 16,
    )
    return MLSMessage(message).encode()


def commit_of(*proposals: object) -> Commit:
    """A commit without a path."""
    return Commit(tuple(proposals), None)  # type: ignore[arg-type]


def honest_path(group: Group, names: Sequence[object] = ()) -> object:
    """The path of an honest commit of that member, to be spoilt by a test."""
    return taken_apart(group).path


def taken_apart(group: Group, **arguments: object) -> Commit:
    """The commit inside an honest commit message."""
    from sottovoce.mls import sending

    seen: list[Commit] = []
    original = sending.create_commit

    def spy(*positional: object, **named: object) -> object:
        made = original(*positional, **named)  # type: ignore[arg-type]
        assert isinstance(made.content.content.content, Commit)
        seen.append(made.content.content.content)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "create_commit", spy)
        group.commit(random=os.urandom, now=NOW, **arguments)  # type: ignore[arg-type]
    return seen[0]


NEW_MEMBER = Sender(SenderType.NEW_MEMBER_COMMIT)
