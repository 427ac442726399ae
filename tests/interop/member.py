"""What a member does, whoever wrote it: scenarios are told in these words and know no other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

Side = Literal["ours", "theirs"]
SIDES: tuple[Side, Side] = ("ours", "theirs")
SUITES = (1, 2, 3, 4, 5, 6, 7, 83)
"""The cipher suites of both sides: those of RFC 9420 §17.1, and X-Wing under the number ts-mls gave it."""
EXTENSION_TYPE = 0xF0F0
"""Of the range for private use (RFC 9420 §17.3); both sides list it in their capabilities."""

Extensions = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class Proposed:
    """What is to be proposed, or committed by value."""

    kind: Literal["add", "remove", "update", "psk", "resumption_psk", "extensions", "reinit"]
    key_package: bytes = b""
    leaf: int = 0
    psk_id: bytes = b""
    group_id: bytes = b""
    epoch: int = 0
    suite: int = 0
    extensions: Extensions = ()

    @classmethod
    def add(cls, key_package: bytes) -> Proposed:
        return cls("add", key_package=key_package)

    @classmethod
    def remove(cls, leaf: int) -> Proposed:
        return cls("remove", leaf=leaf)

    @classmethod
    def update(cls) -> Proposed:
        """A new leaf of whoever proposes; it cannot be committed by value."""
        return cls("update")

    @classmethod
    def psk(cls, psk_id: bytes) -> Proposed:
        return cls("psk", psk_id=psk_id)

    @classmethod
    def resumption_psk(cls, group_id: bytes, epoch: int) -> Proposed:
        return cls("resumption_psk", group_id=group_id, epoch=epoch)

    @classmethod
    def group_extensions(cls, *extensions: tuple[int, bytes]) -> Proposed:
        return cls("extensions", extensions=extensions)

    @classmethod
    def reinit(cls, group_id: bytes, suite: int, *extensions: tuple[int, bytes]) -> Proposed:
        return cls("reinit", group_id=group_id, suite=suite, extensions=extensions)


@dataclass(frozen=True)
class Sent:
    """A commit and what goes with it: a Welcome for who is added, the tree where it is sent beside."""

    commit: bytes
    welcome: bytes | None
    ratchet_tree: bytes


@dataclass(frozen=True)
class Received:
    """What a message turned out to be."""

    kind: Literal["application", "proposal", "commit"]
    content: bytes = b""
    authenticated_data: bytes = b""


@dataclass(frozen=True)
class Look:
    """What members of one epoch must have in common, and where this one is."""

    epoch: int
    group_id: bytes
    confirmed_transcript_hash: bytes
    epoch_authenticator: bytes
    own_leaf: int
    state: Literal["active", "suspendedPendingReinit", "removedFromGroup"]

    @property
    def shared(self) -> tuple[object, ...]:
        return (
            self.epoch,
            self.group_id,
            self.confirmed_transcript_hash,
            self.epoch_authenticator,
            self.state,
        )


class Member(ABC):
    """One client in one group; what it commits it merges at once."""

    def __init__(self, name: str, side: Side, suite: int) -> None:
        self.name = name
        self.side = side
        self.suite = suite
        self.by_public_message = False

    def __repr__(self) -> str:
        return f"{self.name} ({self.side})"

    @abstractmethod
    def know_psk(self, psk_id: bytes, psk: bytes) -> None: ...

    @abstractmethod
    def key_package(self, suite: int | None = None) -> bytes:
        """Make a new one and keep its private keys; of another suite for the successor of a group."""

    @abstractmethod
    def create(self, group_id: bytes, extensions: Extensions = ()) -> None: ...

    @abstractmethod
    def join(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None: ...

    @abstractmethod
    def join_externally(
        self,
        group_info: bytes,
        ratchet_tree: bytes | None = None,
        *,
        resync: bool = False,
        psk_ids: tuple[bytes, ...] = (),
    ) -> bytes:
        """Return the commit that brings this member in; ts-mls can inject no pre-shared key with it."""

    @abstractmethod
    def propose_own_addition(self, group_info: bytes) -> bytes:
        """Before it is in the group: it joins by the Welcome of whoever commits this."""

    @abstractmethod
    def commit(self, *proposals: Proposed, tree_in_welcome: bool = True) -> Sent:
        """Commit these by value and, by reference, what was proposed in this epoch."""

    @abstractmethod
    def propose(self, proposed: Proposed) -> bytes: ...

    @abstractmethod
    def encrypt(self, content: bytes, authenticated_data: bytes = b"") -> bytes: ...

    @abstractmethod
    def process(self, message: bytes) -> Received: ...

    @abstractmethod
    def look(self) -> Look: ...

    @abstractmethod
    def export(self, label: str, context: bytes, length: int) -> bytes: ...

    @abstractmethod
    def group_info(self, *, with_tree: bool = True) -> bytes: ...

    @abstractmethod
    def ratchet_tree(self) -> bytes: ...

    @abstractmethod
    def begin_successor(self, *key_packages: bytes) -> Sent: ...

    @abstractmethod
    def join_successor(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None: ...

    @abstractmethod
    def branch(self, group_id: bytes, *key_packages: bytes) -> Sent: ...

    @abstractmethod
    def join_branch(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None: ...

    @property
    def is_active(self) -> bool:
        return self.look().state == "active"
